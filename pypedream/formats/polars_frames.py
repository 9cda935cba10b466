"""Frames of polars as files and back; polars needs no other library for it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from pypedream._extras import need

if TYPE_CHECKING:
    from pathlib import Path


def write(value: Any, path: Path, kind: str, **options: Any) -> None:
    """Write a frame with its method ``write_<kind>``; raises as `write_to` does."""
    with open(path, "wb") as file:
        write_to(value, file, kind, **options)


def write_to(value: Any, file: IO[bytes], kind: str, **options: Any) -> None:
    """Write a frame with its method ``write_<kind>`` to a file that is open.

    Raises
    ------
    TypeError
        If it is no frame: one that is lazy is not computed without being told.
    """
    polars = need("polars", extra=None, for_="a frame")
    if isinstance(value, polars.LazyFrame):
        raise TypeError("a LazyFrame holds no values yet: call .collect()")
    if not isinstance(value, polars.DataFrame):
        raise TypeError(f"a frame is needed, not {type(value).__name__}")
    getattr(value, f"write_{kind}")(file, **options)


def read(path: Any, kind: str, **options: Any) -> Any:
    """Read a frame with the function ``read_<kind>``."""
    polars = need("polars", extra=None, for_=str(path))
    with open(path, "rb") as file:
        return getattr(polars, f"read_{kind}")(file, **options)


def is_polars(value: object) -> bool:
    """Say whether *value* is of polars, without importing it."""
    return type(value).__module__.partition(".")[0] == "polars"


def pick(value: Any) -> str:
    """Return the serializer that gives back the very same frame or series."""
    polars = need("polars", extra=None, for_="a frame")
    columns = [value] if isinstance(value, polars.Series) else value.get_columns()
    if any(_has_objects(column.dtype, polars) for column in columns):
        return "pickle"
    if type(value) is polars.Series:
        return "polars.series"
    return "arrow" if type(value) is polars.DataFrame else "pickle"


def _has_objects(dtype: Any, polars: Any) -> bool:
    if dtype == polars.Object:
        return True
    if isinstance(dtype, polars.Struct):
        return any(_has_objects(field.dtype, polars) for field in dtype.fields)
    inner = getattr(dtype, "inner", None)
    return inner is not None and _has_objects(inner, polars)
