"""How datasets and arrays of xarray are written down for a digest.

Names, dimensions, coordinates, attributes and entries count; what is read lazily is read.
xarray is not imported: its classes come with the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.store.encoding import joined
from pypedream.store.numpy_values import write_array

if TYPE_CHECKING:
    from pypedream.store.encoding import Encoding, Write


def writer(kind: type) -> Write | None:
    """Return how values of a class of xarray, or one derived from it, are written down."""
    names = {base.__name__ for base in kind.__mro__ if base.__module__.startswith("xarray")}
    found = [write for name, write in _WRITERS.items() if name in names]
    return found[0] if found else None


def _write_dataset(encoding: Encoding, value: Any) -> bytes:
    attributes = encoding.node(dict(value.attrs))
    coordinates = encoding.node(list(map(str, sorted(value.coords, key=str))))
    return joined(b"dataset", (attributes, coordinates, _variables(encoding, value.variables)))


def _write_array(encoding: Encoding, value: Any) -> bytes:
    coordinates = _variables(encoding, {name: each.variable for name, each in value.coords.items()})
    name = encoding.node(value.name)
    return joined(b"dataarray", (name, coordinates, _write_variable(encoding, value.variable)))


def _write_variable(encoding: Encoding, value: Any) -> bytes:
    about = encoding.node([list(value.dims), dict(value.attrs)])
    return joined(b"variable", (about, write_array(encoding, value.values)))


def _variables(encoding: Encoding, variables: Any) -> bytes:
    return encoding.mapping(b"variables", variables)


_WRITERS: dict[str, Write] = {
    "Dataset": _write_dataset,
    "DataArray": _write_array,
    "Variable": _write_variable,
}
