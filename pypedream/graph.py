"""Graphs as dicts, from each key to the keys that it needs: pure functions, linear time.

The standard library's graphlib gives an order as well, but costs several times what the rest of
planning costs, and it does not keep the order of definition where it can be kept.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    Graph = Mapping[str, Collection[str]]


def children_of(needs: Graph) -> dict[str, list[str]]:
    """Return for each key the keys that need it, in order of definition.

    Examples
    --------
    >>> children_of({"load": (), "clean": ("load",), "plot": ("load",)})
    {'load': ['clean', 'plot'], 'clean': [], 'plot': []}
    """
    children: dict[str, list[str]] = {key: [] for key in needs}
    for key, parents in needs.items():
        for parent in parents:
            children[parent].append(key)
    return children


def order(needs: Graph, children: Mapping[str, list[str]] | None = None) -> list[str]:
    """Return the keys so that each comes after all that it needs.

    Of those that could come next, it is always the one that was defined first. Keys on a cycle,
    and those that need one, are left out: compare lengths to find out.

    Examples
    --------
    >>> order({"plot": ("clean",), "load": (), "clean": ("load",), "check": ()})
    ['load', 'clean', 'plot', 'check']
    """
    if _is_in_order(needs):
        return list(needs)
    followers = children_of(needs) if children is None else children
    waiting = {key: len(parents) for key, parents in needs.items()}
    keys = list(needs)
    rank = {key: number for number, key in enumerate(keys)}
    ready = [rank[key] for key, count in waiting.items() if not count]  # ascending, so a heap
    ordered: list[str] = []
    while ready:
        key = keys[heappop(ready)]
        ordered.append(key)
        for child in followers[key]:
            waiting[child] -= 1
            if not waiting[child]:
                heappush(ready, rank[child])
    return ordered


def _is_in_order(needs: Graph) -> bool:
    """Say whether the order of definition will do, as it does in most pipelines."""
    before: set[str] = set()
    for key, parents in needs.items():
        if not before.issuperset(parents):
            return False
        before.add(key)
    return True


def reach(start: Iterable[str], neighbours: Graph) -> set[str]:
    """Return *start* and all that can be reached from it.

    With the needs of each key these are the ancestors, with its children the descendants.

    Examples
    --------
    >>> sorted(reach(["clean"], {"load": (), "clean": ("load",), "plot": ("clean",)}))
    ['clean', 'load']
    """
    found = set(start)
    left = list(found)
    while left:
        for key in neighbours[left.pop()]:
            if key not in found:
                found.add(key)
                left.append(key)
    return found


def loops(needs: Graph) -> list[list[str]]:
    """Return the cycles, one for each knot of keys that need each other.

    Each is a shortest loop through its first member in order of definition, and follows the flow
    of values: every key needs the one before it, and the first needs the last.

    Examples
    --------
    >>> loops({"a": ("c",), "b": ("a",), "c": ("b",), "d": ("a",)})
    [['a', 'b', 'c']]
    """
    children = children_of(needs)
    left = set(needs) - set(order(needs, children))
    found: list[list[str]] = []
    for key in needs:
        if key in left:
            loop = _loop_through(key, children, left)
            if loop:
                found.append(loop)
                knot = reach([key], children) & reach([key], needs)
                left -= knot
    return found


def _loop_through(start: str, children: Graph, within: set[str]) -> list[str]:
    """Find a shortest way from *start* back to it, breadth first; [] if there is none."""
    came_from: dict[str, str] = {}
    left = deque([start])
    while left:
        key = left.popleft()
        for child in children[key]:
            if child == start:
                return _way_back(key, start, came_from)
            if child in within and child not in came_from:
                came_from[child] = key
                left.append(child)
    return []


def _way_back(key: str, start: str, came_from: Mapping[str, str]) -> list[str]:
    way = [key]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]
