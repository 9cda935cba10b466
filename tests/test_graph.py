"""Laws of graphs: they hold for every graph, not only for those that somebody thought of."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import graph

KEYS = [f"stage{number}" for number in range(8)]


@st.composite
def graphs(draw, *, is_acyclic=False):
    """Draw keys in any order of definition, each with keys that it needs."""
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True))
    flow = draw(st.permutations(keys))
    needs = {}
    for key in keys:
        allowed = flow[: flow.index(key)] if is_acyclic else keys
        chosen = st.lists(st.sampled_from(allowed), unique=True, max_size=3)
        needs[key] = tuple(draw(chosen)) if allowed else ()
    return needs


@given(graphs(is_acyclic=True))
def test_order_holds_every_key_after_what_it_needs(needs):
    """Without a cycle the order is a permutation in which needs come first."""
    ordered = graph.order(needs)

    assert sorted(ordered) == sorted(needs)
    for key, needed in needs.items():
        assert all(ordered.index(need) < ordered.index(key) for need in needed)


@given(graphs(is_acyclic=True))
def test_order_takes_what_was_defined_first(needs):
    """Of the keys that could come next, the first defined comes next."""
    defined = list(needs)
    left = dict(needs)
    for key in graph.order(needs):
        ready = [one for one, needed in left.items() if not set(needed) & left.keys()]
        assert key == min(ready, key=defined.index)
        del left[key]


@given(graphs(is_acyclic=True))
def test_an_order_is_a_fixed_point(needs):
    """What is defined in a possible order stays in it."""
    ordered = graph.order(needs)

    assert graph.order({key: needs[key] for key in ordered}) == ordered


@given(graphs())
def test_order_leaves_out_exactly_what_needs_a_cycle(needs):
    """The keys that are left out are those from which a cycle can be reached."""
    ordered = set(graph.order(needs))

    for key in needs:
        is_stuck = any(
            other in graph.reach(needs[other], needs) for other in graph.reach([key], needs)
        )
        assert (key not in ordered) == is_stuck


@given(graphs())
def test_order_may_be_given_the_children(needs):
    """Children that are known already change nothing."""
    assert graph.order(needs, graph.children_of(needs)) == graph.order(needs)


@given(graphs())
def test_children_are_needs_turned_round(needs):
    """A key is a child of each key that it needs, and of no other."""
    children = graph.children_of(needs)

    assert list(children) == list(needs)
    assert {(need, key) for key in needs for need in needs[key]} == {
        (key, child) for key in children for child in children[key]
    }


@given(graphs(), st.data())
def test_reach_is_the_smallest_closed_set(needs, data):
    """What is reached holds the start, is closed, and holds only what some way leads to."""
    start = data.draw(st.lists(st.sampled_from(list(needs)), max_size=2) if needs else st.just([]))

    found = graph.reach(start, needs)

    assert found >= set(start)
    assert all(need in found for key in found for need in needs[key])
    expected, before = set(start), set[str]()
    while expected != before:
        before = set(expected)
        expected |= {need for key in before for need in needs[key]}
    assert found == expected


@given(graphs(), st.data())
def test_ancestors_and_descendants_agree(needs, data):
    """A key is an ancestor of another if and only if that is its descendant."""
    if not needs:
        return
    first, second = (data.draw(st.sampled_from(list(needs))) for _ in range(2))

    is_ancestor = first in graph.reach([second], needs)

    assert is_ancestor == (second in graph.reach([first], graph.children_of(needs)))


@given(graphs())
def test_loops_are_real_cycles(needs):
    """In a loop every key needs the one before it, the first needs the last, and none is twice."""
    for loop in graph.loops(needs):
        assert len(set(loop)) == len(loop)
        assert all(before in needs[key] for before, key in pairwise([*loop, loop[0]]))


@given(graphs())
def test_a_loop_is_a_shortest_one_through_its_first_key(needs):
    """No shorter way leads from the first key back to it."""
    children = graph.children_of(needs)
    for loop in graph.loops(needs):
        within = {loop[0]}
        for _ in loop[:-1]:
            within = {child for key in within for child in children[key]}
            assert loop[0] not in within


@given(graphs())
def test_there_is_one_loop_for_each_knot(needs):
    """Every key on a cycle is in a knot of which exactly one loop is drawn."""
    loops = graph.loops(needs)
    on_a_cycle = [key for key in needs if key in graph.reach(needs[key], needs)]
    knots = {
        frozenset(
            other
            for other in on_a_cycle
            if other in graph.reach([key], needs) and key in graph.reach([other], needs)
        )
        for key in on_a_cycle
    }

    assert len(loops) == len(knots)
    assert all(any(set(loop) <= knot for loop in loops) for knot in knots)
    assert bool(loops) == (len(graph.order(needs)) < len(needs))


def test_a_loop_of_one_is_the_key_alone():
    """A key that needs itself is a loop."""
    assert graph.loops({"a": ("a",), "b": ("a",)}) == [["a"]]


def test_a_need_that_is_no_key_is_an_error():
    """Whoever makes a graph has to know all its keys."""
    with pytest.raises(KeyError, match="nowhere"):
        graph.order({"a": ("nowhere",)})


@pytest.mark.parametrize("count", [1, 30_000])
def test_depth_does_not_matter(count):
    """A chain of any length is put in order, reached and drawn without recursion."""
    needs = {str(number): (str(number - 1),) if number else () for number in range(count)}
    backwards = dict(reversed(needs.items()))

    assert graph.order(backwards) == list(needs)
    assert len(graph.reach([str(count - 1)], needs)) == count
    assert graph.loops({**needs, "0": (str(count - 1),)}) == [list(needs)]
