"""Pools of this machine: items are computed by threads of this process, or by worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pydantic

from pypedream.executors.processors import processors
from pypedream.steps.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.steps.task import Done, Item, Task

__all__ = ["ProcessPool", "ThreadPool"]

_MORE_THREADS, _MOST_THREADS = 4, 32


class _PoolBackend(Backend):
    """Several items at a time, on this machine.

    Attributes
    ----------
    max_jobs
        How many at most; None for as many as the machine can do.
    """

    max_jobs: int | None = pydantic.Field(128, gt=0)

    _takes_all: ClassVar[bool] = True

    def _width(self, able: int) -> int:
        return able if self.max_jobs is None else min(able, self.max_jobs)


class ThreadPool(_PoolBackend):
    """Computes in threads of this process: for steps that wait, or release the interpreter's lock.

    There are as many threads as there are processors, and four more for those that wait; never more
    than 32.
    """

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        from pypedream.steps.carriers import Threads
        from pypedream.steps.dispatch import dispatched

        able = min(_MOST_THREADS, processors() + _MORE_THREADS, len(items))
        carrier = Threads(task, self._width(able))
        try:
            yield from dispatched(carrier, task, items)
        finally:
            carrier.close()


class ProcessPool(_PoolBackend):
    """Computes in worker processes, one for each processor; they stay for the next step.

    What a step prints there is printed here. The step and its inputs are pickled; what is defined
    in a notebook or a script travels, too.
    """

    def _compute(self, task: Task, items: Sequence[Item]) -> Iterator[Done]:
        from pypedream.steps.carriers import Elsewhere
        from pypedream.steps.dispatch import dispatched
        from pypedream.steps.warm import processes

        with processes(self._width(processors())) as pool:
            yield from dispatched(Elsewhere(pool, task), task, items)
