"""How tables and arrays of pyarrow are written down for a digest: names, types, entries.

Chunks and metadata do not count, nor does what stands under a null.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pypedream.store.encoding import joined, text
from pypedream.store.numpy_values import write_array, write_objects

if TYPE_CHECKING:
    from pypedream.store.encoding import Encoding, Write


def writer(kind: type) -> Write | None:
    """Return how values of a class of pyarrow, or one derived from it, are written down."""
    names = {base.__name__ for base in kind.__mro__ if base.__module__.startswith("pyarrow")}
    found = [write for name, write in _WRITERS.items() if name in names]
    return found[0] if found else None


def _write_table(encoding: Encoding, table: Any) -> bytes:
    names = encoding.node(list(table.schema.names))
    return joined(b"arrow", (names, *(_write_array(encoding, each) for each in table.columns)))


def _write_array(encoding: Encoding, array: Any) -> bytes:
    types = sys.modules["pyarrow"].types  # loaded, as it made the array; it has no stubs
    about = (text(b"type", str(array.type)), encoding.node(len(array)))
    is_number = types.is_integer(array.type) or types.is_floating(array.type)
    if not is_number or not len(array):
        return joined(b"entries", (*about, write_objects(encoding, array.to_pylist())))
    missing = array.is_null()
    filled = array.fill_null(0) if array.null_count else array
    parts = [_numbers(part) for part in (missing, filled)]
    return joined(b"numbers", (*about, *(write_array(encoding, part) for part in parts)))


def _numbers(array: Any) -> Any:
    if hasattr(array, "chunks"):
        return array.to_numpy()
    return array.to_numpy(zero_copy_only=False)


def _write_scalar(encoding: Encoding, value: Any) -> bytes:
    return joined(b"scalar", (text(b"type", str(value.type)), encoding.node(value.as_py())))


def _write_schema(encoding: Encoding, value: Any) -> bytes:
    fields = [(each.name, str(each.type), each.nullable) for each in value]
    return joined(b"schema", (encoding.node(fields),))


def _write_type(_encoding: Encoding, value: Any) -> bytes:
    return text(b"type", str(value))


_WRITERS: dict[str, Write] = {
    "Table": _write_table,
    "RecordBatch": _write_table,
    "ChunkedArray": _write_array,
    "Array": _write_array,
    "Scalar": _write_scalar,
    "Schema": _write_schema,
    "DataType": _write_type,
}
