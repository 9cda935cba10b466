"""Records: where a row of text begins and ends, and what is wrong with one.

A cell may be quoted; a quoted cell may hold separators, line ends and doubled quotes. A quote
within a cell that does not begin with one is an ordinary character. What cannot be read by these
rules is one line of the file, and reading goes on with the next.

Lines and rows are counted from 0 here: who reads a file in parts adds where the part begins.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LONGEST_RECORD",
    "Dialect",
    "Fault",
    "Lines",
    "Scan",
    "cells",
    "dialect_of",
    "regular_end",
    "scan",
    "why_not_decoded",
]

LONGEST_RECORD = 1 << 24
"""Bytes. A quoted cell with a line end that is not closed within as many is taken for one that
never is."""

_STRETCH_BYTES = 1 << 14
_QUOTED = rb'"[^"]*+(?:""[^"]*+)*+"'


@frozen
class Dialect:
    """How rows are written, and what finds them.

    Attributes
    ----------
    separator
        One byte.
    record
        Matches one row that can be read, with its line end.
    unfinished
        Matches a row that may go on behind the end of what has been read.
    quoted
        Matches each quoted cell of bytes that begin with a line end.
    cell
        Matches one cell, with its quotes.
    """

    separator: bytes
    record: re.Pattern[bytes]
    unfinished: re.Pattern[bytes]
    quoted: re.Pattern[bytes]
    cell: re.Pattern[bytes]


@frozen
class Fault:
    """A row that cannot be read: which, and why.

    Attributes
    ----------
    cell
        The cell that is to blame, from 0; None if none is.
    """

    line: int
    row: int
    code: str
    reason: str
    cell: int | None
    record: bytes


@define
class Scan:
    """The rows in a part of a file.

    Attributes
    ----------
    data
        Those that can be read, one after the other, quoted where it matters.
    lines, rows, starts, ends
        Of each of them: its line, its number among all rows, and where it is in what was scanned.
    faults
        The others.
    used
        Bytes that were scanned; what comes after them may be a part of a row.
    line_count, row_count, blank_count
        Lines and rows in all, and lines without anything, which are no rows.
    """

    data: bytes = b""
    lines: array[int] = field(factory=lambda: array("q"))
    rows: array[int] = field(factory=lambda: array("q"))
    starts: array[int] = field(factory=lambda: array("q"))
    ends: array[int] = field(factory=lambda: array("q"))
    faults: list[Fault] = field(factory=list)
    used: int = 0
    line_count: int = 0
    row_count: int = 0
    blank_count: int = 0

    def add_place(self, start: int, end: int) -> None:
        """Note where the row is that comes next."""
        self.lines.append(self.line_count)
        self.rows.append(self.row_count)
        self.starts.append(start)
        self.ends.append(end)

    def add_fault(self, record: bytes, code: str, reason: str, cell: int | None = None) -> None:
        """Note what is wrong with the row that comes next."""
        record = record.rstrip(b"\r\n")
        self.faults.append(Fault(self.line_count, self.row_count, code, reason, cell, record))


@lru_cache(maxsize=16)
def dialect_of(separator: str) -> Dialect:
    """Return how rows are written with a separator."""
    one = re.escape(separator.encode())
    plain = rb'[^"' + one + rb"\n][^" + one + rb"\n]*+"
    cell = rb"(?:" + _QUOTED + rb"|" + plain + rb"|)"
    begun = rb'(?:"[^"]*+(?:""[^"]*+)*+"?\r?|' + plain + rb"|)"
    before = rb"(?:" + cell + one + rb")*+"
    return Dialect(
        separator.encode(),
        re.compile(cell + rb"(?:" + one + cell + rb")*+\r?\n"),
        re.compile(before + begun + rb"\Z"),
        # The quote comes first: the search for a pattern that begins with a letter is fast.
        re.compile(rb'"(?<=[' + one + rb'\n]")[^"]*+(?:""[^"]*+)*+"(?=[' + one + rb"\n]|\r\n)"),
        re.compile(rb"(" + cell + rb")(?:" + one + rb"|\r?\n)"),
    )


@lru_cache(maxsize=16)
def _regular(separator: bytes, columns: int) -> re.Pattern[bytes]:
    one = re.escape(separator)
    cell = rb"(?:" + _QUOTED + rb'|[^"' + one + rb"\n]*+)"
    return re.compile(
        rb"(?:" + cell + rb"(?:" + one + cell + rb"){" + str(columns - 1).encode() + rb"}\r?\n)*+"
    )


def regular_end(data: bytes, dialect: Dialect, columns: int) -> int:
    """Return where rows end that are quoted by the rules and have so many cells; 0 if none is.

    One match for all of them takes a tenth of the time of one for each cell.
    """
    match = _regular(dialect.separator, columns).match(data)
    return match.end() if match is not None else 0


def scan(data: bytes, dialect: Dialect, columns: int, *, encoding: str, is_last: bool) -> Scan:
    """Return the rows of *data*, which begins where one begins.

    Parameters
    ----------
    data
        Bytes of the file; the last line has its end.
    dialect
        How rows are written.
    columns
        How many cells a row has to have.
    encoding
        Of the bytes; what is returned is UTF-8.
    is_last
        Whether the file ends here, so that no row can go on.
    """
    found, good, at = Scan(), list[bytes](), 0
    while at < len(data):
        match = dialect.record.match(data, at)
        if match is None and not is_last and _may_go_on(data, at, dialect):
            break
        end = match.end() if match else data.find(b"\n", at) + 1 or len(data)
        record = data[at:end]
        if columns == 1 or record.strip(b"\r\n"):
            is_regular = match is not None
            clean, *fault = _judged(record, dialect, columns, encoding, is_regular=is_regular)
            if fault:
                found.add_fault(record, *fault)
            else:
                good.append(clean)
                found.add_place(at, end)
            found.row_count += 1
        else:
            found.blank_count += 1
        found.line_count += record.count(b"\n")
        at = end
    found.data, found.used = b"".join(good), at
    return found


def _may_go_on(data: bytes, at: int, dialect: Dialect) -> bool:
    if data.find(b"\n", at) < 0:
        return True
    is_short = len(data) - at < LONGEST_RECORD
    return is_short and dialect.unfinished.match(data, at) is not None


def _judged(
    record: bytes, dialect: Dialect, columns: int, encoding: str, *, is_regular: bool
) -> tuple[Any, ...]:
    """Return a row as it can be parsed; and if it has a fault, what kind, why and in which cell."""
    if not is_regular:
        cell = sum(1 for _ in _raw_cells(record, dialect))
        return b"", "quotes", "has a quote that is not closed as it should be", cell
    if b"\0" in record:
        cell = record[: record.index(b"\0")].count(dialect.separator)
        reason = "has a NUL character: the file may be damaged, or not be text"
        return b"", "nul", reason, cell
    try:
        text = record.decode(encoding).encode()
    except UnicodeDecodeError as error:
        cell = record[: error.start].count(dialect.separator)
        return b"", "encoding", why_not_decoded(record[error.start], encoding), cell
    outside = text
    if b'"' in text:
        outside = dialect.quoted.sub(b"q", b"\n" + text)
        text = _requoted(text, dialect) if b'"' in outside else text
    return text, *_of_count(outside.count(dialect.separator) + 1, columns)


def _of_count(count: int, columns: int) -> tuple[str, ...]:
    if count == columns:
        return ()
    code = "short-row" if count < columns else "long-row"
    cells_of = f"{count} cell" + "s" * (count != 1)
    return code, f"has {cells_of}, and the file {columns} columns"


def why_not_decoded(byte: int, encoding: str) -> str:
    """Return what is told of a byte that is no part of a letter."""
    hint = '; encoding="cp1252" may be right' if encoding in ("utf-8", "ascii") else ""
    return f"has the byte 0x{byte:02x}, which is not {encoding}{hint}"


def _requoted(text: bytes, dialect: Dialect) -> bytes:
    """Return a row whose cells with quotes in them are quoted."""
    quoted = (
        b'"' + cell.replace(b'"', b'""') + b'"' if b'"' in cell and cell[:1] != b'"' else cell
        for cell in _raw_cells(text, dialect)
    )
    return dialect.separator.join(quoted) + b"\n"


@frozen
class Lines:
    """Lines that are found by their number, without an object for each of them.

    Attributes
    ----------
    line_ends
        How many there are up to the end of each stretch of the data.
    """

    data: bytes
    line_ends: list[int]

    @classmethod
    def of(cls, data: bytes) -> Lines:
        """Return the lines of some data."""
        starts = range(0, len(data), _STRETCH_BYTES)
        counts = (data.count(b"\n", start, start + _STRETCH_BYTES) for start in starts)
        return cls(data, [*accumulate(counts)])

    def __getitem__(self, number: int) -> bytes:
        """Return a line without its end; the first is 0."""
        stretch = bisect_left(self.line_ends, number)
        before = self.line_ends[stretch - 1] if stretch else 0
        at = stretch * _STRETCH_BYTES - 1
        for _ in range(number - before):
            at = self.data.index(b"\n", at + 1)
        return self.data[at + 1 : self.data.index(b"\n", at + 1)]


def cells(record: bytes, dialect: Dialect) -> list[bytes]:
    r"""Return what is in the cells of a row.

    Examples
    --------
    >>> cells(b'1,"a, ""b"" c",\n', dialect_of(","))
    [b'1', b'a, "b" c', b'']
    """
    return [
        cell[1:-1].replace(b'""', b'"') if cell[:1] == b'"' else cell
        for cell in _raw_cells(record, dialect)
    ]


def _raw_cells(record: bytes, dialect: Dialect) -> Iterator[bytes]:
    text = record.rstrip(b"\n").removesuffix(b"\r") + b"\n"
    at = 0
    while at < len(text):
        match = dialect.cell.match(text, at)
        if match is None:  # a quote that is not closed as it should be
            return
        yield match[1]
        at = match.end()
