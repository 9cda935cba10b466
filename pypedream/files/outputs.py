"""The annotations under the name that Pivot has, so that its import lines need one new word."""

from __future__ import annotations

from pypedream.files.annotations import Dep, DirectoryOut, Out
from pypedream.files.purposes import IncrementalOut, Metric, PlaceholderDep, Plot

__all__ = ["Dep", "DirectoryOut", "IncrementalOut", "Metric", "Out", "PlaceholderDep", "Plot"]
