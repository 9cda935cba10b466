"""The formats under the name that Pivot has, so that its import lines need one new word."""

from __future__ import annotations

from pypedream.formats import (
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

__all__ = [
    "CSV",
    "JSON",
    "JSONL",
    "YAML",
    "Loader",
    "MatplotlibFigure",
    "PathOnly",
    "Pickle",
    "Reader",
    "Text",
    "Writer",
]
