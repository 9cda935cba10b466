"""Blocks: whole rows of a file, as many at a time as are wanted, whatever is in them.

Where a block ends does not change what is found in it. Most blocks need no look at single rows:
where nothing is quoted each line is a row, and where all is quoted by the rules one match says so.
Others are scanned row by row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, frozen

from pypedream.tabular.problems import Problem, error_of
from pypedream.tabular.records import (
    LONGEST_RECORD,
    Dialect,
    Scan,
    cells,
    regular_end,
    scan,
    why_not_decoded,
)
from pypedream.tabular.source_bytes import SourceBytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Set
    from pathlib import Path

__all__ = ["Block", "TextFile"]

_SAMPLE_BYTES = 1 << 16
_MOST_LOOKED_AT = 50
_FOR_EXCEL = re.compile(rb"sep=([\x01-\x7f])\r?\n", re.IGNORECASE)
_SPECIAL = (b'"', b"\0")


@define
class Block:
    """Some rows of a file.

    Attributes
    ----------
    data
        The rows as they are in the file, each with a line end.
    has_quotes
        Whether something is quoted. It is by the rules then, and each row has as many cells as
        the header, unless the rows are known one by one.
    known
        What is in it row by row, if it had to be looked at.
    """

    data: bytes
    has_quotes: bool = False
    known: Scan | None = None


@frozen
class TextFile:
    """A file of rows, and how its rows are written.

    Attributes
    ----------
    encoding
        As the user gave it.
    names
        Those of its columns, if it has no header; None if its first row has them.
    """

    path: Path
    dialect: Dialect
    encoding: str
    names: tuple[str, ...] | None = None

    def open(self) -> Reading:
        """Return what reads it from the beginning."""
        return Reading(self, SourceBytes(self.path, self.encoding))


@define
class Reading:
    """A file that is being read.

    Attributes
    ----------
    names
        Those of its columns.
    header_line
        The line that has them, from 1; None if none has.
    first_line
        The line of the first row below the header, from 1.
    first_row
        The first line, if it has no names.
    row_bytes
        What a row takes, by those at the beginning.
    share_done
        How much of the file is in the blocks so far, from 0 to 1; about, if it is packed.
    """

    file: TextFile
    source: SourceBytes
    names: tuple[str, ...] = ()
    header_line: int | None = None
    first_line: int = 1
    first_row: str | None = None
    row_bytes: float = 1.0
    share_done: float = 0.0
    _rest: bytes = b""
    _done_bytes: int = 0

    def __enter__(self) -> Reading:
        self.source.__enter__()
        try:
            self._begin()
        except BaseException:
            self.source.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.source.__exit__(None, None, None)

    def _begin(self) -> None:
        begin = self.source.read(_SAMPLE_BYTES)
        if not begin.strip(b"\r\n"):
            raise self._refused("empty-file", "is empty")
        if b"\n" not in begin and b"\r" in begin:
            raise self._refused(
                "line-ends", "has line ends of old Macs (CR): save it with those of Unix or Windows"
            )
        while b"\n" in begin and not begin.partition(b"\n")[0].strip(b"\r"):
            begin = begin.partition(b"\n")[2]
            self.first_line += 1
        begin = self._behind_separator(begin)
        self.names, self._rest = self.file.names or (), begin
        if self.file.names is not None:
            self.first_row = begin.partition(b"\n")[0].decode(self.source.encoding, "replace")
        else:
            begin, header = self._header(begin)
            encoding = self.source.encoding
            self.names = tuple(cell.decode(encoding) for cell in cells(header, self.file.dialect))
            self._rest = begin[len(header) :]
            self.header_line = self.first_line
            self.first_line += header.count(b"\n")
        lines = self._rest.count(b"\n")
        self.row_bytes = len(self._rest) / lines if lines else max(1.0, float(len(self._rest)))

    def _behind_separator(self, begin: bytes) -> bytes:
        """Return what comes behind the line that tells Excel which separator there is."""
        match = _FOR_EXCEL.match(begin)
        if match is None:
            return begin
        if match[1] != self.file.dialect.separator:
            said = "\\t" if match[1] == b"\t" else match[1].decode()
            reason = f'says that "{said}" is between its columns: give separator="{said}"'
            raise self._refused("separator", reason, self.first_line)
        self.first_line += 1
        return begin[match.end() :]

    def _header(self, begin: bytes) -> tuple[bytes, bytes]:
        """Return what has been read by now, and the first row of it."""
        dialect = self.file.dialect
        while True:
            match = dialect.record.match(begin)
            if match is not None:
                break
            more = self.source.read(_SAMPLE_BYTES)
            is_lost = len(begin) > LONGEST_RECORD or not dialect.unfinished.match(begin)
            if is_lost or (not more and begin.endswith(b"\n")):
                raise self._refused("quotes", "has a quote that is not closed", self.first_line)
            begin += more or b"\n"
        try:
            match[0].decode(self.source.encoding)
        except UnicodeDecodeError as error:
            reason = why_not_decoded(match[0][error.start], self.source.encoding)
            raise self._refused("encoding", reason, self.first_line) from error
        if b"\0" in match[0]:
            reason = "has NUL characters: it is no text, or its encoding is another one"
            raise self._refused("nul", reason, self.first_line)
        return begin, match[0]

    def line_with(self, names: Set[str]) -> int | None:
        """Return the line, of the first ones below the header, that has most of some names."""
        lines = self._rest.split(b"\n", _MOST_LOOKED_AT)[:_MOST_LOOKED_AT]
        for number, line in enumerate(lines, self.first_line):
            found = cells(line + b"\n", self.file.dialect)
            texts = {cell.decode(self.source.encoding, "replace") for cell in found}
            if len(texts & names) > len(names) / 2:
                return number
        return None

    def blocks(self, rows: int) -> Iterator[Block]:
        """Yield the rows, about *rows* in each block."""
        size = wanted = int(min(max(rows * self.row_bytes, 1), LONGEST_RECORD))
        kept = b""
        while True:
            more = self._next(max(wanted - len(kept), 1))
            is_last = not more
            if is_last and kept and not kept.endswith(b"\n"):
                more = b"\n"
            block, used = self._block(kept, more, is_last=is_last)
            wanted = size if used else max(_more_than(len(kept) + len(more)), size)
            kept = more[used - len(kept) :] if used >= len(kept) else (kept + more)[used:]
            self._count(used, len(kept) + len(self._rest))
            if block is not None:
                yield block
            if is_last and not kept:
                return
            del more, block  # what comes next can have their place

    def _next(self, size: int) -> bytes:
        """Return what comes next: of what was looked at first, then of the file."""
        if not self._rest:
            return self.source.read(size, to_line_end=True)
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def _count(self, used: int, left: int) -> None:
        """Note how much has been done, of what was read and of the whole file."""
        self._done_bytes += used
        of_read = self._done_bytes / max(self._done_bytes + left, 1)
        self.share_done = of_read * self.source.taken_bytes / max(self.source.size_bytes, 1)

    def _block(self, kept: bytes, more: bytes, *, is_last: bool) -> tuple[Block | None, int]:
        """Return the whole rows at the beginning, and how many bytes they are.

        Where these are all that was read they are not copied: that is most of what it costs to
        look at a plain file.
        """
        end = more.rfind(b"\n") + 1
        if end and not any(letter in part for letter in _SPECIAL for part in (more, kept)):
            is_whole = end == len(more) and not kept
            data = more if is_whole else b"".join((kept, memoryview(more)[:end]))
            return Block(data), len(data)
        part = kept + more
        columns = len(self.names)
        end = regular_end(part, self.file.dialect, columns)
        is_left = not is_last and self.file.dialect.unfinished.match(part, end)
        if end and (end == len(part) or is_left) and b"\0" not in part:
            return Block(part[:end], has_quotes=True), end
        encoding = self.source.encoding
        found = scan(part, self.file.dialect, columns, encoding=encoding, is_last=is_last)
        if not found.used:
            return None, 0
        return Block(part[: found.used], has_quotes=True, known=found), found.used

    def _refused(self, code: str, reason: str, line: int | None = None) -> Exception:
        problem = Problem(code, reason, file=self.file.path.name, line=line)
        return error_of(self.file.path.name, [problem])


def _more_than(size: int) -> int:
    """Return with how many bytes a row is tried again that is longer than what was read.

    One that is given up is so at the same place, whatever was read at first.
    """
    return 2 * size if size >= LONGEST_RECORD else min(2 * size, LONGEST_RECORD)
