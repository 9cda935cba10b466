"""A frame of pandas as an ordinary CSV file that keeps the index, in one file.

The first columns are the index when their headers are in brackets: ``[when: datetime64[us]],x,y``.
Everything else is as any program writes it. A file of notes beside it would keep all dtypes, but
whoever moves or stores the one file would lose the index without a word.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, Final
from warnings import warn

from attrs import field, frozen

from pypedream._extras import need
from pypedream.formats.csv_files import exact_floats, naming_lines, write_quoted
from pypedream.formats.faults import reading, writing
from pypedream.formats.frozen_mapping import frozen_option, thawed
from pypedream.formats.loader import Loader
from pypedream.formats.pandas_frames import check_names
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

_BEFORE_DTYPE: Final = ": "
_LEVEL: Final = re.compile(r"\[(.*?)(?:: ((?:(?!: ).)*))?\]", re.DOTALL)
_GUESSED: Final = ("int64", "float64")


@frozen
class IndexedCSV(Loader[Any, Any]):
    """A frame of pandas with its index as CSV.

    An index that only counts the rows is not written. Dtypes of columns are guessed, as with any
    CSV; saving warns of each column that will not come back as it is.

    Parameters
    ----------
    sep
        The letter between two cells.
    dtype
        From column to dtype, where guessing is not enough.
    parse_dates
        The columns that hold dates.
    """

    sep: str = ","
    dtype: Any = field(default=None, converter=frozen_option)
    parse_dates: Any = field(default=False, converter=frozen_option)

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the frame."""
        with reading(path, "pandas.csv"), naming_lines(path, "pandas.csv"):
            return self._read(path)

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the frame."""
        pandas = need("pandas", extra="frames", for_="pandas.csv")
        with writing(path, "pandas.csv"), replacing(path) as beside:
            if not isinstance(value, pandas.DataFrame):
                raise TypeError(f"a frame is needed, not {type(value).__name__}; use feather")
            _check(value)
            levels = [] if _only_counts(value.index, pandas) else list(_headers(value.index))
            write_quoted(
                value, beside, sep=self.sep, index=bool(levels), index_label=levels or None
            )
            changed = _changed(value, self._read(beside))
        if changed:
            warn(
                f"{path}: {', '.join(changed)} will not come back the same from CSV; use feather"
                " or parquet, or load with dtype= and parse_dates=",
                UserWarning,
                stacklevel=2,
            )

    def _read(self, path: str | PathLike[str]) -> Any:
        pandas = need("pandas", extra="frames", for_="pandas.csv")
        with open(path, encoding="utf-8", newline="") as file:
            header = next(csv.reader(file, delimiter=self.sep), [])
            levels = _levels(header)
            names = [*range(len(levels)), *header[len(levels) :]]
            dtypes = dict(thawed(self.dtype) or {})
            file.seek(0)
            frame = pandas.read_csv(
                file,
                sep=self.sep,
                header=0,
                names=names,
                index_col=False,
                dtype=dtypes | {at: "str" for at, (_, kind) in enumerate(levels) if kind},
                parse_dates=thawed(self.parse_dates),
                **exact_floats(pandas),
            )
        return _with_index(frame, levels, pandas) if levels else frame


def _check(frame: Any) -> None:
    check_names(frame)
    if frame.columns.nlevels > 1:
        raise TypeError("columns have several levels; use feather")
    if frame.shape[1] == 0:
        raise ValueError("a frame without columns is no CSV; use feather")
    bad = [name for name in (*frame.columns, *frame.index.names) if _is_marked(name)]
    if bad:
        raise ValueError(f"the name {bad[0]!r} looks like a mark of the index: rename it")


def _is_marked(name: object) -> bool:
    return isinstance(name, str) and ("[" in name or "]" in name)


def _only_counts(index: Any, pandas: Any) -> bool:
    is_range = isinstance(index, pandas.RangeIndex) and index.name is None
    return is_range and index.start == 0 and index.step == 1


def _headers(index: Any) -> Iterator[str]:
    """Return the header of each level of the index: its name, and a dtype that is not guessed."""
    for at in range(index.nlevels):
        level = index.get_level_values(at)
        name = index.names[at]
        if name is not None and not isinstance(name, str):
            raise TypeError(f"the name {name!r} of the index is no text")
        dtype = str(level.dtype)
        is_plain = dtype in _GUESSED and _BEFORE_DTYPE not in (name or "")
        yield f"[{name or ''}]" if is_plain else f"[{name or ''}{_BEFORE_DTYPE}{dtype}]"


def _levels(header: list[str]) -> list[tuple[str | None, str | None]]:
    levels: list[tuple[str | None, str | None]] = []
    for cell in header:
        found = _LEVEL.fullmatch(cell)
        if found is None:
            break
        levels.append((found[1] or None, found[2]))
    return levels


def _with_index(frame: Any, levels: list[tuple[str | None, str | None]], pandas: Any) -> Any:
    values = [_typed(frame[at], kind, pandas).array for at, (_, kind) in enumerate(levels)]
    names = [name for name, _ in levels]
    rest = frame.iloc[:, len(levels) :]
    rest.columns = list(rest.columns)  # without the numbers they are text again
    if len(levels) == 1:
        rest.index = pandas.Index(values[0], name=names[0])
    else:
        rest.index = pandas.MultiIndex.from_arrays(values, names=names)
    return rest


def _typed(column: Any, kind: str | None, pandas: Any) -> Any:
    if kind is None:
        return column
    dtype = pandas.api.types.pandas_dtype(kind)
    if isinstance(dtype, pandas.DatetimeTZDtype):
        return pandas.to_datetime(column, utc=True, format="ISO8601").astype(dtype)
    if kind.startswith("datetime64"):
        return pandas.to_datetime(column, format="ISO8601").astype(dtype)
    if kind.startswith("timedelta64"):
        return pandas.to_timedelta(column).astype(dtype)
    return column.astype(dtype)


def _changed(frame: Any, back: Any) -> list[str]:
    """Return what is not the same in *back*, in words."""
    if list(frame.columns) != list(back.columns):
        return ["the names of the columns"]
    changed = [] if frame.index.equals(back.index) else ["the index"]
    for at, name in enumerate(frame.columns):
        old, new = frame.iloc[:, at], back.iloc[:, at]
        if old.dtype != new.dtype or not old.array.equals(new.array):
            changed.append(f"column {name!r} ({old.dtype})")
    return changed
