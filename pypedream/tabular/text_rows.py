"""Rows of a file of text, with their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from pypedream.tabular.batches import Place
from pypedream.tabular.parsing import Parsed, Parser, casts_of
from pypedream.tabular.problems import Problem
from pypedream.tabular.records import Lines, cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

    import polars as pl

    from pypedream.tabular.blocks import Reading, TextFile
    from pypedream.tabular.headers import Layout

__all__ = ["TextBatch", "TextRows"]


@define
class TextBatch:
    """Some rows of a file of text."""

    parser: Parser
    parsed: Parsed
    file: str
    first_line: int
    first_row: int
    _lines: Lines | None = field(default=None, init=False)

    @property
    def frame(self) -> pl.DataFrame:
        """Those that can be read."""
        return self.parsed.frame

    @property
    def misfits(self) -> Mapping[str, pl.Series]:
        """Where cells are not of their dtypes."""
        return self.parsed.misfits

    @property
    def row_count(self) -> int:
        """Rows in all."""
        return self.parsed.row_count

    @property
    def blank_count(self) -> int:
        """Lines without anything."""
        return self.parsed.blank_count

    @property
    def faults(self) -> list[Problem]:
        """Rows that cannot be read."""
        known, names = self.parsed.scan, dict(enumerate(self.parser.layout.names))
        return [
            Problem(
                each.code,
                each.reason,
                file=self.file,
                line=self.first_line + each.line,
                row=self.first_row + each.row,
                column=None if each.cell is None else names.get(each.cell),
                record=_text(each.record, self.parser.encoding),
            )
            for each in (known.faults if known is not None else ())
        ]

    def place(self, index: int) -> Place:
        """Return where a row of the frame is."""
        parser = self.parser
        line, row, record = self._found(index)
        texts = [_text(cell, parser.encoding) for cell in cells(record, parser.dialect)]
        nulls = {"", *parser.null_values}
        return Place(
            self.first_line + line,
            self.first_row + row,
            _text(record.rstrip(b"\r\n"), parser.encoding),
            {
                name: None if text in nulls else text
                for name, text in zip(parser.layout.names, texts, strict=True)
            },
        )

    def _found(self, index: int) -> tuple[int, int, bytes]:
        """Return the line and the row of a row of the frame, both from 0, and the row itself."""
        parsed = self.parsed
        if parsed.is_line_by_line:
            if self._lines is None:
                self._lines = Lines.of(parsed.block.data)
            return index, index, self._lines[index]
        if parsed.scan is None:  # each row is looked at once, and only where one is wrong
            parsed.scan = self.parser.scanned(parsed.block.data)
        found = parsed.scan
        record = parsed.block.data[found.starts[index] : found.ends[index]]
        return found.lines[index], found.rows[index], record


@frozen
class _Note:
    """Where a batch begins, and whether each of its lines is a row."""

    line: int
    row: int
    is_line_by_line: bool


@define
class TextRows:
    """The rows of a file of text that is open.

    Attributes
    ----------
    null_values, formats
        As in `IngestFileSpec`.
    """

    text: TextFile
    reading: Reading
    null_values: tuple[str, ...]
    formats: Mapping[str, str]
    _notes: list[_Note] = field(factory=list, init=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.reading.names

    @property
    def first_row(self) -> str | None:
        """The first line, if it has no names."""
        return self.reading.first_row

    @property
    def header_line(self) -> int | None:
        """The line that has them."""
        return self.reading.header_line

    def line_with(self, names: Set[str]) -> int | None:
        """Return the line below the header that seems to have the names; None if none does."""
        return self.reading.line_with(names)

    def batches(self, layout: Layout, size: int) -> Iterator[TextBatch]:
        """Yield the rows, about *size* in each batch."""
        parser, line, row = self._parser(layout), self.reading.first_line, 1
        for block in self.reading.blocks(size):
            parsed = parser.parse(block)
            self._notes.append(_Note(line, row, parsed.is_line_by_line))
            yield TextBatch(parser, parsed, self.text.path.name, line, row)
            line += parsed.line_count
            row += parsed.row_count
            del block, parsed

    def places(
        self, layout: Layout, size: int, wanted: Mapping[int, Sequence[int]]
    ) -> Iterator[Place]:
        """Yield where rows are, by reading the file again as far as is needed."""
        parser = self._parser(layout)
        with self.text.open() as again:
            for number, block in enumerate(again.blocks(size)):
                note = self._notes[number]
                if number not in wanted:
                    continue
                known = block.known
                if known is None and not note.is_line_by_line:
                    known = parser.scanned(block.data)
                parsed = Parsed.without_rows(block, known)
                batch = TextBatch(parser, parsed, self.text.path.name, note.line, note.row)
                yield from (batch.place(index) for index in wanted[number])
                if number >= max(wanted):
                    return

    def row_estimate(self, done: int) -> int | None:
        """Return how many rows there may be, by how much of the file has been read."""
        share = self.reading.share_done
        return round(done / share) if share else None

    def finish(self) -> tuple[int, str]:
        """Return the size of the file and its SHA-256."""
        return self.reading.source.size_bytes, self.reading.source.finish()

    def _parser(self, layout: Layout) -> Parser:
        encoding = self.reading.source.encoding
        casts = casts_of(layout, self.formats)
        return Parser(layout, self.text.dialect, encoding, self.null_values, casts)


def _text(data: bytes, encoding: str) -> str:
    return data.decode(encoding, "backslashreplace")
