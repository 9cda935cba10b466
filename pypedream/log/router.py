"""The object in ``sys.stdout`` and ``sys.stderr`` while a run is active.

What a stage prints becomes records of that stage; everything else goes to the stream beneath, which
also answers every other question. `streams` puts routers in and takes them out.
"""

from __future__ import annotations

import sys
from io import TextIOBase, UnsupportedOperation
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pypedream.context import STAGE
from pypedream.log.buffer import RoutedBytes
from pypedream.log.delivery import UNASKED
from pypedream.log.lines import LONG_TEXT, LONGEST, MANY
from pypedream.log.output import captured, write_slowly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    Write = Callable[[str], int]

__all__ = ["Nowhere", "Router", "is_router"]


class Router:
    """Stands in for one stream; lives as long as somebody holds it.

    To ``isinstance`` it is what the stream beneath is. It is never closed, whoever tries.

    Parameters
    ----------
    under
        The stream beneath. None is possible: a process may have no standard output.
    stream
        "stdout" or "stderr".

    Attributes
    ----------
    target
        The stream beneath, or what takes anything where there is none.
    write
        Writes text and returns the number of characters. An attribute and not a method: a closure
        costs a print half as much.
    """

    is_pypedream_router = True

    write: Write

    def __init__(self, under: Any, stream: str) -> None:
        self.under = under
        self.target = Nowhere() if under is None else under
        self._stream = stream
        self._bytes: RoutedBytes | None = None
        self._revive()

    def __getattr__(self, name: str) -> Any:
        if name == "target":  # a copy in the making has nothing yet
            raise AttributeError(name)
        return getattr(self.target, name)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.target)

    def __repr__(self) -> str:
        return f"<pypedream router over {self.under!r}>"

    def __enter__(self) -> Router:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of *lines*, without adding newlines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring what was written to where it goes."""
        attempt = STAGE.get()
        if attempt is None or attempt.output is None:
            self.target.flush()
        else:
            attempt.output.flush(attempt, self._stream, self.target)

    def isatty(self) -> bool:
        """Say whether somebody looks on: never while a stage is captured."""
        return captured() is None and bool(self.target.isatty())

    def close(self) -> None:
        """Flush; the stream beneath belongs to the process."""
        self.flush()

    def detach(self) -> RoutedBytes:
        """Return `buffer`; the router stays what it is."""
        return self.buffer

    @property
    def buffer(self) -> RoutedBytes:
        """The stream for bytes. Outside a stage there is one if the stream beneath has one."""
        if captured() is None and not hasattr(self.target, "buffer"):
            raise AttributeError("buffer")  # __getattr__ is asked then, and says who has none
        if self._bytes is None:
            self._bytes = RoutedBytes(self)
        return self._bytes

    def retire(self, is_needed: Callable[[], object]) -> None:
        """Be out of use, and step aside when it turns out that somebody put the router back.

        Parameters
        ----------
        is_needed
            Says whether a run is active by then, so that the router has to stay.
        """
        self._revive()
        write = self.write

        def last_write(text: str) -> int:
            if not is_needed() and getattr(sys, self._stream, None) is self:
                setattr(sys, self._stream, self.under)
            if captured() is None and getattr(self.target, "closed", False):
                return int(self._open_stream().write(text))
            return write(text)

        self.write = last_write

    def _revive(self) -> None:
        make = _stdout_write if self._stream == "stdout" else _other_write
        self.write = make(self.target.write, self._stream)

    def _open_stream(self) -> Any:
        """Return what stands for the stream when the one beneath is closed: at last the console."""
        for name in (self._stream, f"__{self._stream}__"):
            stream = getattr(sys, name, None)
            if stream is not None and stream is not self and not stream.closed:
                return stream
        return Nowhere()


class Nowhere(TextIOBase):
    """The stream beneath when the process has none: like ``print`` then, it takes anything."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def write(self, text: str) -> int:
        """Return the number of characters."""
        return len(text)

    def fileno(self) -> int:
        """Raise, as there is none."""
        raise UnsupportedOperation("fileno")


def is_router(stream: object) -> bool:
    """Say whether *stream* is a `Router`."""
    return getattr(stream, "is_pypedream_router", False) is True


def _stdout_write(under_write: Write, stream: str) -> Write:
    """Return the way of a router's text that a million prints take: nothing is called twice.

    It knows a few common cases only, an ordinary piece of a line and the newline of ``print``.
    """
    current = STAGE.get

    def write(text: str) -> int:
        attempt = current()
        if attempt is None:
            return under_write(text)
        try:
            line = attempt.output.stdout
            is_ordinary = text.isprintable()
        except (AttributeError, TypeError):  # no Output yet or any more, or no text
            return write_slowly(attempt, stream, text, under_write)
        pieces = line.pieces
        if is_ordinary:
            pieces.append(text)
            size = len(text)
            if size > LONGEST or len(pieces) > MANY:
                line.shorten()
            return size
        if text != "\n" or line.is_special:
            line.write(text)
            return len(text)
        event = "".join(pieces)
        pieces.clear()
        log = attempt.log
        seq = next(log.counter)
        append = log.records.append  # called through `records` it is looked for as a method first
        append((seq, perf_counter_ns(), attempt, "print", "info", event, stream, None))
        if not (log.is_attended and seq % UNASKED and len(event) < LONG_TEXT):
            log.deliver_soon()
        return 1

    return write


def _other_write(under_write: Write, stream: str) -> Write:
    """Return the way that knows all cases, for the stream that carries less."""
    current = STAGE.get

    def write(text: str) -> int:
        attempt = current()
        if attempt is None:
            return under_write(text)
        return write_slowly(attempt, stream, text, under_write)

    return write
