"""Where the prints of an attempt go: into its lines, or past them to the stream beneath.

``attempt.output`` is one of four. None until the stage first prints; then an `Output`; after the
attempt a `LateOutput`, for threads that go on. A `PassThrough` lets everything through: the run
captures nothing, or code that is not the stage's own has the word for a moment (`suspended`).
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import enumerate as running_threads
from threading import get_ident, local
from typing import TYPE_CHECKING, TextIO
from weakref import WeakSet

from pypedream.context import STAGE, Attempt
from pypedream.log.encode import FAILURES
from pypedream.log.lines import Line
from pypedream.log.lock import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "PASS_THROUGH",
    "LateOutput",
    "Muted",
    "Output",
    "PassThrough",
    "at_end",
    "captured",
    "finish_left",
    "finish_thread",
    "muted",
    "suspended",
    "write_slowly",
]

_opening = ForkLock()

# What is left to record at the end of the last run; a log that nobody wants may go before.
_left: WeakSet[LateOutput] = WeakSet()


class Output(local):
    """The unfinished lines of one attempt, of each thread its own; lives as long as the attempt.

    Attributes
    ----------
    stdout, stderr
        The lines of the current thread.
    endings
        What is called when the attempt ends.
    """

    def __init__(
        self,
        attempt: Attempt,
        threads: dict[int, tuple[Line, Line]],
        endings: list[Callable[[], object]],
    ) -> None:
        ident = get_ident()
        for line in threads.get(ident, ()):  # of a thread that is over: its number is used again
            line.finish()
        self.stdout = Line(attempt, "stdout")
        self.stderr = Line(attempt, "stderr")
        self._threads = threads
        self.endings = endings
        threads[ident] = (self.stdout, self.stderr)

    def write(self, _attempt: Attempt, stream: str, text: str, _under_write: object) -> int:
        """Add *text* to this thread's line of *stream*."""
        self._line(stream).write(text)
        return len(text)

    def flush(self, _attempt: Attempt, stream: str, under: TextIO) -> None:
        """Bring what was printed to the sinks, and a prompt to *under*."""
        self._line(stream).show(under)
        under.flush()

    def finish(self) -> None:
        """Record what this thread began to print: it leaves the attempt."""
        self.stdout.finish()
        self.stderr.finish()

    def close(self) -> None:
        """End the attempt: record unfinished lines, but not those that threads still write."""
        if self.endings:
            self.finish()
            _end(self.stdout.attempt, self.endings)
        threads = self._threads
        attempt, mine = self.stdout.attempt, threads.pop(get_ident())
        attempt.output = LateOutput(threads)
        gone = _over(threads) if threads else []
        for lines in [*map(threads.pop, gone), mine]:
            for line in lines:
                line.finish()

    def _line(self, stream: str) -> Line:
        return self.stdout if stream == "stdout" else self.stderr


class LateOutput:
    """What threads print after the attempt that they belong to: to its log while that is open."""

    __slots__ = ("__weakref__", "_threads")

    def __init__(self, threads: dict[int, tuple[Line, Line]]) -> None:
        self._threads = threads
        if threads:
            _left.add(self)

    def write(
        self, attempt: Attempt, stream: str, text: str, under_write: Callable[[str], object]
    ) -> int:
        """Add *text* to this thread's line, or write it when the run is over."""
        line = self._line(attempt, stream)
        if attempt.log.is_closed:
            under_write(line.take() + text)
        else:
            line.write(text)
        return len(text)

    def flush(self, attempt: Attempt, stream: str, under: TextIO) -> None:
        """Bring what was printed to the sinks, and a prompt to *under*."""
        if not attempt.log.is_closed:
            self._line(attempt, stream).show(under)
        under.flush()

    def finish(self) -> None:
        """Record what this thread began to print, or write it when the run is over."""
        self._finish(self._threads.pop(get_ident(), ()))

    def finish_all(self) -> None:
        """Do so for all threads that have something left."""
        while self._threads:
            self._finish(self._threads.popitem()[1])

    def close(self) -> None:
        """Do nothing: the attempt has ended before."""

    def _line(self, attempt: Attempt, stream: str) -> Line:
        ident = get_ident()
        lines = self._threads.get(ident)
        if lines is None:
            lines = self._threads[ident] = (Line(attempt, "stdout"), Line(attempt, "stderr"))
            _left.add(self)
        return lines[stream == "stderr"]

    def _finish(self, lines: tuple[Line, ...]) -> None:
        for line in lines:
            if not line.attempt.log.is_closed:
                line.finish()
            elif line.pieces:
                getattr(sys, line.stream).write(line.take())


