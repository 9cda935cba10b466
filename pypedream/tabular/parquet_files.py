"""Files of Parquet: read by their paths as these are, and counted without a look at their rows.

polars takes a path for a pattern where nothing else is said: of a folder "a[1]" it would read what
is in "a1", or find nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = [
    "ROW_GROUP_ROWS",
    "group_rows",
    "is_parquet",
    "read",
    "read_by_columns",
    "row_count",
    "scan",
    "schema_of",
    "slabs",
]

_MAGIC = b"PAR1"
ROW_GROUP_ROWS = 131_072
"""Rows of a group of the files that are written here: a part of one is not read by itself."""
_NARROW_BYTES = 100


def scan(path: Path) -> pl.LazyFrame:
    """Return a lazy frame of all rows of a file."""
    return pl.scan_parquet(path, glob=False)


def read(path: Path) -> pl.DataFrame:
    """Read all rows of a file."""
    return pl.read_parquet(path, glob=False)


def read_by_columns(frame: pl.LazyFrame, count: int) -> pl.DataFrame:
    """Read all rows of a file; if they are many, in hardly more memory than they take.

    It is one column after the other that is read, and what that takes is used for the next one.

    Parameters
    ----------
    frame, count
        The file as it is scanned, and how many rows it has.
    """
    if count <= ROW_GROUP_ROWS:
        return frame.collect()
    return pl.DataFrame([frame.select(name).collect()[name] for name in frame.collect_schema()])


def group_rows(frame: pl.DataFrame) -> int:
    """Return how many rows like those of a frame a group has.

    If they are narrow it has twice as many, which are read and written in less time than in two.
    """
    is_narrow = frame.estimated_size() <= frame.height * _NARROW_BYTES
    return 2 * ROW_GROUP_ROWS if is_narrow else ROW_GROUP_ROWS


def slabs(path: Path, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Yield all rows of a file in order, as many at a time as a group has; at the end none.

    Parameters
    ----------
    columns
        Those to be read; None for all.
    """
    frame, start, rows, is_over = scan(path), 0, ROW_GROUP_ROWS, False
    if columns is not None:
        frame = frame.select(columns)
    while not is_over:
        slab = frame.slice(start, rows).collect()
        yield slab
        start, is_over = start + rows, slab.height < rows
        if start % (2 * ROW_GROUP_ROWS) == 0:  # else a group that is so large would be read twice
            rows = group_rows(slab)


def row_count(path: Path) -> int:
    """Return how many rows a file has, as its end says."""
    count: int = scan(path).select(pl.len()).collect().item()
    return count


def is_parquet(path: Path) -> bool:
    """Say whether a file begins as one of Parquet does."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def schema_of(path: Path) -> pl.Schema:
    """Return the columns of a file and their types."""
    return scan(path).collect_schema()
