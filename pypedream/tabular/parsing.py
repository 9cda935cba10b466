"""Parsing: a block of rows becomes a frame with the dtypes of the schema.

If all cells of a block are right, one call of the parser says so, and nobody looks at single
rows. If not, the same parser is asked what it can read, and compared with the text. So what
becomes of a cell does not depend on its neighbours.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import define, field

from pypedream.tabular.casts import Cast, cast_of, is_parsed, modern
from pypedream.tabular.polars_library import pl
from pypedream.tabular.records import Dialect, Scan, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.tabular.blocks import Block
    from pypedream.tabular.headers import Layout

__all__ = ["Parsed", "Parser", "cast_text", "casts_of", "finite", "misfits_in"]

_BLANKS = " \t"


@define
class Parsed:
    """The rows of a block.

    Attributes
    ----------
    frame
        Those that can be read, with the dtypes of the schema; a cell that is not of its dtype is
        null.
    misfits
        From a column to the rows of *frame* whose cells there are not of its dtype.
    block
        The bytes in which the rows are.
    scan
        Where the rows are, if somebody has looked.
    line_count, row_count, blank_count
        Lines and rows in all, and lines without anything.
    """

    frame: pl.DataFrame
    misfits: dict[str, pl.Series]
    block: Block
    line_count: int
    row_count: int
    blank_count: int = 0
    scan: Scan | None = None

    @property
    def is_line_by_line(self) -> bool:
        """Whether each line is a row, and all of them are in the frame."""
        return self.scan is None and self.line_count == self.row_count

    @classmethod
    def without_rows(cls, block: Block, known: Scan | None) -> Parsed:
        """Return where rows are, without what is in them."""
        return cls(pl.DataFrame(), {}, block, 0, 0, scan=known)


@define
class Parser:
    """What makes frames of the rows of one file.

    Attributes
    ----------
    null_values
        Texts that stand for a missing value, besides the empty one.
    expects_misfits
        Whether the block before had a cell that is not of its dtype: then the next one is first
        read in a way that takes such cells. What is found is the same.
    """

    layout: Layout
    dialect: Dialect
    encoding: str
    null_values: tuple[str, ...]
    casts: Mapping[str, Cast]
    expects_misfits: bool = field(default=False, init=False)
    _inner: dict[str, str] = field(init=False)
    _header: bytes = field(init=False)
    _dtypes: dict[str, pl.DataType] = field(init=False)
    _schema: pl.Schema = field(init=False)

    def __attrs_post_init__(self) -> None:
        kept = self.layout.kept
        self._inner = {f"c{at}": name for at, name in enumerate(self.layout.names)}
        names = (inner.encode() for inner in self._inner)
        self._header = self.dialect.separator.join(names) + b"\n"
        self._dtypes = {
            inner: kept[name].dtype
            for inner, name in self._inner.items()
            if name in kept and is_parsed(kept[name].dtype)
        }
        text = dict.fromkeys(self._inner, pl.String())
        self._schema = pl.Schema({**text, **self._dtypes})

    def parse(self, block: Block) -> Parsed:
        """Return the rows of a block."""
        if block.known is None:
            parsed = self._at_once(block)
            if parsed is not None:
                return parsed
        found = block.known or self.scanned(block.data)
        frame, misfits = self._read(found.data)
        if frame.height != len(found.rows):  # pragma: no cover - two parsers that do not agree
            raise RuntimeError(f"{frame.height} of {len(found.rows)} rows were read")
        counts = (found.line_count, found.row_count, found.blank_count)
        return Parsed(*self._made(frame, misfits), block, *counts, found)

    def scanned(self, data: bytes) -> Scan:
        """Look at each row."""
        count = len(self.layout.names)
        return scan(data, self.dialect, count, encoding=self.encoding, is_last=True)

    def _at_once(self, block: Block) -> Parsed | None:
        """Return the rows of a block in which every row can be read, else None."""
        try:
            frame, misfits = self._read(_utf8(block.data, self.encoding))
        except (pl.exceptions.PolarsError, UnicodeDecodeError):
            return None
        lines = self._line_count(frame, block)
        if lines is None:
            return None
        return Parsed(*self._made(frame, misfits), block, lines, frame.height)

    def _line_count(self, frame: pl.DataFrame, block: Block) -> int | None:
        """Return how many lines there are, if all rows have as many cells as the header.

        A row that is too long is an error of the parser. One that is too short is filled up, so
        its last cell is null; an empty line is one that is too short.
        """
        count = frame.height
        if block.has_quotes:  # their cells have been counted, but may have line ends in them
            lines = block.data.count(b"\n")
            return lines if count == lines or count + _line_ends_in(frame) == lines else None
        if frame.width > 1 and frame.to_series(frame.width - 1).null_count() == 0:
            return count
        lines, separators = (block.data.count(each) for each in (b"\n", self.dialect.separator))
        is_right = lines == count and separators == (frame.width - 1) * count
        return count if is_right else None

    def _read(self, data: bytes) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
        """Return all columns, and the rows of each that are not of its dtype."""
        if not self.expects_misfits:
            with suppress(pl.exceptions.PolarsError):
                frame = self._rows(data)
                if not _has_infinite(frame):
                    return frame, {}
        frame = self._rows(data, ignore_errors=True)
        unclear = [
            name
            for name, dtype in self._dtypes.items()
            if not isinstance(dtype, pl.String) and _is_unclear(frame[name])
        ]
        text = self._texts(data, unclear) if unclear else frame
        frame = frame.with_columns(finite(frame[name], text[name]) for name in unclear)
        found = {name: misfits_in(frame[name], text[name]) for name in unclear}
        misfits = {name: rows for name, rows in found.items() if rows.len()}
        self.expects_misfits = bool(misfits)
        return frame, misfits

    def _rows(self, data: bytes, **options: Any) -> pl.DataFrame:
        """Return all columns of some rows; these are not copied if the parser needs no header."""
        if not self._needs_header(data):
            names = [*self._inner]
            with suppress(pl.exceptions.NoDataError, pl.exceptions.SchemaError):
                frame = self._csv(
                    data, self._dtypes, has_header=False, new_columns=names, **options
                )
                if frame.schema == self._schema:
                    return frame
        return self._csv(self._header + data, self._dtypes, **options)

    def _texts(self, data: bytes, columns: list[str]) -> pl.DataFrame:
        """Return some columns, which are given in their order, as they are in the file."""
        if self._needs_header(data):
            return self._csv(self._header + data, {}, columns=columns)
        places = [at for at, name in enumerate(self._inner) if name in columns]
        frame = self._csv(data, {}, has_header=False, columns=places)
        return frame.rename(dict(zip(frame.columns, columns, strict=True)))

    def _needs_header(self, data: bytes) -> bool:
        """Say whether the parser would take the first row for something else.

        Without a header it counts the cells of that row, and passes over one that is blank and
        over what marks an encoding.
        """
        return len(self._inner) == 1 or data.startswith((b"\r", b"\n", b"\xef"))

    def _csv(self, data: bytes, dtypes: Mapping[str, Any], **options: Any) -> pl.DataFrame:
        quoted_nothing = [""] if b'"' in data else []
        return pl.read_csv(
            data,
            separator=self.dialect.separator.decode(),
            infer_schema=False,
            schema_overrides=dict(dtypes),
            null_values=[*quoted_nothing, *self.null_values] or None,
            **options,
        )

    def _made(
        self, frame: pl.DataFrame, misfits: dict[str, pl.Series]
    ) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
        """Return the columns that come in, by their names and with their dtypes."""
        kept = {inner: name for inner, name in self._inner.items() if name in self.layout.kept}
        frame = frame.select(pl.col(inner).alias(name) for inner, name in kept.items())
        frame, more = cast_text(frame, self.casts)
        return frame, {self._inner[inner]: rows for inner, rows in misfits.items()} | more


def misfits_in(made: pl.Series, text: pl.Series) -> pl.Series:
    """Return the rows where there is a text, and no value was made of it.

    Blanks alone are an empty cell where a number is wanted: the parser takes them for one.
    """
    rows = (made.is_null() & text.is_not_null()).arg_true()
    if not (made.dtype.is_numeric() and isinstance(text.dtype, pl.String)):
        return rows
    return rows.filter(text.gather(rows).str.strip_chars(_BLANKS) != "")


def finite(made: pl.Series, text: pl.Series) -> pl.Series:
    """Return a column in which a number that is too large for its dtype is null.

    The parser makes it infinite, which is right only for a text that says so.
    """
    if not made.dtype.is_float():
        return made
    is_said = text.str.to_lowercase().str.contains("inf", literal=True)
    both = pl.DataFrame({"made": made, "is_wrong": made.is_infinite() & ~is_said})
    return both.select(pl.when(~pl.col("is_wrong")).then("made").alias(made.name)).to_series()


def _is_unclear(made: pl.Series) -> bool:
    return made.null_count() > 0 or (made.dtype.is_float() and bool(made.is_infinite().any()))


def _has_infinite(frame: pl.DataFrame) -> bool:
    floats = [pl.col(name) for name, dtype in frame.schema.items() if dtype.is_float()]
    return bool(floats) and any(frame.select(each.is_infinite().any() for each in floats).row(0))


def _line_ends_in(frame: pl.DataFrame) -> int:
    """Return how many line ends there are within cells."""
    found = frame.select(pl.col(pl.String).str.count_matches("\n", literal=True).sum())
    return sum(found.row(0)) if found.width else 0


def cast_text(
    frame: pl.DataFrame, casts: Mapping[str, Cast]
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Return a frame in which columns of text have other dtypes, and the rows that do not fit."""
    if not casts:
        return frame, {}
    made = pl.DataFrame([_made(frame[name], cast.ways[0]) for name, cast in casts.items()])
    misfits: dict[str, pl.Series] = {}
    for name, cast in casts.items():
        if made[name].null_count() == frame[name].null_count():
            continue
        column, rows = _other_ways(frame[name], made[name], cast)
        made = made.with_columns(column.alias(name))
        if rows.len():
            misfits[name] = rows
    return frame.with_columns(made), misfits


def _made(text: pl.Series, way: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """Return what becomes of a text; its column may have any name."""
    made = text.to_frame("cell").select(way(pl.col("cell"))).to_series()
    return modern(made).alias(text.name)


def _other_ways(text: pl.Series, made: pl.Series, cast: Cast) -> tuple[pl.Series, pl.Series]:
    """Return a column in which each cell is made in the first way that fits it, and misfits."""
    for way in cast.ways[1:]:
        is_left = made.is_null() & text.is_not_null()
        if not is_left.any():
            break
        more = _made(text, way)
        made = (
            made.to_frame("made")
            .with_columns(more=more)
            .select(pl.coalesce("made", "more"))["made"]
        )
    return made, misfits_in(made, text)


def casts_of(layout: Layout, formats: Mapping[str, str]) -> dict[str, Cast]:
    """Return how columns that the parser cannot make become what they have to be.

    Raises
    ------
    DefinitionError
        If one cannot.
    """
    return {
        name: cast_of(each.dtype, formats.get(name), name)
        for name, each in layout.kept.items()
        if not is_parsed(each.dtype)
    }


def _utf8(data: bytes, encoding: str) -> bytes:
    return data if encoding == "utf-8" else data.decode(encoding).encode()