class PassThrough:
    """Lets an attempt's text through to the stream beneath.

    Attributes
    ----------
    is_used
        Whether there was any.
    """

    __slots__ = ("is_used",)

    def __init__(self) -> None:
        self.is_used = False

    def write(
        self, _attempt: Attempt, _stream: str, text: str, under_write: Callable[[str], object]
    ) -> int:
        """Write *text* with *under_write*."""
        self.is_used = True
        under_write(text)
        return len(text)

    def flush(self, _attempt: Attempt, _stream: str, under: TextIO) -> None:
        """Flush *under*."""
        under.flush()

    def finish(self) -> None:
        """Do nothing: there is nothing left."""

    def close(self) -> None:
        """Do nothing: there is nothing left."""


class Muted(PassThrough):
    """Drops an attempt's text: it says what the log has already."""

    __slots__ = ()

    def write(self, _attempt: Attempt, _stream: str, text: str, _under_write: object) -> int:
        """Take no notice of *text*."""
        return len(text)


PASS_THROUGH = PassThrough()


def captured() -> Attempt | None:
    """Return the attempt whose log takes what happens now; None when nothing is to be taken."""
    attempt = STAGE.get()
    if attempt is None or attempt.log.is_closed or isinstance(attempt.output, PassThrough):
        return None
    return attempt


@contextmanager
def suspended() -> Iterator[PassThrough]:
    """Let everything through to the real streams, from this thread and for a while.

    The stage remains who it is: a twin of its attempt takes its place, so the test for "inside a
    stage" stays one look at one variable.
    """
    with _standing_in(PassThrough()) as output:
        yield output


@contextmanager
def muted() -> Iterator[PassThrough]:
    """Drop what is written meanwhile, from this thread."""
    with _standing_in(Muted()) as output:
        yield output


@contextmanager
def _standing_in(output: PassThrough) -> Iterator[PassThrough]:
    attempt = STAGE.get()
    if attempt is None:
        yield output
        return
    twin = Attempt(attempt.log, attempt.stage, attempt.number)
    twin.item, twin.data, twin.output = attempt.item, attempt.data, output
    token = STAGE.set(twin)
    try:
        yield output
    finally:
        STAGE.reset(token)


def write_slowly(
    attempt: Attempt, stream: str, text: str, under_write: Callable[[str], object]
) -> int:
    """Write *text* for *attempt*, whatever its output is by now.

    Raises
    ------
    TypeError
        If *text* is no text; with the words of a text stream.
    """
    if not isinstance(text, str):
        raise TypeError(f"write() argument must be str, not {type(text).__name__}")
    output = attempt.output
    if output is None:
        output = _open(attempt)
    written: int = output.write(attempt, stream, text, under_write)
    return written


def at_end(attempt: Attempt, call: Callable[[], object]) -> None:
    """Have *call* called as a part of *attempt* when that ends; not if it has ended."""
    output = attempt.output if attempt.output is not None else _open(attempt)
    if isinstance(output, Output):
        output.endings.append(call)


def _end(attempt: Attempt, endings: list[Callable[[], object]]) -> None:
    token = STAGE.set(attempt)
    try:
        while endings:
            try:
                endings.pop(0)()
            except FAILURES as error:
                said = f"{type(error).__name__}: {error}"
                attempt.log.add("warning", said, attempt=attempt, level="warning")
    finally:
        STAGE.reset(token)


def finish_thread(attempt: Attempt) -> None:
    """Record what this thread began to print for *attempt*: its part in it is over."""
    if attempt.output is not None:
        attempt.output.finish()


def finish_left() -> None:
    """Record what threads began to print and never ended: no run is active any more."""
    while _left:
        _left.pop().finish_all()


def _over(threads: Iterable[int]) -> list[int]:
    running = {thread.ident for thread in running_threads()}
    return [ident for ident in list(threads) if ident not in running]


def _open(attempt: Attempt) -> Output:
    with _opening:  # two threads of the attempt may print their first at the same time
        if attempt.output is None:
            lines: dict[int, tuple[Line, Line]] = {}
            attempt.output = Output(attempt, lines, [])
            attempt.log.opened(lines)
        output: Output = attempt.output
        return output
