"""Layering: which row of a picture each box is in, so that edges lead downwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream import graph

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Edge = tuple[str, str]


def closing_edges(followers: Mapping[str, Collection[str]]) -> set[Edge]:
    """Return edges without which there is no cycle; from each key to the keys that follow it.

    Examples
    --------
    >>> closing_edges({"a": ["b"], "b": ["c"], "c": ["a"]})
    {('c', 'a')}
    """
    closing: set[Edge] = set()
    done: set[str] = set()
    for start in followers:
        if start not in done:
            closing.update(_leading_back(start, followers, done))
    return closing


def _leading_back(
    start: str, followers: Mapping[str, Collection[str]], done: set[str]
) -> Iterator[Edge]:
    """Walk on from *start*; yield the edges that lead back to the way that was taken."""
    on_way = {start}
    way = [(start, iter(followers[start]))]
    done.add(start)
    while way:
        key, left = way[-1]
        for target in left:
            if target in on_way:
                yield key, target
            elif target not in done:
                done.add(target)
                on_way.add(target)
                way.append((target, iter(followers[target])))
                break
        else:
            on_way.discard(key)
            way.pop()


def layers_of(needs: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return the layer of each key, from 0; every key is in a later layer than all it needs.

    A key is as high as the longest way to it allows, except that one with more followers than
    needs moves down to its followers: what is loaded for the last stage stands beside it.

    Examples
    --------
    >>> layers_of({"load": (), "clean": ["load"], "units": (), "plot": ["clean", "units"]})
    {'load': 0, 'clean': 1, 'units': 1, 'plot': 2}
    """
    followers = graph.children_of(needs)
    ordered = graph.order(needs, followers)
    layers: dict[str, int] = dict.fromkeys(needs, 0)
    for key in ordered:
        layers[key] = max((layers[need] + 1 for need in needs[key]), default=0)
    for key in reversed(ordered):
        if followers[key] and len(followers[key]) >= len(needs[key]):
            layers[key] = min(layers[follower] for follower in followers[key]) - 1
    for key in ordered:
        if needs[key] and len(needs[key]) >= len(followers[key]):
            layers[key] = max(layers[need] for need in needs[key]) + 1
    return layers
