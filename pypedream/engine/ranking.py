"""Ranking: which of the stages that could start does first, where several run side by side.

The highest priority, then the longest way to the end of the pipeline: by the seconds that stages
took before, or else by how many there are. Of equal ones the one that came first. Whoever has
nothing to choose gets no ranks, and then no stage is looked at.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Collection, Mapping, Sequence

    from pypedream.engine.plan import Blueprint, Plan

    Ranks = dict[str, int]

__all__ = ["insert", "merge", "ranks_by_count", "ranks_of"]


def ranks_of(plan: Plan) -> Ranks | None:
    """Return the ranks of the stages that a run calls, from 0; None when they are all the same."""
    expected = plan.expected
    known = [expected[key] for key in plan.chosen if key in expected] if expected else None
    if known:
        usual_s = sum(known) / len(known)
        seconds = {key: expected.get(key, usual_s) for key in plan.chosen}
        return _ranks(plan.blueprint, seconds, plan.chosen)
    if len(plan.chosen) == len(plan.blueprint.order):
        return plan.blueprint.ranks
    return ranks_by_count(plan.blueprint, plan.chosen)


def ranks_by_count(blueprint: Blueprint, chosen: Collection[str]) -> Ranks | None:
    """Return the ranks when nothing is known of how long stages take."""
    return _ranks(blueprint, dict.fromkeys(chosen, 1.0), chosen)


def _ranks(
    blueprint: Blueprint, seconds: Mapping[str, float], chosen: Collection[str]
) -> Ranks | None:
    wires = blueprint.wiring.wires
    left = _left_after(blueprint, seconds)
    places = {key: (-wires[key].stage.policy.priority, -round(left[key], 3)) for key in chosen}
    levels = {place: level for level, place in enumerate(sorted({*places.values()}))}
    if len(levels) <= 1:
        return None
    return {key: levels[place] for key, place in places.items()}


def _left_after(blueprint: Blueprint, seconds: Mapping[str, float]) -> dict[str, float]:
    """Return for each stage the longest way from its start to the end of the pipeline."""
    left: dict[str, float] = {}
    children = blueprint.children
    for key in reversed(blueprint.order):
        after = [left[child] for child in children[key]]
        left[key] = seconds.get(key, 0.0) + max(after, default=0.0)
    return left


def insert(queue: deque[Any], ones: Sequence[Any], ranks: Ranks | None) -> None:
    """Put what is ready into a queue that is in the order of ranks, behind its equals.

    Parameters
    ----------
    ones
        Wires, or fans, in the order in which they came.
    """
    if ranks is not None and len({ranks[one.key] for one in ones}) > 1:
        ones = sorted(ones, key=lambda one: ranks[one.key])
    merge(queue, ones, ranks)


def merge(queue: deque[Any], ones: Sequence[Any], ranks: Ranks | None) -> None:
    """Put what is in order of ranks itself into such a queue.

    Others may take from the head of the queue at the same time.
    """
    if ranks is None or not ones:
        queue.extend(ones)
        return
    try:
        is_last = ranks[queue[-1].key] <= ranks[ones[0].key]
    except IndexError:
        is_last = True
    if is_last:
        queue.extend(ones)
        return
    for one in ones:
        _insert(queue, one, ranks)


def _insert(queue: deque[Any], one: Any, ranks: Ranks) -> None:
    try:
        place = bisect_right(queue, ranks[one.key], key=lambda each: ranks[each.key])
    except IndexError:  # others took so many meanwhile that few are left
        place = 0
    queue.insert(place, one)
