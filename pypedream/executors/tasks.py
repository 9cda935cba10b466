"""Jobs that were submitted to a pool of worker processes, and their futures."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from attrs import define

from pypedream.executors.jobs import Reply

if TYPE_CHECKING:
    from pypedream.executors.jobs import Job
    from pypedream.executors.packing import Packed
    from pypedream.executors.worker_process import WorkerProcess

__all__ = ["JobFuture", "Task"]


class Pool(Protocol):
    """Who sees to a task."""

    def give_up(self, task: Task, /) -> None:
        """End a task that was cancelled."""


class JobFuture(Future[Reply]):
    """The reply to a job that is under way; also `cancel` of a job that was begun ends it.

    ``result()`` raises what is in the way of a reply: `StageKilled` when the process ended, and
    ``CancelledError`` when the job was cancelled. What a call itself raised is in the reply.
    """

    def __init__(self, pool: Pool, task: Task) -> None:
        super().__init__()
        self._for: tuple[Pool, Task] | None = (pool, task)

    def result(self, timeout: float | None = None) -> Reply:
        """Return the reply, or raise what is in its way, without lines of the standard library."""
        error = self.exception(timeout)
        if error is not None:
            raise error.with_traceback(None)
        return super().result()

    def has_begun(self) -> bool:
        """Say whether a worker is at the job; a job may wait for one, and one takes a while."""
        if self._for is None:
            return True
        _, task = self._for
        return task.worker is not None and task.worker.has_begun(task.number)

    def cancel(self) -> bool:
        """End the job, its process and the children of that; False when it is over already."""
        if not super().cancel():
            return False
        pool_and_task, self._for = self._for, None
        if pool_and_task is not None:
            pool, task = pool_and_task
            pool.give_up(task)
        return True

    def end(self, reply: Reply | None, error: BaseException | None) -> None:
        """Take what became of the job; who holds the future does not keep the pool any more."""
        self._for = None
        with suppress(InvalidStateError):  # cancelled
            if reply is not None:
                self.set_result(reply)
            else:
                self.set_exception(error)


@define(eq=False)
class Task:
    """A job that was submitted.

    Attributes
    ----------
    number
        Counts the jobs of the pool.
    tries
        How many workers were lost that had not begun it.
    """

    number: int
    job: Job
    calls: Packed
    tries: int = 0
    future: JobFuture | None = None
    worker: WorkerProcess | None = None
    is_given_up: bool = False

    def end(self, reply: Reply | None, error: BaseException | None = None) -> None:
        """Tell whoever waits what became of it."""
        future, self.future = self.future, None
        if future is not None:
            future.end(reply, error)
