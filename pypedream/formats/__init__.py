"""How a value becomes a file and back: formats with options, and serializers by name.

A format is a small frozen object: ``CSV(sep=";").save(frame, path)``, ``CSV(sep=";").load(path)``.
A serializer is the same under a name that a store can write down: ``get("json").load(path)``.
A name below is loaded when it is first used, and an optional library when a file needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names
from pypedream.errors import FormatError, NotRegistered

if TYPE_CHECKING:
    from pypedream.formats.arrays import NPY
    from pypedream.formats.builtin import get, is_unsafe, register, registry
    from pypedream.formats.columnar import Feather, Parquet
    from pypedream.formats.csv_files import CSV
    from pypedream.formats.figures import MatplotlibFigure
    from pypedream.formats.joblib_files import Joblib
    from pypedream.formats.json_files import JSON
    from pypedream.formats.json_lines import JSONL
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
    "CSV": "csv_files",
    "JSON": "json_files",
    "JSONL": "json_lines",
    "NPY": "arrays",
    "YAML": "yaml_files",
    "Bytes": "plain",
    "Feather": "columnar",
    "Joblib": "joblib_files",
    "Loader": "loader",
    "MatplotlibFigure": "figures",
    "NetCDF": "labelled",
    "Parquet": "columnar",
    "PathOnly": "plain",
    "Pickle": "pickles",
    "Reader": "loader",
    "Serializer": "serializer",
    "Text": "plain",
    "Writer": "loader",
    "Zarr": "labelled",
    "get": "builtin",
    "has_empty": "loader",
    "is_unsafe": "builtin",
    "pick_serializer": "picking",
    "register": "builtin",
    "registry": "builtin",
    "replacing": "replacement",
    "replacing_folder": "replacement",
}


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
