"""Rows of a frame that a function of the user made from a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from attrs import define, frozen

from pypedream.tabular.batches import Place
from pypedream.tabular.conversions import converted
from pypedream.tabular.parsing import cast_text, casts_of, misfits_in
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from pypedream.tabular.headers import Layout
    from pypedream.tabular.problems import Problem

__all__ = ["FrameRows"]

_OF_TEXT = (pl.Categorical, pl.Enum)


@frozen(eq=False)
class FrameBatch:
    """Some rows of a frame.

    Attributes
    ----------
    given
        They as they were made.
    first_row
        The number of the first one, from 1.
    """

    frame: pl.DataFrame
    misfits: Mapping[str, pl.Series]
    given: pl.DataFrame
    first_row: int
    faults: Sequence[Problem] = ()
    blank_count: int = 0

    @property
    def row_count(self) -> int:
        """Rows in all."""
        return self.given.height

    def place(self, index: int) -> Place:
        """Return where a row is."""
        return _place(self.given, index, self.first_row)


@define
class FrameRows:
    """The rows of a frame, to be checked as those of a file are.

    Attributes
    ----------
    null_values, formats
        As in `IngestFileSpec`.
    """

    path: Path
    given: pl.DataFrame
    null_values: tuple[str, ...]
    formats: Mapping[str, str]
    header_line: int | None = None
    first_row: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.given.columns)

    def line_with(self, names: Set[str]) -> int | None:
        """Return None: a frame has no lines."""
        del names
        return None

    def batches(self, layout: Layout, size: int) -> Iterator[FrameBatch]:
        """Yield the rows, *size* in each batch."""
        for start in range(0, self.given.height, size):
            given = self.given.slice(start, size)
            frame, misfits = self._cast(given.select(list(layout.kept)), layout)
            yield FrameBatch(frame, misfits, given, start + 1)

    def _cast(
        self, frame: pl.DataFrame, layout: Layout
    ) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
        """Return a frame with the dtypes of the schema, and where cells are not of them."""
        frame = frame.with_columns(
            frame[name].cast(pl.String)
            for name, each in layout.kept.items()
            if isinstance(frame[name].dtype, _OF_TEXT) and frame[name].dtype != each.dtype
        )
        text = [name for name in frame.columns if frame[name].dtype == pl.String]
        nulls = ["", *self.null_values]
        frame = frame.with_columns(_without(frame[name], nulls) for name in text)
        casts = casts_of(layout, self.formats)
        frame, misfits = cast_text(frame, {name: casts[name] for name in text if name in casts})
        for name, dtype in layout.dtypes.items():
            if name in layout.kept and frame[name].dtype != dtype:
                column = converted(frame[name], dtype)
                rows = misfits_in(column, frame[name])
                frame = frame.with_columns(column)
                misfits |= {name: rows} if rows.len() else {}
        return frame, misfits

    def places(
        self, layout: Layout, size: int, wanted: Mapping[int, Sequence[int]]
    ) -> Iterator[Place]:
        """Yield where rows are."""
        del layout
        for number, indexes in wanted.items():
            for index in indexes:
                yield _place(self.given, number * size + index, 1)

    def row_estimate(self, done: int) -> int | None:
        """Return how many rows there are."""
        del done
        return self.given.height

    def finish(self) -> tuple[int, str]:
        """Return the size of the file and its SHA-256."""
        with open(self.path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return file.tell(), digest


def _without(text: pl.Series, nulls: list[str]) -> pl.Series:
    """Return a column in which texts that stand for a missing value are null."""
    both = pl.DataFrame({"text": text, "is_there": ~text.is_in(nulls)})
    return both.select(pl.when("is_there").then("text").alias(text.name)).to_series()


def _place(frame: pl.DataFrame, index: int, first_row: int) -> Place:
    values = frame.row(index, named=True)
    cells = {name: None if each is None else str(each) for name, each in values.items()}
    return Place(None, first_row + index, None, cells)
