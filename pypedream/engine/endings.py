"""Endings: what became of the stages of a run so far, most of which only its log knows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pypedream.log.ended import Ended

if TYPE_CHECKING:
    from pypedream.engine.execution import Execution


def beginnings_of(execution: Execution) -> dict[str, int]:
    """Return when each stage began that has, by the clock of the log."""
    return {
        place if kind == "step" else place.stage: ns
        for _, ns, place, kind, *_ in execution.log.records
        if place is not None and kind in ("step", "stage.start")
    }


def endings_of(execution: Execution) -> dict[str, Ended]:
    """Return how each stage ended that has."""
    well = {
        ended: Ended("ok", ns - start_ns, 1, worker=worker or "")
        for _, ns, _, kind, ended, worker, _, start_ns in execution.log.records
        if kind == "step" and ended is not None
    }
    return {**well, **execution.ended}


def count_endings(execution: Execution) -> dict[str, int]:
    """Count how many stages ended in each state; costs less than `endings_of`."""
    started = execution.log.records.column(-1)
    counts = Counter(ok=list(map(type, started)).count(int))
    counts.update([ended.state for ended in execution.ended.values()])
    return dict(+counts)
