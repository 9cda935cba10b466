"""How everything here is measured: CPU time in pairs, so that the speed of the machine cancels.

A processor changes its speed while it works, and others may use it. So a sample is never compared
with a unit that was measured some time ago: the unit is measured right before and right after each
sample, and what counts is the ratio. The garbage collector stays on, as users have it.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from multiprocessing import get_context
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.stages import chain

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

LOOPS = 50
PROCESSES = 5
LIMIT_S = 600
"""How long one measurement of a peer may take."""


@dataclass
class Row:
    """One line of the table.

    Attributes
    ----------
    figure
        What was measured.
    unit
        What the numbers count.
    measured
        The ratio of each sample, or one number that was counted; nothing if a peer that it is a
        ratio to did not end.
    asked
        What it may be at most; None when nothing was asked.
    peers
        From the name of another library to its ratios for the same; none if it did not end.
    """

    figure: str
    unit: str
    measured: list[float]
    asked: float | None = None
    peers: dict[str, list[float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the row for JSON, with a summary in place of the samples."""
        return {
            "figure": self.figure,
            "unit": self.unit,
            "median": median(self.measured) if self.measured else None,
            "min": min(self.measured, default=None),
            "samples": len(self.measured),
            "asked": self.asked,
            "peers": {
                name: median(ratios) if ratios else None for name, ratios in self.peers.items()
            },
        }


def paired(
    sample: Callable[[], float],
    unit: Callable[[], float],
    samples: int,
    *,
    warm_up: bool = True,
) -> list[float]:
    """Return the ratio of each of *samples* samples to the mean of the units around it.

    One more comes first and does not count: it imports what is imported when it is first used.
    """
    if warm_up:
        sample()
    ratios = []
    before = unit()
    for _ in range(samples):
        cost = sample()
        after = unit()
        ratios.append(2 * cost / (before + after))
        before = after
    return ratios


def in_calls(
    work: Callable[[], object], count: int, samples: int, *, warm_up: bool = True
) -> list[float]:
    """Return what one of *count* things in *work* costs, as a multiple of one bare call."""
    return paired(lambda: cpu_s(work) / count, one_call, samples, warm_up=warm_up)


def one_call() -> float:
    """Return the CPU seconds of one call: of a loop over functions that return their argument."""
    functions, value = _functions(), None
    start = process_time()
    for _ in range(LOOPS):
        for function in functions:
            value = function(value)
    return (process_time() - start) / LOOPS / len(functions)


def cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU seconds of *work*, in all threads of this process."""
    start = process_time()
    work()
    return process_time() - start


def apart(work: Callable[..., Any], *args: Any, limit_s: float | None = None) -> Any:
    """Return what *work* returns in a process of its own; None when it takes too long.

    What one figure leaves on the heap would make the next one's garbage collections dearer.
    All that it has started ends with it.
    """
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(there, work, args))
    process.start()
    there.close()
    try:
        result = here.recv() if here.poll(limit_s) else None
    except EOFError:
        raise RuntimeError(f"{work.__qualname__} ended without a result") from None
    finally:
        _end(process)
    return result


def of_peer(work: Callable[..., list[float]], *args: Any, limit_s: float = LIMIT_S) -> list[float]:
    """Return the ratios of a peer, measured in a process of its own; none if it does not end."""
    return apart(work, *args, limit_s=limit_s) or []


def pooled(work: Callable[..., list[Row]], processes: int, *args: Any) -> list[Row]:
    """Return the rows of *work* with the samples of several processes, one after the other.

    Where things lie in memory differs from process to process, and with it what they cost, by a
    tenth or more.
    """
    rows: list[Row] = apart(work, *args)
    for _ in range(processes - 1):
        for row, more in zip(rows, apart(work, *args), strict=True):
            row.measured += more.measured
    return rows


def is_installed(module: str) -> bool:
    """Say whether *module* is there, by its package: that is not imported."""
    return find_spec(module.partition(".")[0]) is not None


@cache
def _functions() -> list[Callable[[Any], Any]]:
    return list(chain(1_000).values())


def _send(pipe: Any, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # so that what it starts can be ended together with it
    pipe.send(work(*args))


def _end(process: BaseProcess) -> None:
    """End a process for good, with those that it started where a system knows which these are."""
    if process.pid is not None and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # it has no group yet, or has ended
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
