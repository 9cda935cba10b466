from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.view.layout import Box, Layout, layout

Edge = tuple[str, str]
Point = tuple[float, float]
Picture = tuple[dict[str, tuple[float, float]], list[Edge]]
Hidden = Callable[[Layout], list[tuple[Edge, str]]]


@st.composite
def pictures(draw: st.DrawFn, *, cyclic: bool = False) -> Picture:
    """Boxes of any size with edges between them."""
    count = draw(st.integers(1, 16))
    sizes = {
        f"s{number}": (2.0 * draw(st.integers(10, 120)), draw(st.sampled_from([24.0, 32.0])))
        for number in range(count)
    }
    ends = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=40))
    edges = [(f"s{one}", f"s{other}") for one, other in pairs]
    if not cyclic:
        edges = [(f"s{min(pair)}", f"s{max(pair)}") for pair in pairs if pair[0] != pair[1]]
    return sizes, edges


def is_apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def random_graph(count: int) -> Picture:
    """A big graph that is always the same one."""
    number = 1
    edges = []
    for target in range(1, count):
        for _ in range(2):
            number = number * 48271 % 2147483647
            edges.append((f"s{max(0, target - 1 - number % 60)}", f"s{target}"))
    return {f"s{number}": (80.0, 32.0) for number in range(count)}, edges


both_ways = pytest.mark.parametrize("is_sideways", [False, True], ids=["down", "right"])


@both_ways
@given(picture=pictures())
@settings(deadline=None)
def test_no_edge_runs_behind_a_box(hidden: Hidden, is_sideways: bool, picture: Picture) -> None:
    """A line touches the boxes at its ends and stays clear of all others."""
    assert hidden(layout(*picture, is_sideways=is_sideways)) == []


@both_ways
@given(picture=pictures(cyclic=True))
@settings(deadline=None)
def test_cycles_are_drawn_like_anything_else(
    hidden: Hidden, is_sideways: bool, picture: Picture
) -> None:
    """A pipeline that cannot run can still be looked at."""
    sizes, edges = picture

    laid_out = layout(sizes, edges, is_sideways=is_sideways)

    assert hidden(laid_out) == []
    assert set(laid_out.routes) == {edge for edge in edges if edge[0] != edge[1]}


@both_ways
@given(picture=pictures())
@settings(deadline=None)
def test_boxes_keep_their_size_and_stay_apart(is_sideways: bool, picture: Picture) -> None:
    """Every box is there once, as large as it was given, and none covers another."""
    sizes, edges = picture

    laid_out = layout(sizes, edges, is_sideways=is_sideways)

    assert {key: (box.width, box.height) for key, box in laid_out.boxes.items()} == sizes
    assert all(is_apart(*pair) for pair in combinations(laid_out.boxes.values(), 2))


@both_ways
@given(picture=pictures(cyclic=True))
@settings(deadline=None)
def test_everything_is_within_the_picture(is_sideways: bool, picture: Picture) -> None:
    """Nothing is cut off at the edge of the picture."""
    laid_out = layout(*picture, is_sideways=is_sideways)

    corners = [(box.x, box.y) for box in laid_out.boxes.values()]
    corners += [(box.x + box.width, box.y + box.height) for box in laid_out.boxes.values()]
    corners += [point for points in laid_out.routes.values() for point in points]
    assert all(0 <= x <= laid_out.width and 0 <= y <= laid_out.height for x, y in corners)


@given(picture=pictures())
@settings(deadline=None)
def test_values_flow_downwards(picture: Picture) -> None:
    """An edge leaves at the foot of its source, ends at the head of its target, never rises."""
    laid_out = layout(*picture)

    for (source, target), points in laid_out.routes.items():
        above, below = laid_out.boxes[source], laid_out.boxes[target]
        assert points[0] == (above.x + above.width / 2, above.y + above.height)
        assert points[-1] == (below.x + below.width / 2, below.y)
        assert all(start[1] < end[1] for start, end in pairwise(points))


