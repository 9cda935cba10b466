from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.view import to_svg
from pypedream.view.description import Description, Edge, Group, Node
from pypedream.view.grouping import group_frames
from pypedream.view.layout import Box, layout

SVG = "{http://www.w3.org/2000/svg}"
GROUPS = (Group("a", "a"), Group("a.b", "b", "a"), Group("c", "c"))


def described(scopes: list[str], edges: list[tuple[int, int]]) -> Description:
    nodes = tuple(Node(f"n{at}", f"n{at}", group=scope) for at, scope in enumerate(scopes))
    lines = tuple(Edge(f"n{source}", f"n{target}") for source, target in edges)
    return Description("flow", "pipeline", "flow", nodes, lines, GROUPS)


def meet(one: Box, other: Box) -> bool:
    beside = one.x >= other.x + other.width or other.x >= one.x + one.width
    return not (beside or one.y >= other.y + other.height or other.y >= one.y + one.height)


def holds(outer: Box, inner: Box) -> bool:
    right = inner.x + inner.width <= outer.x + outer.width
    below = inner.y + inner.height <= outer.y + outer.height
    return outer.x <= inner.x and outer.y <= inner.y and right and below


@given(
    st.lists(st.sampled_from(["", "a", "a.b", "c"]), min_size=1, max_size=9),
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12),
)
@settings(deadline=None)
def test_a_frame_holds_its_own_stages_and_no_others(scopes, pairs):
    """What stands in a frame belongs to it, and frames do not cross."""
    edges = [(low, high) for low, high in pairs if low < high < len(scopes)]
    description = described(scopes, edges)
    sizes = {node.key: (80.0, 32.0) for node in description.nodes}
    keys = [(f"n{source}", f"n{target}") for source, target in edges]
    boxes = layout(sizes, keys, extra=32).boxes

    frames = list(group_frames(description, boxes))

    inside = {"a": ("a", "a.b"), "b": ("a.b",), "c": ("c",)}
    for frame in frames:
        for node in description.nodes:
            box = boxes[node.key]
            if node.group in inside[frame.label]:
                assert holds(frame.box, box)
            else:
                assert not meet(frame.box, box)
    for one, other in combinations([frame.box for frame in frames], 2):
        assert not meet(one, other) or holds(one, other)


def test_groups_are_framed_in_the_picture():
    """Two included pipelines stand side by side, each in a frame with its name."""
    edges = [(0, 1), (2, 3), (1, 4), (3, 4)]

    picture = ElementTree.fromstring(to_svg(described(["a", "a", "c", "c", ""], edges)))

    written = [text.text for text in picture.iter(f"{SVG}text")]
    assert written[:2] == ["a", "c"]
    left, top, width, height = map(float, picture.attrib["viewBox"].split())
    for rect in picture.iter(f"{SVG}rect"):
        x, y = float(rect.attrib["x"]), float(rect.attrib["y"])
        assert left <= x
        assert x + float(rect.attrib["width"]) <= left + width
        assert top <= y
        assert y + float(rect.attrib["height"]) <= top + height
