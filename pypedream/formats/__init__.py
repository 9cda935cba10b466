"""How a value becomes a file and back: formats with options, and serializers by name.

A format is a small frozen object: ``CSV(sep=";").save(frame, path)``, ``CSV(sep=";").load(path)``.
A serializer is the same under a name that a store can write down: ``get("json").load(path)``.
A name below is loaded when it is first used, and an optional library when a file needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypedream.errors import FormatError, NotRegistered
    from pypedream.formats.arrays import NPY
    from pypedream.formats.builtin import get, is_unsafe, register, registry
    from pypedream.formats.columnar import Feather, Parquet
    from pypedream.formats.csv_files import CSV
    from pypedream.formats.figures import MatplotlibFigure
    from pypedream.formats.joblib_files import Joblib
    from pypedream.formats.json_files import JSON, JSONL
    from pypedream.formats.labelled import NetCDF, Zarr
    from pypedream.formats.loader import Loader, Reader, Writer, has_empty
    from pypedream.formats.picking import pick_serializer
    from pypedream.formats.pickles import Pickle
    from pypedream.formats.plain import Bytes, PathOnly, Text
    from pypedream.formats.replacement import replacing, replacing_folder
    from pypedream.formats.serializer import Serializer
    from pypedream.formats.yaml_files import YAML

__all__ = [
    "CSV",
    "JSON",
    "JSONL",
    "NPY",
    "YAML",
    "Bytes",
    "Feather",
    "FormatError",
    "Joblib",
    "Loader",
    "MatplotlibFigure",
    "NetCDF",
    "NotRegistered",
    "Parquet",
    "PathOnly",
    "Pickle",
    "Reader",
    "Serializer",
    "Text",
    "Writer",
    "Zarr",
    "get",
    "has_empty",
    "is_unsafe",
    "pick_serializer",
    "register",
    "registry",
    "replacing",
    "replacing_folder",
]

_HOMES = {
    "CSV": "formats.csv_files",
    "JSON": "formats.json_files",
    "JSONL": "formats.json_files",
    "NPY": "formats.arrays",
    "YAML": "formats.yaml_files",
    "Bytes": "formats.plain",
    "Feather": "formats.columnar",
    "FormatError": "errors",
    "Joblib": "formats.joblib_files",
    "Loader": "formats.loader",
    "MatplotlibFigure": "formats.figures",
    "NetCDF": "formats.labelled",
    "NotRegistered": "errors",
    "Parquet": "formats.columnar",
    "PathOnly": "formats.plain",
    "Pickle": "formats.pickles",
    "Reader": "formats.loader",
    "Serializer": "formats.serializer",
    "Text": "formats.plain",
    "Writer": "formats.loader",
    "Zarr": "formats.labelled",
    "get": "formats.builtin",
    "has_empty": "formats.loader",
    "is_unsafe": "formats.builtin",
    "pick_serializer": "formats.picking",
    "register": "formats.builtin",
    "registry": "formats.builtin",
    "replacing": "formats.replacement",
    "replacing_folder": "formats.replacement",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"pypedream.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