@given(picture=pictures(cyclic=True))
@settings(deadline=None)
def test_the_same_graph_gives_the_same_picture(picture: Picture) -> None:
    """Nothing depends on chance or on the order of a set."""
    sizes, edges = picture

    assert layout(dict(sizes), list(edges)) == layout(sizes, edges)


@given(picture=pictures())
@settings(deadline=None)
def test_an_edge_that_is_given_twice_is_drawn_once(picture: Picture) -> None:
    """Two arguments from one stage are one line."""
    sizes, edges = picture

    assert layout(sizes, [*edges, *edges]) == layout(sizes, edges)


def test_a_chain_is_a_straight_line() -> None:
    """All boxes of a chain have their middle in one column."""
    sizes = {"load": (60.0, 32.0), "clean": (140.0, 32.0), "plot": (82.0, 32.0)}

    picture = layout(sizes, [("load", "clean"), ("clean", "plot")])

    assert {box.x + box.width / 2 for box in picture.boxes.values()} == {70.0}
    assert all(len(points) == 2 for points in picture.routes.values())


def test_a_diamond_is_symmetric() -> None:
    """Beginning and end stand in the middle between the two branches."""
    sizes = dict.fromkeys(("load", "left", "right", "join"), (80.0, 32.0))
    edges = [("load", "left"), ("load", "right"), ("left", "join"), ("right", "join")]

    boxes = layout(sizes, edges).boxes

    assert boxes["load"].x == boxes["join"].x == (boxes["left"].x + boxes["right"].x) / 2
    assert boxes["left"].y == boxes["right"].y


def test_a_long_edge_goes_beside_what_it_skips() -> None:
    """An edge over three layers is straight beside the boxes between."""
    sizes = dict.fromkeys(("a", "b", "c", "d"), (80.0, 32.0))

    picture = layout(sizes, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])

    xs = [x for x, _ in picture.routes["a", "d"]]
    assert len(set(xs[1:-1])) == 1
    assert abs(xs[1] - 40.0) > 40.0


def test_two_chains_do_not_cross() -> None:
    """The order in which stages are defined does not tangle what is apart."""
    sizes = dict.fromkeys(("a1", "b1", "b2", "a2", "a3", "b3"), (80.0, 32.0))

    picture = layout(sizes, [("a1", "a2"), ("b1", "b2"), ("a2", "a3"), ("b2", "b3")])

    assert all(len(points) == 2 for points in picture.routes.values())


def test_edges_of_unknown_boxes_and_of_a_box_to_itself_have_no_route() -> None:
    """What cannot be led anywhere is left out."""
    picture = layout({"a": (40.0, 32.0)}, [("a", "a"), ("a", "b"), ("c", "a")])

    assert picture.routes == {}


def test_nothing_gives_an_empty_picture() -> None:
    """A pipeline without stages is no special case."""
    assert layout({}, []) == Layout(0.0, 0.0, {}, {})


def test_edges_that_are_too_long_go_round_the_picture(hidden: Hidden) -> None:
    """When thousands of edges skip hundreds of layers, the longest share lanes beside the boxes."""
    count = 260
    sizes = {f"s{number}": (80.0, 32.0) for number in range(count)}
    chain = [(f"s{number}", f"s{number + 1}") for number in range(count - 1)]
    hub = [("s0", f"s{number}") for number in range(2, count)]

    picture = layout(sizes, chain + hub)

    right = max(box.x + box.width for box in picture.boxes.values())
    assert max(x for x, _ in picture.routes["s0", f"s{count - 1}"]) > right
    assert hidden(picture) == []


def test_a_big_graph_is_laid_out() -> None:
    """Size alone breaks no rule."""
    picture = layout(*random_graph(300))

    assert all(is_apart(*pair) for pair in combinations(picture.boxes.values(), 2))
