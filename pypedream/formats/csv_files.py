"""CSV: what every program reads, and what knows no dtypes."""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen
from attrs.validators import in_, instance_of

from pypedream._extras import need
from pypedream.formats.columnar import LIBRARIES, empty_frame
from pypedream.formats.faults import fault, reading, writing
from pypedream.formats.frozen_mapping import frozen_option, thawed
from pypedream.formats.loader import Loader
from pypedream.formats.polars_frames import is_polars, read, write
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
    from pathlib import Path


@frozen
class CSV(Loader[Any, Any]):
    """A frame of pandas or polars as text; the options hold in both directions.

    Dtypes are guessed when it is loaded: text that looks like a number becomes one, and text that
    is empty or "NA" is missing. *dtype* and *parse_dates* say what is what. Numbers are exact.

    Parameters
    ----------
    index_col
        The column, or columns, that are the index of a pandas frame: names, or places from 0.
        Without it the index is not written.
    sep
        The letter between two cells.
    dtype
        The dtype of all columns, or a mapping from column to dtype.
    parse_dates
        The columns that hold dates; for polars only whether dates are looked for.
    decimal
        The letter before the decimals.
    encoding
        How letters become bytes; polars has only UTF-8.
    library
        Which library makes the frame when it is loaded. Frames of both can be saved.

    Examples
    --------
    >>> CSV(sep=";", dtype={"id": "str"})
    CSV(index_col=None, sep=';', dtype={'id': 'str'}, parse_dates=False, decimal='.', \
encoding='utf-8', library='pandas')
    """

    index_col: Any = field(default=None, converter=frozen_option)
    sep: str = field(default=",", validator=instance_of(str))
    dtype: Any = field(default=None, converter=frozen_option)
    parse_dates: Any = field(default=False, converter=frozen_option)
    decimal: str = "."
    encoding: str = "utf-8"
    library: Literal["pandas", "polars"] = field(default="pandas", validator=in_(LIBRARIES))

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the frame."""
        with reading(path, "CSV"):
            if self.library == "polars":
                return self._load_polars(path)
            pandas = need("pandas", extra="frames", for_="CSV")
            with open(path, encoding=self.encoding, newline="") as file, naming_lines(path, "CSV"):
                return pandas.read_csv(
                    file,
                    sep=self.sep,
                    index_col=thawed(self.index_col),
                    dtype=thawed(self.dtype),
                    parse_dates=thawed(self.parse_dates),
                    decimal=self.decimal,
                    **exact_floats(pandas),
                )

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the frame."""
        with writing(path, "CSV"), replacing(path) as beside:
            if is_polars(value):
                self._check_polars()
                write(value, beside, "csv", separator=self.sep)
                return
            from pypedream.formats.pandas_frames import check_names

            pandas = need("pandas", extra="frames", for_="CSV")
            if not isinstance(value, pandas.DataFrame):
                raise TypeError(f"CSV is for frames, not for {type(value).__name__}")
            check_names(value)
            write_quoted(
                self._indexed(value),
                beside,
                sep=self.sep,
                index=self.index_col is not None,
                decimal=self.decimal,
                encoding=self.encoding,
            )

    def empty(self) -> Any:
        """Return a frame without columns."""
        return empty_frame(self.library, "CSV")

    def _indexed(self, frame: Any) -> Any:
        """Return *frame* with the index that is written: columns of these names become it."""
        names = thawed(self.index_col)
        listed = names if isinstance(names, list) else [names]
        if names is None or not all(isinstance(name, str) for name in listed):
            return frame
        if all(name in frame.columns for name in listed):
            return frame.set_index(names)
        if len(listed) != frame.index.nlevels:
            raise ValueError(f"index_col={names!r} names neither columns nor the index")
        return frame.rename_axis(index=names)

    def _load_polars(self, path: str | PathLike[str]) -> Any:
        self._check_polars()
        return read(
            path,
            "csv",
            separator=self.sep,
            schema_overrides=thawed(self.dtype),
            try_parse_dates=bool(self.parse_dates),
        )

    def _check_polars(self) -> None:
        is_plain = self.decimal == "." and self.encoding.lower().replace("-", "") == "utf8"
        if self.index_col is not None or not is_plain:
            raise ValueError("polars has no index_col, decimal and encoding: leave them out")


def write_quoted(frame: Any, path: Path, **options: Any) -> None:
    r"""Write a frame of pandas as lines that end with \n; cells with \r in them are quoted, too.

    Before Python 3.13 a cell is quoted only for the end of line that is written, but all are read.
    """
    frame.to_csv(path, lineterminator="\n", **options)
    with open(path, "rb") as file:
        has_return = any(b"\r" in part for part in iter(lambda: file.read(1 << 20), b""))
    if has_return:
        frame.to_csv(path, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC, **options)


@contextmanager
def naming_lines(path: str | PathLike[str], kind: str) -> Iterator[None]:
    """Raise what pandas says of a line as an error of that line of the file."""
    try:
        yield
    except ValueError as error:
        line = re.search(r"\bline (\d+)", str(error))
        if line is None:
            raise
        raise fault(f"cannot be read as {kind}", path, kind, error, int(line[1])) from error


def exact_floats(pandas: Any) -> dict[str, str]:
    """Return what makes ``read_csv`` read numbers exactly; from pandas 3.1 on it always does."""
    major, minor = pandas.__version__.split(".")[:2]
    return {"float_precision": "round_trip"} if (int(major), int(minor)) < (3, 1) else {}
