"""Filters: rows taken out of a file, and kept beside it.

A filter is an expression that is true for the rows to take out, or a function that returns them.
Of a function every row that it returns is taken out once: of three equal rows of which it returns
one, two stay. Whatever it does, the rows that stay and those that go are all that there were.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from pypedream.errors import FilterValidationError
from pypedream.names import did_you_mean
from pypedream.tabular.parquet_files import read_by_columns, schema_of, slabs
from pypedream.tabular.parquet_sink import ParquetSink
from pypedream.tabular.polars_library import pl
from pypedream.tabular.row_masks import split
from pypedream.tabular.row_matching import Hashes, mask_of
from pypedream.tabular.versions import new_version
from pypedream.values import said

if TYPE_CHECKING:
    from pathlib import Path

    from pypedream.tabular.astro_file import AstroFile
    from pypedream.tabular.steps import StepContext

__all__ = ["FilterFn", "filter_file", "filtering"]

FilterFn: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
"""A function of all rows of a file that returns those to take out."""

FILTERED = "filtered"
"""The folder of a run in which removed rows are."""

_GOES = "__goes"
_SELDOM_READ = {"compression_level": 1, "statistics": False}


def filtering(step_id: str, filter_: FilterFn | pl.Expr) -> Callable[..., dict[str, int]]:
    """Return the function of a step that filters its files, one after the other.

    It returns from each file to how many rows were taken out.
    """

    def filter_files(ctx: StepContext, files: list[AstroFile]) -> dict[str, int]:
        folder = ctx.run_directory / FILTERED / step_id
        return {
            file.name: filter_file(file, filter_, folder / f"{file.name}.parquet") for file in files
        }

    if callable(filter_) and not isinstance(filter_, pl.Expr):
        wrapped: Any = filter_files
        wrapped.__wrapped__ = filter_  # where the user wrote it
        wrapped.__name__ = getattr(filter_, "__name__", step_id)
    return filter_files


def filter_file(file: AstroFile, filter_: FilterFn | pl.Expr, removed_path: Path) -> int:
    """Take rows out of a file, which is saved in place.

    Parameters
    ----------
    filter_
        An expression that is true for rows to take out, or a function that returns these.
    removed_path
        Where the rows that were taken out are written, with the columns of the file.

    Returns
    -------
    How many rows were taken out.

    Raises
    ------
    FilterValidationError
        If the expression is none of true and false, or the function returns what are not rows of
        the file. The file stays as it is.
    """
    if isinstance(filter_, pl.Expr):
        return _take_out(file, _by_expression(file, filter_), removed_path)
    return _by_function(file, filter_, removed_path)


def _by_expression(file: AstroFile, condition: pl.Expr) -> pl.Series:
    """Return for each row whether the expression is true for it; it is asked once."""
    scan = file.scan()
    _check_condition(file, scan, condition)
    goes = condition.fill_null(value=False)  # what is not known to be true is no reason
    mask = scan.with_columns(goes.alias(_GOES)).select(_GOES)
    return mask.collect(engine="streaming").to_series()


def _by_function(file: AstroFile, function: FilterFn, removed_path: Path) -> int:
    """Take out the rows that the function returns, each as often as it is there.

    All rows are in memory while it is called, and let go then. Mostly those that it returns are
    all that are alike, and in order: so they are compared with the others while these are written.
    """
    frame = read_by_columns(file.scan(), file.row_count())
    removed = _as_in_file(file, function(frame.clone()), frame)
    if not any(map(_has_categories, frame.schema.values())):  # read again they may be others
        del frame
        with suppress(_OutOfOrder):
            return _take_out(file, _near(file, removed), removed_path, removed)
        frame = file.load()
    try:
        goes = mask_of(removed, frame)
    except FilterValidationError as error:
        raise _refused(file, str(error)) from None
    del frame, removed
    return _take_out(file, goes, removed_path)


class _OutOfOrder(Exception):
    """Rows are not there in their order, or others are like them."""


def _near(file: AstroFile, removed: pl.DataFrame) -> pl.Series:
    """Return for each row whether by its hash it is one of those to take out, if these are all."""
    if removed.is_empty():
        return pl.repeat(value=False, n=file.row_count(), eager=True)
    try:
        hashes = Hashes.of(removed)
        near = pl.concat([hashes.have(slab) for slab in slabs(file.active_path, hashes.columns)])
    except pl.exceptions.PolarsError:  # there is a type that has no hash
        raise _OutOfOrder from None
    if near.sum() != removed.height:
        raise _OutOfOrder
    return near


def _has_categories(kind: Any) -> bool:
    """Say whether there are categories in a type, and it does not say which."""
    inner = [getattr(kind, "inner", None), *(each.dtype for each in getattr(kind, "fields", ()))]
    return kind == pl.Categorical or any(_has_categories(each) for each in inner if each)


def _take_out(
    file: AstroFile, goes: pl.Series, removed_path: Path, expected: pl.DataFrame | None = None
) -> int:
    """Take out the rows of a mask: all are read once, and written to the one file or the other.

    Parameters
    ----------
    expected
        The rows that go, if they have to be these.

    Raises
    ------
    _OutOfOrder
        If they are not *expected*. The file stays as it is.
    """
    schema, count = schema_of(file.active_path), int(goes.sum())

    def write(path: Path) -> None:
        start = gone = 0
        with (
            ParquetSink(path, schema) as kept,
            ParquetSink(beside, schema, _SELDOM_READ) as removed,
        ):
            for slab in slabs(file.active_path):
                stay, go = split(slab, goes.slice(start, slab.height))
                if expected is not None:
                    _compare(go, expected.slice(gone, go.height))
                kept.put(stay)
                removed.put(go)
                start, gone = start + slab.height, gone + go.height

    with new_version(removed_path) as beside:
        if count:
            file.save_in_place_by(write)
        else:
            pl.DataFrame(schema=schema).write_parquet(beside)
    return count


def _compare(rows: pl.DataFrame, expected: pl.DataFrame) -> None:
    if not rows.equals(expected, null_equal=True):
        raise _OutOfOrder


def _check_condition(file: AstroFile, scan: pl.LazyFrame, condition: pl.Expr) -> None:
    names = scan.collect_schema().names()
    unknown = [name for name in condition.meta.root_names() if name not in names]
    if unknown:
        near = did_you_mean(unknown[0], names) or f"; there are {', '.join(names)}"
        raise _refused(file, f'there is no column "{unknown[0]}"{near}')
    found = list(scan.select(condition).collect_schema().values())
    if found != [pl.Boolean]:
        shown = ", ".join(map(str, found))
        raise _refused(file, f"an expression is true for rows to take out, and this gives {shown}")


def _as_in_file(file: AstroFile, removed: Any, frame: pl.DataFrame) -> pl.DataFrame:
    """Return what a function gave, with the columns in the order of the file."""
    if not isinstance(removed, pl.DataFrame):
        raise _refused(file, f"the function returns the rows to take out, not {said(removed)}")
    wrong = [f'"{name}"' for name in frame.columns if name not in removed.columns]
    wrong += [f'"{name}"' for name in removed.columns if name not in frame.columns]
    if wrong:
        raise _refused(file, f"columns are not those of the file: {', '.join(wrong)}")
    ordered = removed.select(frame.columns)
    changed = [
        f'"{name}" is {ordered.schema[name]}, in the file {kind}'
        for name, kind in frame.schema.items()
        if ordered.schema[name] not in ((kind,) if ordered.height else (kind, pl.Null))
    ]
    if changed:
        raise _refused(file, f"types are not those of the file: {', '.join(changed)}")
    return ordered.cast(frame.schema)


def _refused(file: AstroFile, why: str) -> FilterValidationError:
    return FilterValidationError(f'the filter of "{file.name}": {why}')
