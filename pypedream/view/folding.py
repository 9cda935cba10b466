"""Folding: a picture of very many stages as one of a few bundles that can be read.

Stages that were included under one prefix are a bundle. Where that is not enough, or there are no
prefixes, neighbours in the order of dependencies are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from pypedream.view.description import Edge, Node
from pypedream.view.layering import closing_edges, layers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pypedream.view.description import Description

MOST_STAGES = 60
MOST_LAYERS = 16
WORST_FIRST = (
    "failed",
    "killed",
    "timeout",
    "interrupted",
    "cancelled",
    "running",
    "blocked",
    "pending",
    "run",
    "ok",
    "reused",
    "reuse",
    "skipped",
    "skip",
)
"""States, such that a bundle is in the first one that one of its stages is in."""


@frozen
class Bundle:
    """Stages that are shown as one; a single one is shown as itself."""

    label: str
    nodes: tuple[Node, ...]

    @property
    def state(self) -> str:
        """The state of the bundle: what to look at first."""
        states = {node.state for node in self.nodes}
        return next((state for state in WORST_FIRST if state in states), "")

    @property
    def counts(self) -> str:
        """How many stages are in each state, as a phrase."""
        states = [node.state for node in self.nodes]
        found = [state for state in WORST_FIRST if state in states]
        return ", ".join(f"{states.count(state)} {state}" for state in found)


def bundles(description: Description, most: int = MOST_STAGES) -> list[Bundle]:
    """Return the stages in bundles, at most about so many; each by itself if they are few."""
    stages = description.stages
    if len(stages) <= most:
        return [Bundle(node.label, (node,)) for node in stages]
    groups: dict[str, list[Node]] = {}
    for node in stages:
        outer = node.group.partition(".")[0]
        groups.setdefault(outer or f"\0{node.key}", []).append(node)
    if len(groups) <= most:
        return [_bundle(label, nodes) for label, nodes in groups.items()]
    return _layered(description, min(most, MOST_LAYERS))


def folded(description: Description, most: int = MOST_STAGES) -> Description:
    """Return what there is to draw when bundles stand for their stages.

    Examples
    --------
    >>> from pypedream.view.description import Description
    >>> nodes = tuple(Node(f"s{number}", f"s{number}") for number in range(100))
    >>> few = folded(Description("flow", "pipeline", "flow", nodes), most=10)
    >>> [node.label for node in few.nodes]
    ['s0 … s99 (100)']
    """
    found = bundles(description, most)
    if len(found) == len(description.stages):
        return description
    homes = {node.key: number for number, one in enumerate(found) for node in one.nodes}
    return evolve(
        description,
        nodes=tuple(_node(number, one) for number, one in enumerate(found)),
        edges=tuple(_between(description.edges, homes)),
        groups=(),
    )


def _layered(description: Description, most: int) -> list[Bundle]:
    """Bundle the stages of one layer, or of several that follow each other."""
    needs = _needs(description)
    layers = layers_of(needs)
    count = max(layers.values()) + 1
    bands: dict[int, list[Node]] = {}
    for node in description.stages:
        band = layers[node.key] * most // count if count > most else layers[node.key]
        bands.setdefault(band, []).append(node)
    return [_bundle("", bands[band]) for band in sorted(bands)]


def _needs(description: Description) -> dict[str, list[str]]:
    """Return what each stage needs, without what closes a cycle."""
    followers: dict[str, list[str]] = {node.key: [] for node in description.stages}
    for edge in description.edges:
        if edge.source in followers and edge.target in followers and edge.source != edge.target:
            followers[edge.source].append(edge.target)
    closing = closing_edges(followers)
    needs: dict[str, list[str]] = {key: [] for key in followers}
    for source, targets in followers.items():
        for target in targets:
            if (source, target) not in closing:
                needs[target].append(source)
    return needs


def _bundle(label: str, nodes: Sequence[Node]) -> Bundle:
    if len(nodes) == 1:
        return Bundle(nodes[0].label, tuple(nodes))
    label = label if label and label[0] != "\0" else f"{nodes[0].label} … {nodes[-1].label}"
    return Bundle(f"{label} ({len(nodes)})", tuple(nodes))


def _node(number: int, bundle: Bundle) -> Node:
    if len(bundle.nodes) == 1:
        return evolve(bundle.nodes[0], key=str(number), group="")
    return Node(str(number), bundle.label, state=bundle.state, note=bundle.counts, is_bundle=True)


def _between(edges: Iterable[Edge], homes: Mapping[str, int]) -> Iterable[Edge]:
    """Return one edge for all that lead from one bundle to another."""
    kinds: dict[tuple[int, int], str] = {}
    for edge in edges:
        if edge.source in homes and edge.target in homes:
            pair = homes[edge.source], homes[edge.target]
            if pair[0] != pair[1] and kinds.get(pair) != "value":
                kinds[pair] = edge.kind
    return [Edge(str(source), str(target), kind) for (source, target), kind in kinds.items()]
