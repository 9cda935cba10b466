from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pypedream import graph
from pypedream.view.layering import closing_edges, layers_of

Needs = dict[str, list[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Needs:
    """Graphs of any shape, also with cycles and with keys that need themselves."""
    keys = [f"s{number}" for number in range(draw(st.integers(0, 12)))]
    if not keys:
        return {}
    return {key: draw(st.lists(st.sampled_from(keys), unique=True, max_size=4)) for key in keys}


@given(graphs())
def test_without_the_closing_edges_there_is_no_cycle(followers: Needs) -> None:
    """Every key can be put in order once those edges are gone."""
    closing = closing_edges(followers)
    left = {
        key: [target for target in targets if (key, target) not in closing]
        for key, targets in followers.items()
    }

    assert len(graph.order(left)) == len(left)


@given(graphs())
def test_a_graph_without_a_cycle_loses_no_edge(followers: Needs) -> None:
    """Only edges on cycles close one."""
    ordered = {
        key: [target for target in targets if int(target[1:]) > int(key[1:])]
        for key, targets in followers.items()
    }

    assert closing_edges(ordered) == set()


@given(graphs())
def test_every_key_is_below_what_it_needs(needs: Needs) -> None:
    """An edge leads down by one layer or more, and the first layer is 0."""
    ordered = {
        key: [need for need in found if int(need[1:]) < int(key[1:])]
        for key, found in needs.items()
    }

    layers = layers_of(ordered)

    assert all(layers[need] < layers[key] for key, found in ordered.items() for need in found)
    assert min(layers.values(), default=0) == 0
    assert set(layers.values()) == set(range(len(set(layers.values()))))


def test_what_only_the_last_stage_needs_stands_beside_it() -> None:
    """A second beginning does not make a long edge."""
    needs = {"a": [], "b": ["a"], "c": ["b"], "table": [], "rows": ["table"], "d": ["c", "rows"]}

    assert layers_of(needs) == {"a": 0, "b": 1, "c": 2, "table": 1, "rows": 2, "d": 3}


def test_a_result_stands_below_what_it_is_made_of() -> None:
    """An end does not sink to the bottom of the picture."""
    needs = {"a": [], "b": ["a"], "c": ["b"], "table": ["a"]}

    assert layers_of(needs)["table"] == 1


def test_a_long_chain_needs_no_recursion() -> None:
    """The depth of a graph is not limited by Python's stack."""
    followers = {f"s{number}": [f"s{number + 1}"] for number in range(20_000)}
    followers["s20000"] = []

    assert closing_edges(followers) == set()
