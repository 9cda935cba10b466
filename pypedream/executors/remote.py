"""What Dask, Ray, Slurm and pools have in common: jobs are sent away, and somebody waits for them.

The thread that waits for a `RemoteFuture` reads meanwhile what the job says from its segment.
"""

from __future__ import annotations

import os
from concurrent.futures import CancelledError
from tempfile import gettempdir
from threading import Lock
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4
from weakref import WeakSet

from attrs import Factory, define

from pypedream.errors import PypedreamError, StageKilled
from pypedream.executors.parcels import parcel_of
from pypedream.executors.segments import Tail

if TYPE_CHECKING:
    from pypedream.executors.jobs import Job, Reply, Row
    from pypedream.executors.parcels import Delivery, Parcel

__all__ = ["Call", "RemoteExecutor", "RemoteFuture"]

TICK_S = 0.15
LATE_S = 5.0


class Call(Protocol):
    """A job as the library that carries it knows it."""

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until the call has ended or the time is over; say whether it has ended."""

    def delivery(self) -> Delivery:
        """Return what came back, or raise an error of pypedream that says what went wrong."""

    def cancel(self) -> None:
        """End the call, as far as the library can."""


class RemoteExecutor:
    """Sends jobs to workers that somebody else looks after; lives as long as a run.

    Attributes
    ----------
    segments
        Folder for the logs of jobs that name no file; None means that for temporary files.
    is_ours
        Whether the workers were started for this, and end with it.
    gives_out_resources
        Whether a job gets what its ``resources`` say.
    parent
        Process that the workers must not outlive, where they could; None otherwise.
    """

    is_remote = True
    is_ours = False
    gives_out_resources = True
    segments: str | None = None
    parent: int | None = None

    def __init__(self) -> None:
        self._open: WeakSet[RemoteFuture] = WeakSet()

    def submit(self, job: Job, /) -> RemoteFuture:
        """Send *job* away.

        Raises
        ------
        ExecutorError
            If it is not taken, or there is nowhere what it needs.
        UnpicklableValue, MissingExtra
            As in `Job.pack_calls`.
        """
        tail = tail_for(job, self.segments)
        try:
            call = self.send(job, parcel_of(job, tail, parent=self.parent))
        except BaseException:
            if tail is not None:
                tail.close()
            raise
        future = RemoteFuture(job, call, tail)
        self._open.add(future)
        return future

    def shutdown(self, *, wait: bool = True) -> None:
        """Take no more jobs, and close what is ours.

        Parameters
        ----------
        wait
            Whether the calls that are being made may end; otherwise they are cancelled.
        """
        for future in list(self._open):
            if not future.is_settled:
                if wait:
                    future.call.wait(None)
                elif self.is_ours:  # all are killed at once, below
                    future.is_cancelled = True
                else:
                    future.cancel()
        self.close()

    def send(self, job: Job, parcel: Parcel) -> Call:
        """Give *parcel* to who carries it."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is ours."""


@define(eq=False)
class RemoteFuture:
    """The reply of a job that was sent away; whoever waits for it hands on what the job says.

    Attributes
    ----------
    job
        The job, in this process.
    call
        The job as the library that carries it knows it.
    tail
        Where its log arrives; None if it comes with the reply.
    """

    job: Job
    call: Call
    tail: Tail | None
    is_cancelled: bool = False
    _reply: Reply | None = None
    _error: BaseException | None = None
    _untold: list[Row] = Factory(list)
    _lock: Lock = Factory(Lock)

    def result(self, timeout: float | None = None) -> Reply:
        """Wait for the reply.

        Raises
        ------
        TimeoutError
            If there is none after *timeout* seconds; the call goes on.
        StageKilled
            If the process that made the calls is gone.
        ExecutorError
            If who carries the job cannot bring it back.
        CancelledError
            If it was cancelled.
        """
        with self._lock:
            if not self.is_settled:
                self._wait(timeout)
                self._settle()
        if self._error is not None:
            raise self._error
        assert self._reply is not None
        return self._reply

    def has_begun(self) -> bool:
        """Say whether a worker is at the job, as far as it can tell: a job may wait for one."""
        return self.is_settled or self.tail is None or self.tail.index() is not None

    @property
    def is_settled(self) -> bool:
        """Whether the outcome was taken in."""
        return self._reply is not None or self._error is not None

    def done(self) -> bool:
        """Say whether the call has ended, well or not."""
        return self.is_settled or self.is_cancelled or self.call.wait(0)

    def cancel(self) -> bool:
        """End the call, as far as who carries it can end one; `result` raises `CancelledError`."""
        if self.is_settled:
            return False
        self.is_cancelled = True
        self.call.cancel()
        return True

    def _wait(self, timeout_s: float | None) -> None:
        deadline = None if timeout_s is None else monotonic() + timeout_s
        while not self.is_cancelled:
            left = TICK_S if deadline is None else min(TICK_S, deadline - monotonic())
            if self.call.wait(max(left, 0)):
                return
            self._hand_on()
            if deadline is not None and monotonic() >= deadline:
                raise TimeoutError(f"{self.job.packed.of}: no reply yet")

    def _settle(self) -> None:
        """Take the outcome in, once, and what the job said up to its end."""
        try:
            delivery = self._delivery()
            self._await_rows(delivery.segment_bytes)
            self._reply = delivery.reply()
        except (PypedreamError, CancelledError) as error:
            self._error = error
            if isinstance(error, StageKilled) and self.tail is not None:
                error.index = self.tail.index()
        finally:
            self._hand_on()
            if self.tail is not None:
                self.tail.close()
        if self._reply is not None:
            self._reply.rows[:0] = self._untold

    def _delivery(self) -> Delivery:
        if self.is_cancelled:
            raise CancelledError(f"{self.job.packed.of} was cancelled")
        return self.call.delivery()

    def _hand_on(self) -> None:
        rows = [] if self.tail is None else self.tail.read()
        self._tell(rows)

    def _tell(self, rows: list[Row]) -> None:
        if rows:
            tell = self._untold.extend if self.job.tell is None else self.job.tell
            tell(rows)

    def _await_rows(self, size_bytes: int) -> None:
        """Wait for what was written: a network may show it a moment later."""
        if self.tail is None:
            return
        deadline = monotonic() + LATE_S
        self._hand_on()
        while not self.tail.has(size_bytes):
            if monotonic() > deadline:
                text = "a part of the log did not arrive"
                self._tell([(time_ns(), None, "warning", "warning", text, None, None)])
                return
            sleep(TICK_S)
            self._hand_on()


def tail_for(job: Job, folder: str | None = None) -> Tail | None:
    """Return where the log of *job* arrives; None if no file can be made for it.

    A job that names no segment gets one in *folder*, or in the folder for temporary files: if the
    worker does not see that, nothing is lost but that the log comes at the end.
    """
    if job.tell is None and job.segment is None:
        return None
    path = job.segment
    if path is None:
        path = os.path.join(folder or gettempdir(), f"pypedream-{uuid4().hex}.jsonl")
    tail = Tail(path, is_ours=job.segment is None)
    return tail if tail.create() else None
