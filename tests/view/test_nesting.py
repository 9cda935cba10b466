from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.view.description import Description, Edge, Group, Node
from pypedream.view.layout import Box
from pypedream.view.nesting import nested_layout

GROUPS = (Group("a", "a"), Group("a.b", "b", "a"), Group("c", "c"), Group("d", "d"))
INSIDE = {"a": ("a", "a.b"), "b": ("a.b",), "c": ("c",), "d": ("d",)}


def described(scopes: list[str], pairs: list[tuple[int, int]]) -> Description:
    nodes = tuple(Node(f"n{at}", f"n{at}", group=scope) for at, scope in enumerate(scopes))
    edges = tuple(Edge(f"n{source}", f"n{target}") for source, target in pairs)
    groups = tuple(one for one in GROUPS if any(f"{s}.".startswith(f"{one.key}.") for s in scopes))
    return Description("flow", "pipeline", "flow", nodes, edges, groups)


@st.composite
def descriptions(draw: st.DrawFn) -> tuple[Description, dict[str, tuple[float, float]]]:
    """Stages in groups that follow each other, and some that are in none."""
    scopes = draw(st.lists(st.sampled_from(["", "a", "a.b", "c", "d"]), min_size=1, max_size=12))
    # in the order of the groups no group waits for one that waits for it
    scopes.sort(key=["c", "a.b", "a", "", "d"].index)
    ends = st.integers(0, len(scopes) - 1)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=25))
    sizes = {
        f"n{at}": (2.0 * draw(st.integers(20, 90)), draw(st.sampled_from([24.0, 32.0])))
        for at in range(len(scopes))
    }
    ordered = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    return described(scopes, ordered), sizes


def holds(outer: Box, inner: Box) -> bool:
    right = inner.x + inner.width <= outer.x + outer.width
    below = inner.y + inner.height <= outer.y + outer.height
    return outer.x <= inner.x and outer.y <= inner.y and right and below


def is_apart(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return beside or one.y + one.height <= other.y or other.y + other.height <= one.y


both_ways = pytest.mark.parametrize("is_sideways", [False, True], ids=["down", "right"])


@both_ways
@given(drawn=descriptions())
@settings(deadline=None)
def test_groups_stand_in_frames_and_no_edge_runs_behind_a_box(hidden, is_sideways, drawn):
    """Whatever is in which group: every group has a frame, with its own stages alone."""
    description, sizes = drawn

    found = nested_layout(description, sizes, is_sideways=is_sideways)

    if not description.groups:
        assert found is None
        return
    assert found is not None
    picture, frames = found
    assert hidden(picture) == []
    assert {key: (box.width, box.height) for key, box in picture.boxes.items()} == sizes
    assert all(is_apart(*pair) for pair in combinations(picture.boxes.values(), 2))
    assert len(frames) == len(description.groups)
    for frame in frames:
        for node in description.nodes:
            is_own = node.group in INSIDE[frame.label]
            box = picture.boxes[node.key]
            assert holds(frame.box, box) if is_own else is_apart(frame.box, box)
    for one, other in combinations([frame.box for frame in frames], 2):
        assert is_apart(one, other) or holds(one, other)


@both_ways
@given(drawn=descriptions())
@settings(deadline=None)
def test_every_edge_leads_from_its_source_to_its_target(is_sideways, drawn):
    """Through whatever frames it goes, and always onwards."""
    description, sizes = drawn

    found = nested_layout(description, sizes, is_sideways=is_sideways)

    if found is None:
        return
    picture = found[0]
    assert set(picture.routes) == {(edge.source, edge.target) for edge in description.edges}
    axis = 0 if is_sideways else 1
    for (source, target), points in picture.routes.items():
        ways = [point[axis] for point in points]
        assert ways == sorted(ways)
        for key, point, is_end in ((source, points[0], True), (target, points[-1], False)):
            box = picture.boxes[key]
            near, size = ((box.x, box.width), (box.y, box.height))[axis]
            assert point[axis] == pytest.approx(near + size * is_end)


def test_groups_that_wait_for_each_other_have_no_frames():
    """Such a picture is drawn without nesting."""
    description = described(["a", "c", "a"], [(0, 1), (1, 2)])

    assert nested_layout(description, dict.fromkeys(("n0", "n1", "n2"), (80.0, 32.0))) is None


def test_a_huge_picture_is_not_nested():
    """Nobody reads it frame by frame."""
    description = described(["a"] * 301, [])

    assert nested_layout(description, {f"n{at}": (80.0, 32.0) for at in range(301)}) is None
