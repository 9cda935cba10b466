"""The serializers that pypedream brings, and those that users register, by name."""

from __future__ import annotations

import sys
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pypedream.errors import DefinitionError, FormatError
from pypedream.formats.loader import Loader
from pypedream.formats.picking import pick_serializer
from pypedream.formats.registries import Catalogue, Registry
from pypedream.formats.serializer import Serializer, from_format
from pypedream.values import said

AUTO: Final = "auto"

# name: the module and class of the format, and options that are fixed for the name
_FORMATS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "arrow": ("columnar", "Feather", {"library": "polars"}),
    "bytes": ("plain", "Bytes", {}),
    "csv": ("csv_files", "CSV", {}),
    "feather": ("columnar", "Feather", {}),
    "joblib": ("joblib_files", "Joblib", {}),
    "json": ("json_files", "JSON", {"indent": None}),  # nobody reads it: json is quick without
    "jsonl": ("json_lines", "JSONL", {}),
    "netcdf": ("labelled", "NetCDF", {}),
    "npy": ("arrays", "NPY", {}),
    "pandas.csv": ("indexed_csv", "IndexedCSV", {}),
    "pandas.parquet": ("columnar", "Parquet", {}),
    "parquet": ("columnar", "Parquet", {}),
    "pickle": ("pickles", "Pickle", {}),
    "polars.series": ("columnar", "PolarsSeries", {}),
    "text": ("plain", "Text", {}),
    "xarray.netcdf": ("labelled", "NetCDF", {}),
    "xarray.zarr": ("labelled", "Zarr", {}),
    "yaml": ("yaml_files", "YAML", {}),
    "zarr": ("labelled", "Zarr", {}),
}
_UNSAFE: Final = frozenset(("joblib", "pickle"))


def get(name: str) -> Serializer:
    """Return the serializer of this name.

    Raises
    ------
    NotRegistered
        If there is none; the text has the nearest name.
    DefinitionError
        If what is registered under the name is no serializer.

    Examples
    --------
    >>> get("json").name
    'json'
    """
    if name in _FORMATS:  # nobody else has such a name
        return _built_in(name)
    return _as_serializer(name, registry.serializers.get(name))


def register(name: str, serializer: Any = None) -> Any:
    """Register a serializer under *name*; without one, decorate a function that makes it.

    It may be a `Serializer`, a format (an object with ``save`` and ``load``), or a function
    without arguments that returns one of these. Packages offer theirs as entry points of the
    group ``pypedream_serializers``.

    Examples
    --------
    >>> from pypedream.formats import Text
    >>> @register("latin")
    ... def latin():
    ...     return Text(encoding="latin-1")
    >>> get("latin").name
    'latin'
    """
    return registry.serializers.register(name, serializer)


def is_unsafe(name: str) -> bool:
    """Say whether loading with this serializer can run code that the file brings along.

    "auto" is: among what it picks are pickles.

    Examples
    --------
    >>> is_unsafe("pickle"), is_unsafe("json")
    (True, False)
    """
    return get(name).is_unsafe


def _as_serializer(name: str, entry: Any) -> Serializer:
    is_maker = isinstance(entry, type) or not isinstance(entry, (Serializer, Loader))
    made = entry() if is_maker and callable(entry) else entry
    if isinstance(made, Serializer):
        return made
    if callable(getattr(made, "save", None)) and callable(getattr(made, "load", None)):
        return _of_format(name, made)
    raise DefinitionError(f'"{name}" gives {said(made)}, which is no serializer')


def _of_format(name: str, loader: Any) -> Serializer:
    return Serializer(
        name,
        dump=lambda value, path: loader.save(value, Path(path)),
        load=lambda path: loader.load(Path(path)),
        is_unsafe=_is_unsafe(loader),
    )


def _is_unsafe(loader: Any) -> bool:
    """Say whether to load something may run code of whoever wrote it."""
    for name in _UNSAFE:
        module, kind, _ = _FORMATS[name]
        home = sys.modules.get(f"pypedream.formats.{module}")
        if isinstance(loader, getattr(home, kind, ())):  # if it is not loaded, nobody has one
            return True
    return False


@cache  # a store asks for one at each put and get
def _built_in(name: str) -> Serializer:
    module, class_name, fixed = _FORMATS[name]
    made = getattr(import_module(f"pypedream.formats.{module}"), class_name)
    return from_format(name, partial(made, **fixed) if fixed else made, is_unsafe=name in _UNSAFE)


def _auto() -> Serializer:
    return Serializer(AUTO, _dump_auto, _load_auto, is_unsafe=True)


def _dump_auto(value: Any, path: Any, **options: Any) -> None:
    get(pick_serializer(value)).dump(value, path, **options)


def _load_auto(path: Any, **_: Any) -> Any:
    raise FormatError(
        f'{path}: "auto" only chooses when a value is written; load it with the serializer that'
        " pick_serializer(value) named",
        path=str(path),
        format_name=AUTO,
    )


registry: Final = Registry()
registry.add(
    Catalogue(
        "serializers",
        group="pypedream_serializers",
        fixed={AUTO: _auto, **{name: partial(_built_in, name) for name in _FORMATS}},
    )
)
