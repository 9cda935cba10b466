"""Blocks: whole rows of a file, as many at a time as are wanted, whatever is in them.

Where a block ends does not change what is found in it. Most blocks need no look at single rows:
if every quoted cell is quoted by the rules, rows end where lines end outside of quotes. Others
are scanned row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, frozen

from pypedream.tabular.problems import Problem, error_of
from pypedream.tabular.records import LONGEST_RECORD, Dialect, Scan, cells, scan
from pypedream.tabular.source_bytes import SourceBytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Block", "TextFile"]

_SAMPLE_BYTES = 1 << 16
_MOST_BYTES = 1 << 26


@define
class Block:
    """Some rows of a file.

    Attributes
    ----------
    data
        As they are in the file, each with a line end.
    outside
        The same without what is quoted; None if that is not by the rules.
    known
        What is in it row by row, if it had to be looked at.
    """

    data: bytes
    outside: bytes | None
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
        self.names, self._rest = self.file.names or (), begin
        if self.file.names is None:
            begin, header = self._header(begin)
            encoding = self.source.encoding
            self.names = tuple(cell.decode(encoding) for cell in cells(header, self.file.dialect))
            self._rest = begin[len(header) :]
            self.header_line = self.first_line
            self.first_line += header.count(b"\n")
        lines = self._rest.count(b"\n")
        self.row_bytes = len(self._rest) / lines if lines else max(1.0, float(len(self._rest)))

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
            reason = f"is not {self.source.encoding}: byte 0x{match[0][error.start]:02x}"
            raise self._refused("encoding", reason, self.first_line) from error
        if b"\0" in match[0]:
            reason = "has NUL characters: it is no text, or its encoding is another one"
            raise self._refused("nul", reason, self.first_line)
        return begin, match[0]

    def blocks(self, rows: int) -> Iterator[Block]:
        """Yield the rows below the header, about *rows* in each block."""
        size = int(min(max(rows * self.row_bytes, 1), _MOST_BYTES))
        wanted, kept, self._rest = size, self._rest, b""
        while True:
            part, is_last = kept[:wanted], False
            kept = kept[wanted:]
            if not kept:
                more = self.source.read(max(wanted - len(part), 1))
                is_last = not more
                part += more
            if is_last and part and not part.endswith(b"\n"):
                part += b"\n"
            block, used = self._block(part, is_last=is_last)
            kept = part[used:] + kept
            self._count(used, len(kept))
            if block is not None:
                yield block
            # a row that is longer than what was read is tried again with more of it
            wanted = size if used else max(2 * len(part), size)
            if is_last and not kept:
                return

    def _count(self, used: int, left: int) -> None:
        """Note how much has been done, of what was read and of the whole file."""
        self._done_bytes += used
        of_read = self._done_bytes / max(self._done_bytes + left, 1)
        self.share_done = of_read * self.source.taken_bytes / max(self.source.size_bytes, 1)

    def _block(self, part: bytes, *, is_last: bool) -> tuple[Block | None, int]:
        """Return the whole rows at the beginning, and how many bytes they are."""
        dialect = self.file.dialect
        if b"\0" in part:
            pass
        elif b'"' not in part:
            used = part.rfind(b"\n") + 1
            data = part[:used]
            if used or len(part) < LONGEST_RECORD:
                return (Block(data, data) if data else None), used
        else:
            data = part[: _even_end(part)]
            outside = dialect.quoted.sub(b"q", b"\n" + data)[1:] if data else b'"'
            if b'"' not in outside:
                return Block(data, outside), len(data)
        found = scan(part, dialect, len(self.names), encoding=self.source.encoding, is_last=is_last)
        block = Block(part[: found.used], None, found) if found.used else None
        return block, found.used

    def _refused(self, code: str, reason: str, line: int | None = None) -> Exception:
        problem = Problem(code, reason, file=self.file.path.name, line=line)
        return error_of(self.file.path.name, [problem])


def _even_end(part: bytes) -> int:
    """Return the end of the last line before which the number of quotes is even; 0 if none is."""
    is_odd = part.count(b'"') % 2 == 1
    end = len(part)
    while True:
        at = part.rfind(b"\n", 0, end)
        if at < 0:
            return 0
        is_odd ^= part.count(b'"', at, end) % 2 == 1
        if not is_odd:
            return at + 1
        end = at
