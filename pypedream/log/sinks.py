"""Sinks that keep: lines of JSON in a file or a stream, and events in memory."""

from __future__ import annotations

import os
from threading import RLock
from typing import TYPE_CHECKING, Any

from pypedream.log.events import STEP_KINDS, Event, event_of
from pypedream.log.json_lines import line_of
from pypedream.log.outside import outside_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from pypedream.log.event_log import EventLog
    from pypedream.protocols import Record

__all__ = ["JsonLinesSink", "MemorySink"]


class JsonLinesSink:
    """Writes one JSON object a line; may serve several runs, also at the same time.

    A file is opened with the first event and closed when the run ends; it is appended to, belongs
    to its owner only (mode 0600), and gets each batch of lines by one system call.

    Parameters
    ----------
    path_or_stream
        A file's path, or an object with ``write(text)``.
    kinds
        The kinds of events to write; None writes all.

    Attributes
    ----------
    takes_steps
        Whether it writes both events of a step or neither, so that they may come as one record.
    """

    def __init__(
        self, path_or_stream: str | os.PathLike[str] | TextIO, *, kinds: Iterable[str] | None = None
    ) -> None:
        self.kinds = None if kinds is None else frozenset(kinds)
        self.takes_steps = self.kinds is None or len(self.kinds & STEP_KINDS) != 1
        self._lock = RLock()
        self._descriptor: int | None = None
        self._is_torn = False  # a disk that is full ends lines in the middle
        self._stream: Any = None
        self.path: str | None = None
        if hasattr(path_or_stream, "write"):
            self._stream = path_or_stream
        else:
            self.path = os.path.abspath(path_or_stream)  # the stage may change the directory

    def __repr__(self) -> str:
        return f"JsonLinesSink({self.path or self._stream!r})"

    def emit(self, event: Event) -> None:
        """Write one event."""
        if self.kinds is None or event.kind in self.kinds:
            self._write(f"{line_of(event)}\n".encode("ascii"))

    def emit_batch(self, records: Sequence[Record], log: EventLog) -> None:
        """Write those of *records* that are of the kinds to write."""
        text = log.batch(records).text(self.kinds)
        if text:
            self._write(text)

    def close(self) -> None:
        """Close the file; the next event opens it again. A stream is left open."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                os.close(descriptor)

    def after_fork(self) -> None:
        """Get a new lock in a child process, where the thread that held the old one is gone."""
        self._lock = RLock()

    def _write(self, data: bytes) -> None:
        if self._stream is not None:
            outside_stages(self._write_stream, data.decode("ascii"))
            return
        # Another run may be closing the same sink: the descriptor could be another file's by then.
        with self._lock:
            if self._descriptor is None:
                self._descriptor = _open_to_append(self.path or "")
            if self._is_torn:
                data = b"\n" + data
            written = 0
            try:
                while written < len(data):
                    written += os.write(self._descriptor, data[written:])
            finally:
                self._is_torn = 0 < written < len(data) or (self._is_torn and not written)

    def _write_stream(self, text: str) -> None:
        self._stream.write(text)
        flush = getattr(self._stream, "flush", None)
        if flush is not None:
            flush()


class MemorySink:
    """Keeps the events; may serve several runs.

    Attributes
    ----------
    events
        The events of all runs so far, a list.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        return f"<MemorySink with {len(self.events)} events>"

    def emit(self, event: Event) -> None:
        """Keep one event."""
        self.events.append(event)

    def emit_batch(self, records: Sequence[Record], log: EventLog) -> None:
        """Keep *records* as events."""
        self.events.extend([event_of(record, log) for record in records])


def _open_to_append(path: str) -> int:
    binary = getattr(os, "O_BINARY", 0)  # Windows: no "\r\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | binary, 0o600)
    if _is_torn(path):
        os.write(descriptor, b"\n")
    return descriptor


def _is_torn(path: str) -> bool:
    """Whether the last line of a file has no end: its writer was killed."""
    if not os.path.isfile(path) or os.path.getsize(path) == 0:
        return False
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
