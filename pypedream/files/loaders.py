"""The formats under the name that Pivot has, so that its import lines need one new word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream import formats

if TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(formats, name)  # each is loaded when it is first used


def __dir__() -> list[str]:
    return sorted(__all__)
