"""Submission: items become jobs, all at once, and what became of them comes back from the store."""

from __future__ import annotations

from time import sleep, time
from typing import TYPE_CHECKING, Any

from pypedream import context
from pypedream.steps.cache import cache_of
from pypedream.steps.carriers import Elsewhere
from pypedream.steps.dispatch import dispatched, kept_of
from pypedream.steps.job_notes import is_live, live_jobs, note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.executors.slurm import Slurm as Executor
    from pypedream.steps.jobs import _SubmititBackend
    from pypedream.steps.task import Done, Item, Task

__all__ = ["computed"]

LOOK_S = 0.5


def computed(backend: _SubmititBackend, task: Task, items: Sequence[Item]) -> Iterator[Done]:
    """Have items computed by jobs; wait for jobs of before that still have some of them."""
    since = time()
    known = cache_of(task.folder).find([item.key for item in items])  # errors to be tried again
    live = live_jobs(task.paths, [item.key for item in items if item.key not in known])
    fresh = [item for item in items if item.key not in live]
    left = [item for item in items if item.key in live]
    if fresh:
        yield from _submitted(backend, task, fresh)
    while left:
        _wait_for([live[item.key] for item in left])
        at_work = {item.place for item in left if is_live(live[item.key])}
        done, left = kept_of(task, left, since)
        yield from done
        gone = [item for item in left if item.place not in at_work]
        left = [item for item in left if item.place in at_work]
        if gone:
            yield from _submitted(backend, task, gone)


def _wait_for(jobs: list[Any]) -> None:
    """Wait until one of some jobs is over, or for a moment."""
    if all(is_live(job) for job in jobs):
        sleep(LOOK_S)


def _submitted(backend: _SubmititBackend, task: Task, items: Sequence[Item]) -> Iterator[Done]:
    executor = backend._executor(task)
    carrier = _Jobs(executor, task, is_heard=context.STAGE.get() is not None)
    size = backend._lot(len(items))
    try:
        yield from dispatched(carrier, task, items, size)
    finally:
        executor.close()  # nothing is under way any more, or it was cancelled


class _Jobs(Elsewhere):
    """Has items computed by jobs of submitit, and notes which job has which of them."""

    def __init__(self, executor: Executor, task: Task, *, is_heard: bool) -> None:
        super().__init__(executor, task, is_heard=is_heard, is_repeated=False)
        self.room = self.width

    def send(self, lots: Sequence[Sequence[Item]]) -> list[Any]:
        """Submit jobs, all as one array."""
        with self.executor.together():
            futures = [self._future(lot) for lot in lots]
        for future, lot in zip(futures, lots, strict=True):
            job = future.call.submitted
            if type(job).__name__ != "DebugJob":
                note(self.task.paths, job, [item.key for item in lot])
        return futures
