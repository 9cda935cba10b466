from __future__ import annotations

from itertools import pairwise

import pytest

from pypedream.view.description import Description, Edge, Node
from pypedream.view.folding import MOST_STAGES, bundles, folded


def described(nodes: list[Node], edges: list[Edge]) -> Description:
    return Description("flow", "run", "flow", tuple(nodes), tuple(edges))


def test_few_stages_stay_as_they_are():
    """Up to sixty stages are drawn one by one."""
    nodes = [Node(f"s{number}", f"s{number}") for number in range(MOST_STAGES)]
    description = described(nodes, [])

    assert folded(description) is description


def test_included_pipelines_are_bundles():
    """Stages under one prefix are one box, in the state that matters most."""
    nodes = [
        Node(f"{group}.s{number}", f"{group}.s{number}", state="ok", group=group)
        for group in ("bronze", "silver.left")
        for number in range(40)
    ]
    nodes[3] = Node("bronze.s3", "bronze.s3", state="failed", group="bronze")
    nodes.append(Node("report", "report", state="pending"))
    edges = [Edge("bronze.s0", "silver.left.s0"), Edge("bronze.s1", "silver.left.s1")]

    few = folded(described(nodes, [*edges, Edge("silver.left.s0", "report", "order")]))

    assert [node.label for node in few.nodes] == ["bronze (40)", "silver (40)", "report"]
    assert [node.state for node in few.nodes] == ["failed", "ok", "pending"]
    assert few.nodes[0].note == "1 failed, 39 ok"
    assert [(edge.source, edge.target, edge.kind) for edge in few.edges] == [
        ("0", "1", "value"),
        ("1", "2", "order"),
    ]


@pytest.mark.parametrize("count", [61, 1000])
def test_a_long_chain_becomes_a_short_one(count):
    """Neighbours are bundled; the bundles follow each other as the stages did."""
    keys = [f"s{number}" for number in range(count)]
    edges = [Edge(*pair) for pair in pairwise(keys)]

    few = folded(described([Node(key, key) for key in keys], edges))

    assert 2 <= len(few.nodes) <= MOST_STAGES
    assert [(edge.source, edge.target) for edge in few.edges] == [
        (str(number), str(number + 1)) for number in range(len(few.nodes) - 1)
    ]


def test_every_stage_is_in_one_bundle():
    """Nothing is lost, and nothing is there twice; also on a cycle."""
    keys = [f"s{number}" for number in range(200)]
    edges = [*(Edge(*pair) for pair in pairwise(keys)), Edge("s199", "s0")]

    found = bundles(described([Node(key, key) for key in keys], edges))

    assert sorted(node.key for one in found for node in one.nodes) == sorted(keys)
