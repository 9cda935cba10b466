r"""Log segments: what a call in another process says, on its way through a file that both see.

The parent makes the file and marks it; the worker appends rows to a file that bears the mark, and
to no other: the same path on a machine that shares no files with the parent is another file, and
what is written there would never be read. One writer, one reader, one JSON array a line.

Lines end at ``\n`` and nowhere else: to ``str.splitlines`` a form feed would be an end as well.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from mmap import mmap
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import finalize

from attrs import Factory, define, field

from pypedream.log.encode import encode, plain, readable
from pypedream.log.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pypedream.context import Attempt
    from pypedream.executors.jobs import Row

__all__ = ["Segment", "Tail", "remove"]

# The head of the file: the mark of 32 characters, which call is being made, and a newline.
HEAD_BYTES = 48
CALL = 4


@define(eq=False)
class Segment:
    """The end of a segment where the worker writes; it lives as long as the job.

    Attributes
    ----------
    mark
        How the file begins, which the parent wrote.
    redactor
        Hides secrets: they are never in the file.
    size_bytes
        How much of the file is written and whole.
    at
        Its first place is the number of the call that is being made, from 1 on: if that ends this
        process, the parent knows which it was.
    """

    path: str
    mark: str
    redactor: Redactor
    size_bytes: int = 0
    at: Any = Factory(lambda: [0])
    attempt: Attempt | None = None
    next_ns: int = 1 << 63
    _file: int = -1

    @classmethod
    def opened(cls, path: str, mark: str, secrets: Iterable[str] = ()) -> Segment | None:
        """Open the segment at *path*; None if the parent's file is not there."""
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        segment = cls(path, mark, Redactor(secrets), file=file)
        try:
            is_ours = segment._begin()
        except OSError:
            is_ours = False
        if not is_ours:
            segment.close()
            return None
        return segment

    def write(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Append *rows*; return those that could not be written, as the disk may be full.

        After a failure nothing more is written, so that a torn line is the last one.
        """
        if self._file < 0:
            return rows
        lines = [self._encoded(row) for row in rows]
        written = self._append(b"".join(lines))
        for number, line in enumerate(lines):
            if written < len(line):
                self.close()
                return rows[number:]
            written -= len(line)
            self.size_bytes += len(line)
        return []

    def close(self) -> None:
        """Close the file; what comes afterwards is returned by `write`."""
        self.at = [0]
        file, self._file = self._file, -1
        if file >= 0:
            with suppress(OSError):  # what could not be written was returned as such
                os.close(file)

    def settle(self) -> None:
        """Do nothing: what is not written through Python is not looked for here."""

    def _begin(self) -> bool:
        """Say whether the file bears the mark, and go to its end.

        There may be rows already, the last of them torn: a cluster starts a job again that it
        had ended for another.
        """
        if os.read(self._file, len(self.mark)) != self.mark.encode():
            return False
        self.size_bytes = os.lseek(self._file, -1, os.SEEK_END) + 1
        if os.read(self._file, 1) != b"\n":
            self.size_bytes += os.write(self._file, b"\n")
        with suppress(OSError, ValueError):  # not every file system can map a file
            numbers = memoryview(mmap(self._file, HEAD_BYTES)).cast("q")
            self.at = numbers[CALL : CALL + 1]
        return True

    def _append(self, data: bytes) -> int:
        """Write *data*; return how much of it was."""
        done = 0
        while done < len(data):
            try:
                done += os.write(self._file, memoryview(data)[done:])
            except OSError:
                break
        return done

    def _encoded(self, row: Row) -> bytes:
        ns, key, kind, level, event, stream, data = row
        redactor = self.redactor or None
        text = None if event is None else readable(event, redactor)
        shown = None if data is None else plain(data, redactor)
        if isinstance(key, str):
            key = readable(key, redactor)
        return _line(encode([ns, key, kind, level, text, stream, shown]))


@define(eq=False)
class Tail:
    """The end of a segment where the parent reads; it gives each row once.

    Attributes
    ----------
    mark
        What the worker has to find in the file.
    is_ours
        Whether the file is removed at the end: nobody asked for it.
    torn
        How many lines could not be read: a writer was killed within one.
    """

    path: str
    mark: str = field(factory=lambda: uuid4().hex)
    is_ours: bool = False
    torn: int = 0
    _offset: int = 0
    _rest: bytes = b""

    def create(self) -> bool:
        """Make the file, which only this user can read; False if that is not possible.

        A file of this name is never touched: it may hold the lines of an earlier attempt.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            file = os.open(self.path, flags, 0o600)
        except OSError:
            return False
        try:
            start = self.mark.encode() + bytes(HEAD_BYTES - len(self.mark) - 1) + b"\n"
            self._offset = os.write(file, start)
        except OSError:
            self._offset = 0
        finally:
            os.close(file)
        if self.is_ours:  # also where nobody waits for the job any more
            finalize(self, remove, self.path)
        return self._offset == len(start)

    def read(self) -> list[Row]:
        """Return the rows that came since the last time."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:  # on a network it may be back the next time
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        rows = [self._decoded(line) for line in lines]
        return [row for row in rows if row is not None]

    def index(self) -> int | None:
        """Return the number of the call that began last; None if that is not known."""
        try:
            with open(self.path, "rb") as file:
                head = file.read(HEAD_BYTES)
        except OSError:
            return None
        number: int = memoryview(head).cast("q")[CALL] if len(head) == HEAD_BYTES else 0
        return number - 1 if number > 0 else None

    def has(self, size_bytes: int) -> bool:
        """Say whether the first *size_bytes* of the file have been read."""
        return self._offset >= size_bytes

    def close(self) -> None:
        """Look no more; a file that nobody asked for is removed."""
        if self._rest:
            self.torn += 1
            self._rest = b""
        if self.is_ours:
            remove(self.path)

    def _decoded(self, line: bytes) -> Row | None:
        try:
            ns, key, kind, level, event, stream, data = json.loads(line)
        except ValueError:
            self.torn += 1
            return None
        return ns, key, kind, level, event, stream, data


def remove(path: str) -> None:
    """Remove the file at *path*, if it is there."""
    with suppress(OSError):  # it is gone, or lies in a temporary folder
        os.unlink(path)


def _line(text: str) -> bytes:
    return text.encode("ascii") + b"\n"
