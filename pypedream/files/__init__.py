"""Files as inputs and outputs of stages: annotations say which, and how they are read and written.

>>> from typing import Annotated
>>> from pypedream.files import JSON, Dep, Out
>>> def clean(
...     rows: Annotated[list, Dep("rows.json", JSON())],
... ) -> Annotated[list, Out("clean.json", JSON())]:
...     return [row for row in rows if row]

The function stays a function: called directly, in a test, it takes and returns values. Paths are
relative to the root of the project. A name below is loaded when it is first used; `StageParams`
needs pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.files.annotations import Dep, DirectoryOut, Out
    from pypedream.files.loaders import (
        CSV,
        JSON,
        JSONL,
        YAML,
        Loader,
        MatplotlibFigure,
        PathOnly,
        Pickle,
        Reader,
        Text,
        Writer,
    )
    from pypedream.files.purposes import IncrementalOut, Metric, PlaceholderDep, Plot
    from pypedream.files.spec import FileDep, FileOut, FileSpec, spec_of
    from pypedream.files.stage_params import StageParams

_HOMES = {
    "CSV": "loaders",
    "JSON": "loaders",
    "JSONL": "loaders",
    "YAML": "loaders",
    "Dep": "annotations",
    "DirectoryOut": "annotations",
    "FileDep": "spec",
    "FileOut": "spec",
    "FileSpec": "spec",
    "IncrementalOut": "purposes",
    "Loader": "loaders",
    "MatplotlibFigure": "loaders",
    "Metric": "purposes",
    "Out": "annotations",
    "PathOnly": "loaders",
    "Pickle": "loaders",
    "PlaceholderDep": "purposes",
    "Plot": "purposes",
    "Reader": "loaders",
    "StageParams": "stage_params",
    "Text": "loaders",
    "Writer": "loaders",
    "spec_of": "spec",
}

__all__ = [
    "CSV",
    "JSON",
    "JSONL",
    "YAML",
    "Dep",
    "DirectoryOut",
    "FileDep",
    "FileOut",
    "FileSpec",
    "IncrementalOut",
    "Loader",
    "MatplotlibFigure",
    "Metric",
    "Out",
    "PathOnly",
    "Pickle",
    "PlaceholderDep",
    "Plot",
    "Reader",
    "StageParams",
    "Text",
    "Writer",
    "spec_of",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
