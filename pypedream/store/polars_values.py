"""How frames and series of polars are written down for a digest: names, dtypes, entries.

In how many chunks a series is kept does not count, nor does what stands under a null.
polars is not imported: its classes come with the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.errors import UnhashableInput
from pypedream.store.encoding import joined, text
from pypedream.store.numpy_values import write_array, write_objects

if TYPE_CHECKING:
    from pypedream.store.encoding import Encoding, Write


def writer(kind: type) -> Write | None:
    """Return how values of a class of polars, or one derived from it, are written down."""
    names = {base.__name__ for base in kind.__mro__ if base.__module__.startswith("polars")}
    found = [write for name, write in _WRITERS.items() if name in names]
    return found[0] if found else None


def _write_frame(encoding: Encoding, frame: Any) -> bytes:
    return joined(b"polars", [_write_series(encoding, each) for each in frame.get_columns()])


def _write_series(encoding: Encoding, series: Any) -> bytes:
    kind = series.dtype
    about = (encoding.node(series.name), text(b"dtype", str(kind)))
    missing = series.is_null().to_numpy()
    if kind.is_numeric() and not kind.is_decimal() and kind.to_python() is not None:
        numbers = series.fill_null(0).to_numpy()
        return joined(
            b"numbers", (*about, write_array(encoding, missing), write_array(encoding, numbers))
        )
    if kind.is_temporal():
        numbers = series.to_physical().fill_null(0).to_numpy()
        return joined(
            b"moments", (*about, write_array(encoding, missing), write_array(encoding, numbers))
        )
    return joined(b"entries", (*about, write_objects(encoding, series.to_list())))


def _write_lazy(_encoding: Encoding, value: Any) -> bytes:
    raise UnhashableInput(type(value), "has no rows yet; collect() it first")


def _write_dtype(_encoding: Encoding, value: Any) -> bytes:
    return text(b"dtype", repr(value))


_WRITERS: dict[str, Write] = {
    "DataFrame": _write_frame,
    "Series": _write_series,
    "LazyFrame": _write_lazy,
    "DataType": _write_dtype,
}
