"""Batches: some rows of a source at a time, and where each of them is in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

    import polars as pl

    from pypedream.tabular.headers import Layout
    from pypedream.tabular.problems import Problem

__all__ = ["Batch", "Place", "RowSource"]


@frozen
class Place:
    """Where a row is in its file, and what it is there.

    Attributes
    ----------
    line, row
        Both from 1; the line is None if the file was not read as text.
    record
        The row as it is in the file; None as above.
    cells
        From the name of a column to the text of its cell, None where that is empty.
    """

    line: int | None
    row: int
    record: str | None
    cells: Mapping[str, str | None]


class Batch(Protocol):
    """Some rows of a source."""

    @property
    def frame(self) -> pl.DataFrame:
        """Those that can be read; a cell that is not of its dtype is null."""

    @property
    def misfits(self) -> Mapping[str, pl.Series]:
        """From a column to the rows of the frame where its cell is not of its dtype."""

    @property
    def faults(self) -> Sequence[Problem]:
        """Rows that cannot be read."""

    @property
    def row_count(self) -> int:
        """Rows in all."""

    @property
    def blank_count(self) -> int:
        """Lines without anything, which are no rows."""

    def place(self, index: int) -> Place:
        """Return where a row of the frame is."""


class RowSource(Protocol):
    """A file whose rows are read."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns."""

    @property
    def first_row(self) -> str | None:
        """The first line of a file of text without a header."""

    @property
    def header_line(self) -> int | None:
        """The line that has them."""

    def line_with(self, names: Set[str]) -> int | None:
        """Return the line below the header that seems to have the names; None if none does."""

    def batches(self, layout: Layout, size: int) -> Iterator[Batch]:
        """Yield the rows, about *size* in each batch."""

    def places(
        self, layout: Layout, size: int, wanted: Mapping[int, Sequence[int]]
    ) -> Iterator[Place]:
        """Yield where rows are that were in batches of this size.

        Parameters
        ----------
        wanted
            From the number of a batch to the rows of its frame, in order.
        """

    def row_estimate(self, done: int) -> int | None:
        """Return how many rows there may be in all, when *done* have been read."""

    def finish(self) -> tuple[int, str]:
        """Return the size of the file in bytes and its SHA-256, after all rows have been read."""
