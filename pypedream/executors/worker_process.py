"""One worker process, as its parent sees it: started, given jobs, listened to, ended."""

from __future__ import annotations

import os
import signal
import sys
from collections import OrderedDict
from contextlib import suppress
from contextvars import Context
from threading import RLock, Thread, current_thread
from time import time_ns
from typing import TYPE_CHECKING, Any, Protocol

from attrs import Factory, define

from pypedream.errors import ExecutorError, StageKilled
from pypedream.executors.cell import BEGUN, CALL
from pypedream.executors.starting import kill_all, start, wait_unreaped
from pypedream.executors.taps import decoder

if TYPE_CHECKING:
    import subprocess

    from pypedream.executors.channel import Channel
    from pypedream.executors.errands import Surroundings
    from pypedream.executors.jobs import Row
    from pypedream.executors.starting import Started
    from pypedream.executors.taps import Ends

__all__ = ["Owner", "WorkerProcess"]

PATIENCE_S = 5.0
MOST_TRIES = 20


class Owner(Protocol):
    """Who hears of a worker; in the thread that listens to it."""

    def worker_said(self, worker: WorkerProcess, message: tuple[Any, ...], /) -> None:
        """Take a message: what it is, the number of the job, and more."""

    def worker_ended(self, worker: WorkerProcess, /) -> None:
        """Take note that it is gone, with all its children."""


@define(eq=False)
class WorkerProcess:
    """A process and the thread that listens to it.

    Attributes
    ----------
    task
        What it is at, as its owner knows it; None when it is idle.
    kits
        The ids of the kits that it has, in the order of their last use.
    surroundings
        What it was last told of them.
    heard
        Up to where it has told what is in the files of its standard streams.
    unfinished
        From a kit's id to rows of the lines that had no end when it last told anything.
    is_ready, is_over
        Whether it has come up, and whether its owner knows that it has ended.
    """

    owner: Owner
    _started: Started
    task: Any = None
    kits: OrderedDict[str, None] = Factory(OrderedDict)
    surroundings: Surroundings | None = None
    heard: Ends = Factory(dict)
    unfinished: dict[str, list[Row]] = Factory(dict)
    is_ready: bool = False
    is_over: bool = False
    _numbers: list[int] = Factory(list)
    _rest: dict[str, bytes] = Factory(dict)
    _ending: RLock = Factory(RLock)
    _is_reaped: bool = False
    _listener: Thread | None = None
    _watcher: Thread | None = None

    @classmethod
    def start(cls, owner: Owner) -> WorkerProcess:
        """Start a process and listen to it.

        Raises
        ------
        ExecutorError
            If the system does not start it.
        """
        try:
            worker = cls(owner, start())
        except OSError as error:
            said = f"{type(error).__name__}: {error}"
            raise ExecutorError(f"a worker process cannot be started: {said}") from error
        worker._listener = Thread(target=worker._listen, name="pypedream-worker", daemon=True)
        worker._watcher = Thread(target=worker._watch, name="pypedream-watch", daemon=True)
        try:
            Context().run(worker._watcher.start)
            Context().run(worker._listener.start)
        except RuntimeError as error:  # no more threads
            worker.kill()
            raise ExecutorError(f"a worker process cannot be listened to: {error}") from error
        return worker

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process."""
        return self._started.process

    @property
    def channel(self) -> Channel:
        """The way to it."""
        return self._started.channel

    @property
    def exit_code(self) -> int | None:
        """What it ended with, or minus the number of the signal that ended it."""
        return self.process.returncode

    def has_begun(self, number: int) -> bool:
        """Say whether the worker began the job of this number, and no other since."""
        numbers = self._numbers or self._started.cell.numbers
        return bool(numbers[BEGUN] == number)

    def killed(self) -> StageKilled:
        """Return what the job raises that the worker was at when it ended."""
        number = self._numbers[CALL]
        code = self.process.returncode
        at = number - 1 if number else None
        if code is not None and code < 0:
            text = f"its process was killed (signal {_named(-code)})"
            error = StageKilled(text, signal=-code, index=at, pid=self.process.pid)
            if error.signal == signal.SIGKILL:
                error.add_note("Linux does so to a process when memory runs out")
            return error
        text = f"its process ended with exit code {code}"
        return StageKilled(text, exit_code=code, index=at, pid=self.process.pid)

    def last_words(self, key_of: Any = None) -> list[Row]:
        """Return what was printed without an end, or written, and nobody was told of."""
        now = time_ns()
        rows: list[Row] = [
            (now, *row[1:]) for unfinished in self.unfinished.values() for row in unfinished
        ]
        for stream, data in self._rest.items():
            text = decoder().decode(data).rstrip("\n")
            if text:
                rows += [
                    (now, key_of, "print", "info", line, stream, None) for line in text.split("\n")
                ]
        return rows

    def kill(self) -> None:
        """Kill the process and its children, at once."""
        with self._ending:
            if not self._is_reaped:
                kill_all(self._started.process)

    def thank(self) -> None:
        """Tell the process that what it shared was taken over."""
        with suppress(OSError):
            self.channel.send(())

    def problem(self, tries: int) -> str | None:
        """Return what there is to say if no worker will do better than this one, which is gone."""
        code = self.process.returncode
        if self.is_ready or (code is not None and code < 0):
            if tries < MOST_TRIES:
                return None
            return f"{tries + 1} worker processes ended before they began the call ({code})"
        words = " ".join(str(row[4]) for row in self.last_words()[-1:]) or "without a word"
        return f"a worker process of {sys.executable} did not come up (exit code {code}): {words}"

    def dismiss(self) -> None:
        """Let the process end by itself, as it has nothing to do."""
        try:
            self.channel.send(None)
        except (OSError, ValueError):  # it is gone already
            self.kill()

    def wait(self, timeout_s: float) -> None:
        """Wait until it has ended; kill it if it does not."""
        if self._listener is None or self._listener is current_thread():
            return
        self._listener.join(max(timeout_s, 0))
        if self._listener.is_alive():
            self.kill()
            self._listener.join(PATIENCE_S)

    def _listen(self) -> None:
        try:
            while True:
                message = self.channel.receive()
                if message[0] == "ready":
                    self.is_ready = True
                else:
                    self.owner.worker_said(self, message)
                del message
        except (EOFError, OSError, ValueError):
            pass
        finally:
            self._end()
            try:
                self.owner.worker_ended(self)
            finally:
                self._started.close()

    def _watch(self) -> None:
        """Wait for the end of the process, and end what it leaves behind.

        A child that it forked has its ends of the pipes: only then do they close.
        """
        wait_unreaped(self._started.process)
        self.kill()

    def _end(self) -> None:
        """Reap the process, which has hung up."""
        assert self._watcher is not None
        self._watcher.join(PATIENCE_S)  # what it prints at its end takes a moment
        self.kill()
        self._watcher.join()
        with self._ending:
            self.process.wait()
            self._is_reaped = True
        self._numbers = list(self._started.cell.numbers)
        for stream, fd in self._started.outputs.items():
            self._rest[stream] = _rest(fd, self.heard.get(stream, 0))


def _rest(fd: int, start: int) -> bytes:
    size = os.fstat(fd).st_size
    data = bytearray()
    while start + len(data) < size:
        part = os.pread(fd, size - start - len(data), start + len(data))
        if not part:
            break
        data += part
    return bytes(data)


def _named(number: int) -> str:
    name = None if number in (signal.SIGKILL, signal.SIGTERM) else signal.strsignal(number)
    return str(number) if name is None else f"{number}: {name}"
