"""Pickle with arrays laid out beside: joblib's format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream._extras import need
from pypedream.formats.faults import reading, writing
from pypedream.formats.loader import Loader
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from os import PathLike


@frozen
class Joblib(Loader[Any, Any]):
    """Any value of Python, large arrays in it written fast. As unsafe to load as a pickle.

    Parameters
    ----------
    compress
        From 0, not at all, to 9.
    mmap_mode
        Leave arrays in the file and map them, "r" to read; only when it is not compressed.
    """

    compress: int = 0
    mmap_mode: str | None = None

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the value; this can run code that the file names."""
        joblib = need("joblib", extra=None, for_="Joblib")
        with reading(path, "Joblib"):
            return joblib.load(path, mmap_mode=self.mmap_mode)

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the value."""
        joblib = need("joblib", extra=None, for_="Joblib")
        with writing(path, "Joblib"), replacing(path) as beside, open(beside, "wb") as file:
            joblib.dump(value, file, compress=self.compress)
