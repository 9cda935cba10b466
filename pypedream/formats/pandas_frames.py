"""Frames and series of pandas as tables of Arrow and back, with index and dtypes.

pyarrow itself notes the index, the dtypes and names of columns that are numbers or dates. What it
does not keep (the step of an index of dates, some dtypes, whether it was a series) is noted as JSON
under a key of our own, so that other programs read the same file.
"""

from __future__ import annotations

import json
from typing import Any

from pypedream._extras import need
from pypedream.formats.json_files import is_exact

_NOTES = b"pypedream"
_SAMPLE = 100
_INDEX = -1
_MOST_CATEGORIES = 1000
_CHANGED = ("object", "datetime64[s", "timedelta64[s")
_CHANGED_IN_INDEX = ("string", "Int", "UInt", "Float", "boolean")


def to_table(value: Any, for_: str) -> Any:
    """Return a frame or series of pandas as a table of Arrow.

    Raises
    ------
    TypeError
        If *value* is neither, or has names that would not come back.
    ValueError
        If two columns have the same name.
    """
    pandas = need("pandas", extra="frames", for_=for_)
    pyarrow = need("pyarrow", extra="frames", for_=for_)
    frame = value
    notes: dict[str, Any] = {}
    if isinstance(value, pandas.Series):
        if value.name is not None and type(value.name) not in (str, int):
            raise TypeError(f"the name of a series is text or a number, not {value.name!r}")
        notes["series"] = value.name
        frame = value.to_frame("values" if value.name is None else str(value.name))
    elif not isinstance(value, pandas.DataFrame):
        raise TypeError(f"{for_} is for frames and series, not for {type(value).__name__}")
    check_names(frame)
    table = pyarrow.Table.from_pandas(frame)
    notes |= _notes(frame, pandas)
    if value.attrs and is_exact(value.attrs):
        notes["attrs"] = value.attrs
    metadata = {**(table.schema.metadata or {}), _NOTES: json.dumps(notes).encode()}
    return table.replace_schema_metadata(metadata)


def from_table(table: Any) -> Any:
    """Return the frame or series that a table of Arrow stands for."""
    pandas = need("pandas", extra="frames", for_="the file")
    frame = table.to_pandas()
    notes = json.loads((table.schema.metadata or {}).get(_NOTES, b"{}"))
    if "columns" in notes:
        frame.columns = pandas.RangeIndex(*notes["columns"])
    for place, noted in notes.get("dtypes", []):
        dtype = _dtype(noted, pandas)
        if place != _INDEX and frame.dtypes.iloc[place] != dtype:
            frame.isetitem(place, frame.iloc[:, place].astype(dtype))
        elif place == _INDEX and frame.index.dtype != dtype:
            frame.index = frame.index.astype(dtype)
    if "freq" in notes:
        frame.index.freq = notes["freq"]
    value = frame.iloc[:, 0].rename(notes["series"]) if "series" in notes else frame
    value.attrs.update(notes.get("attrs", {}))
    return value


def check_names(frame: Any) -> None:
    """Raise when two columns of *frame* have one name, or when names are of several types."""
    names = frame.columns
    if not names.is_unique:
        twice = ", ".join(repr(name) for name in names[names.duplicated()].unique())
        raise ValueError(f"more than one column is called {twice}: rename all but one")
    if names.nlevels == 1 and names.inferred_type.startswith("mixed"):
        raise TypeError("the names of columns are of several types: make all of them text")


def pick(value: Any) -> str:
    """Return the serializer that gives back the very same frame or series.

    It is a pickle where pyarrow is missing or cannot keep something: objects other than str,
    names of columns that are of several types, subclasses. The first rows are tried.
    """
    pandas = need("pandas", extra="frames", for_="a frame")
    if type(value) not in (pandas.DataFrame, pandas.Series) or not _only_text(value, pandas):
        return "pickle"
    sample = value.iloc[:_SAMPLE]
    try:
        back = from_table(to_table(sample, "feather"))
    except (ImportError, TypeError, ValueError, NotImplementedError):
        return "pickle"  # whatever the reason is, pyarrow cannot keep it
    return "feather" if _is_same(sample, back, pandas) else "pickle"


def _notes(frame: Any, pandas: Any) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    columns, index = frame.columns, frame.index
    if isinstance(columns, pandas.RangeIndex) and columns.name is None:
        notes["columns"] = [columns.start, columns.stop, columns.step]
    dtypes = list(enumerate(frame.dtypes))
    if index.nlevels == 1:
        dtypes.append((_INDEX, index.dtype))
    noted = [(place, _noted(dtype, place, pandas)) for place, dtype in dtypes]
    notes["dtypes"] = [(place, note) for place, note in noted if note is not None]
    if getattr(index, "freq", None) is not None and not isinstance(index, pandas.PeriodIndex):
        notes["freq"] = index.freqstr
    return notes


def _noted(dtype: Any, place: int, pandas: Any) -> str | dict[str, Any] | None:
    """Return the note of a dtype that pyarrow or Parquet gives back as another one, or None."""
    if isinstance(dtype, pandas.CategoricalDtype):
        values = dtype.categories.tolist()
        if len(values) > _MOST_CATEGORIES or not is_exact(values):
            return None
        kind = str(dtype.categories.dtype)
        return {"categories": values, "dtype": kind, "ordered": dtype.ordered}
    name = str(dtype)
    return name if name.startswith(_CHANGED + _CHANGED_IN_INDEX * (place == _INDEX)) else None


def _dtype(noted: str | dict[str, Any], pandas: Any) -> Any:
    if isinstance(noted, str):
        return pandas.api.types.pandas_dtype(noted)
    categories = pandas.Index(noted["categories"], dtype=noted["dtype"])
    return pandas.CategoricalDtype(categories, ordered=noted["ordered"])


def _only_text(value: Any, pandas: Any) -> bool:
    """Say whether everything in *value* that is kept as objects is text."""
    columns = [value] if value.ndim == 1 else [value.iloc[:, at] for at in range(value.shape[1])]
    index = value.index
    levels = index.levels if isinstance(index, pandas.MultiIndex) else [index]
    return all(
        pandas.api.types.infer_dtype(one, skipna=False) in ("string", "empty")
        for one in [*columns, *levels]
        if one.dtype == object
    )


def _is_same(left: Any, right: Any, pandas: Any) -> bool:
    if type(left) is not type(right) or left.attrs != right.attrs:
        return False
    if type(left.index) is not type(right.index):
        return False
    testing = pandas.testing
    same = testing.assert_frame_equal if left.ndim > 1 else testing.assert_series_equal
    exact = {"check_column_type": "exact"} if left.ndim > 1 else {}
    try:
        same(left, right, check_exact=True, check_index_type="exact", check_freq=True, **exact)
    except AssertionError:
        return False
    return True
