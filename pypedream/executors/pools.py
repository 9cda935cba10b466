"""Pools of processes that the user made: ``concurrent.futures``, loky, and what is like them.

Such a pool cannot end a call that is being made, and when one of its processes dies it gives up all
of its calls: which of them was the cause is not known.
"""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.errors import ExecutorError, StageKilled
from pypedream.executors.remote import RemoteExecutor

if TYPE_CHECKING:
    from pypedream.executors.jobs import Job
    from pypedream.executors.packing import Packed
    from pypedream.executors.parcels import Delivery, Parcel
    from pypedream.executors.remote import Call

__all__ = ["Pool"]


class Pool(RemoteExecutor):
    """Submits jobs to a pool of processes, which stays open.

    Parameters
    ----------
    pool
        A ``ProcessPoolExecutor``, or one with the same ``submit``.
    workers
        How many jobs may run at the same time; None means as many as the pool has processes.
    """

    gives_out_resources = False

    def __init__(self, pool: Any, workers: int | None = None) -> None:
        super().__init__()
        self.pool = pool
        self.workers = workers or int(getattr(pool, "_max_workers", 1))

    def send(self, job: Job, parcel: Parcel) -> Call:
        """Submit a job."""
        of = job.packed.of
        try:
            future = self.pool.submit(begin, parcel, job.packed)
        except BrokenExecutor as error:
            raise StageKilled(f"{of}: a process of the pool died before: {error}") from None
        except RuntimeError as error:
            raise ExecutorError(f"{of}: the pool does not take it: {error}") from error
        return _PoolCall(future, of)


@define(eq=False)
class _PoolCall:
    """A job as the pool knows it."""

    future: Future[Delivery]
    of: str

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until the call has ended or the time is over."""
        try:
            self.future.exception(timeout_s)
        except NotYet:
            return False
        except CancelledError:
            return True
        return True

    def delivery(self) -> Delivery:
        """Return what came back, or say what went wrong."""
        try:
            return self.future.result()
        except BrokenExecutor as error:
            text = "a process of the pool died, maybe for another of its calls"
            raise StageKilled(f"{self.of}: {text} ({error})") from None
        except CancelledError:
            raise ExecutorError(f"{self.of}: the pool was shut down") from None
        except Exception as error:
            raise ExecutorError(
                f"{self.of}: the pool could not bring its result: {error}"
            ) from error

    def cancel(self) -> None:
        """Cancel the call if it did not begin; one that did goes on to its end."""
        self.future.cancel()


def begin(parcel: Parcel, kit: Packed) -> Delivery:
    """Make the calls of a job, in a process of the pool."""
    return parcel(kit)
