"""How frames, series and indexes of pandas are written down for a digest.

Names, dtypes, order of columns, labels and entries count. How pandas keeps the columns does not:
a frame that was copied, put together or read from a file is the same if all of these are.
pandas is not imported: its classes come with the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.store.encoding import joined, text
from pypedream.store.numpy_values import write_array, write_objects

if TYPE_CHECKING:
    from pypedream.store.encoding import Encoding, Write


def writer(kind: type) -> Write | None:
    """Return how values of a class of pandas, or one derived from it, are written down."""
    names = {base.__name__ for base in kind.__mro__ if base.__module__.startswith("pandas")}
    found = [write for name, write in _WRITERS.items() if name in names]
    return found[0] if found else None


def _write_frame(encoding: Encoding, frame: Any) -> bytes:
    columns = [
        _write_column(encoding, frame.iloc[:, place].array) for place in range(len(frame.columns))
    ]
    labels = (_write_index(encoding, frame.columns), _write_index(encoding, frame.index))
    return joined(b"frame", (*labels, *columns))


def _write_series(encoding: Encoding, series: Any) -> bytes:
    name = encoding.node(series.name)
    index = _write_index(encoding, series.index)
    return joined(b"series", (name, index, _write_column(encoding, series.array)))


def _write_index(encoding: Encoding, index: Any) -> bytes:
    """Write down names and labels. A range is the same as its numbers written out."""
    names = encoding.node(list(index.names))
    levels = [index]
    if hasattr(index, "levels"):
        levels = [index.get_level_values(place) for place in range(index.nlevels)]
    return joined(b"index", (names, *(_write_column(encoding, each.array) for each in levels)))


def _write_column(encoding: Encoding, array: Any) -> bytes:
    """Write down the entries of one column; what stands under a missing one does not count."""
    kind = array.dtype
    name = text(b"dtype", str(kind))
    if hasattr(kind, "categories"):
        categories = _write_index(encoding, kind.categories)
        about = (name, encoding.node(bool(kind.ordered)), categories)
        return joined(b"categories", (*about, write_array(encoding, array.codes.astype("i8"))))
    if kind.kind in "mM" and hasattr(array, "asi8"):
        return joined(b"moments", (name, write_array(encoding, array.asi8)))
    if hasattr(array, "to_dense"):
        return joined(b"sparse", (name, write_array(encoding, array.to_dense())))
    missing = array.isna()
    number = getattr(kind, "numpy_dtype", None)
    if kind.kind in "iufb" and hasattr(array, "_mask") and number is not None:
        content = write_array(encoding, array.to_numpy(dtype=number, na_value=0))
        return joined(b"masked", (name, write_array(encoding, missing), content))
    if not hasattr(kind, "type") or type(array).__name__ in ("NumpyExtensionArray", "PandasArray"):
        return joined(b"column", (name, write_array(encoding, array.to_numpy())))
    return joined(b"column", (name, *_entries(encoding, array, missing)))


def _entries(encoding: Encoding, array: Any, missing: Any) -> tuple[bytes, bytes]:
    entries = array.astype(object)
    present = list(entries[~missing])
    return write_array(encoding, missing), write_objects(encoding, present)


def _write_moment(encoding: Encoding, value: Any) -> bytes:
    about = (value.isoformat(), str(getattr(value, "tz", None)), value.unit)
    return encoding.sequence(type(value).__name__.encode(), about)


def _write_period(encoding: Encoding, value: Any) -> bytes:
    return encoding.sequence(b"period", (value.ordinal, value.freqstr))


def _write_interval(encoding: Encoding, value: Any) -> bytes:
    return encoding.sequence(b"interval", (value.left, value.right, value.closed))


def _write_missing(_encoding: Encoding, value: Any) -> bytes:
    return text(b"missing", type(value).__name__)


def _write_dtype(encoding: Encoding, value: Any) -> bytes:
    categories = getattr(value, "categories", None)
    listed = None if categories is None else list(categories)
    return encoding.sequence(b"dtype", (str(value), listed, getattr(value, "ordered", None)))


_WRITERS: dict[str, Write] = {
    "DataFrame": _write_frame,
    "Series": _write_series,
    "Index": _write_index,
    "ExtensionArray": _write_column,
    "NaTType": _write_missing,
    "NAType": _write_missing,
    "Timestamp": _write_moment,
    "Timedelta": _write_moment,
    "Period": _write_period,
    "Interval": _write_interval,
    "ExtensionDtype": _write_dtype,
}
