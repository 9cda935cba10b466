"""What is written to the file descriptors 1 and 2 of a worker: by C code, and by its children.

The descriptors are files in memory, and not pipes: a pipe that is full would stop C code, which may
hold the interpreter so that nobody could empty it. Whatever was written since the last look belongs
to the call that is being made.
"""

from __future__ import annotations

import os
from codecs import getincrementaldecoder
from itertools import count
from threading import Lock
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pypedream.log.lines import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.context import Attempt

__all__ = ["STREAMS", "Ends", "Numbers", "Taps", "decoder"]

GLANCE_NS = 200_000
Ends = dict[str, int]
"""For each stream, up to where its file has been read."""

STREAMS = ("stdout", "stderr")
AT_ONCE = 1 << 17
MANY = 1 << 23


def decoder() -> Any:
    """Return what turns the bytes into text, whatever they are."""
    return getincrementaldecoder("utf-8")("backslashreplace")


class _Tap:
    """One of the two streams."""

    def __init__(self, stream: str, fd: int) -> None:
        self.stream = stream
        self.line: Line | None = None
        self.ended = 0  # whole lines up to here
        self.told = 0  # and the parent knows them up to here
        self._fd = fd
        self._offset = self._freed = 0
        self._decoder = decoder()

    def drain(self, attempt: Attempt, most: int) -> bool:
        """Read what was written, or about as much as *most*; say whether it was all."""
        start = self._offset
        while data := os.pread(self._fd, AT_ONCE, self._offset):
            newline = data.rfind(b"\n")
            ended = self._offset + newline + 1 if newline >= 0 else self.ended
            self._offset += len(data)
            if self.line is not None and self.line.attempt is not attempt:
                self.line.finish()  # nobody looked when that call ended
                self.line = None
            if self.line is None:
                self.line = Line(attempt, self.stream)
            self.line.write(self._decoder.decode(data))
            self.ended = ended  # only now: there is a record of all of it
            if self._offset - start >= most:
                return False
        return True

    def finish(self) -> None:
        if self.line is not None:
            self.line.finish()
            self.line = None
            self.ended = self._offset

    def shrink(self, free: Callable[[int, int, int], object]) -> None:
        """Give back the memory of what the parent was told, if it is much."""
        if self.told - self._freed >= MANY:
            free(self._fd, self._freed, self.told - self._freed)
            self._freed = self.told


class Taps:
    """Both streams of a worker process; lives as long as the process.

    Parameters
    ----------
    fds
        From "stdout" and "stderr" to the files; empty where there is nothing of the kind.
    free
        Gives back a part of such a file: ``free(fd, start, length)``.

    Attributes
    ----------
    attempt
        Whose everything is that is written now; None between two jobs.
    next_ns
        Until then nobody looks who does not have to.
    at
        Its first place is the number of the call that is being made.
    """

    def __init__(
        self, fds: dict[str, int], free: Callable[[int, int, int], object] | None = None
    ) -> None:
        self.attempt: Attempt | None = None
        self._taps = [_Tap(stream, fd) for stream, fd in fds.items()]
        self._free = free
        self._lock = Lock()
        self.next_ns = 0
        self.at: Any = [0]
        self._settled: Attempt | None = None

    def glance(self) -> None:
        """Look what was written, unless somebody has done so just now or is at it."""
        if perf_counter_ns() >= self.next_ns:
            self.look()

    def look(self) -> bool:
        """Look what was written, unless somebody is at it; say whether it was all."""
        attempt = self.attempt
        if attempt is None or not self._lock.acquire(False):
            return True
        try:
            self._looked()
            is_all = [tap.drain(attempt, AT_ONCE) for tap in self._taps]
            self._shrink()
            return all(is_all)
        finally:
            self._lock.release()

    def settle(self) -> None:
        """Look for all that was written, and end the lines that have no end."""
        attempt = self.attempt
        while self._settled is not attempt and attempt is not None:
            with self._lock:  # whoever has it gives it back soon
                self._looked()
                if all(tap.drain(attempt, AT_ONCE) for tap in self._taps):
                    for tap in self._taps:
                        tap.finish()
                    self._settled = attempt
                self._shrink()
            if self._settled is not attempt:
                attempt.log.deliver()

    def _looked(self) -> None:
        """Look no sooner again than a small call would notice."""
        self.next_ns = perf_counter_ns() + GLANCE_NS

    def _shrink(self) -> None:
        if self._free is not None:
            for tap in self._taps:
                tap.shrink(self._free)

    def hold(self, *, wait: bool) -> bool:
        """Let nobody look until `release`; False if somebody does, and *wait* is not set."""
        return self._lock.acquire(wait)

    def release(self) -> None:
        """Let others look again."""
        self._lock.release()

    def ended(self, log: object) -> Ends:
        """Return for each stream up to where its lines are in *log*; nothing if it is another's."""
        attempt = self.attempt
        if attempt is None or attempt.log is not log:
            return {}
        return {tap.stream: tap.ended for tap in self._taps}

    def told(self, ends: Ends) -> None:
        """Take note that the parent has the lines up to there."""
        for tap in self._taps:
            tap.told = ends.get(tap.stream, tap.told)


class Numbers:
    """Numbers for the records of a log; takes a glance at the taps before it gives one.

    So a line that a child process wrote stands before what the stage prints afterwards.
    """

    def __init__(self, taps: Taps) -> None:
        self._taps = taps
        self._count = count(1)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self._taps.glance()
        return next(self._count)
