"""Pickle: any value of Python, and code that runs when it is loaded."""

from __future__ import annotations

import pickle
from typing import IO, TYPE_CHECKING, Any

from attrs import frozen

from pypedream.formats.faults import IN_MEMORY, reading, writing
from pypedream.formats.loader import Loader
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from os import PathLike


@frozen
class Pickle(Loader[Any, Any]):
    """Python's own format. Load it only from where you or your colleagues wrote it.

    Parameters
    ----------
    protocol
        The version of the format; 5 is read by all versions of Python that run pypedream.
    """

    protocol: int = 5

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the value; this can run code that the file names."""
        with reading(path, "Pickle"), open(path, "rb") as file:
            return pickle.load(file)  # noqa: S301 - what the user asked for; docs say what it means

    def loads(self, data: bytes) -> Any:
        """Return the value; this can run code that *data* names."""
        with reading(IN_MEMORY, "Pickle"):
            return pickle.loads(data)  # noqa: S301 - as above

    def save(self, value: Any, path: str | PathLike[str]) -> None:
        """Write the value."""
        with writing(path, "Pickle"), replacing(path) as beside, open(beside, "wb") as file:
            pickle.dump(value, file, protocol=self.protocol)

    def dump_to(self, value: Any, file: IO[bytes]) -> None:
        """Write the value to a file that is open."""
        with writing(IN_MEMORY, "Pickle"):
            pickle.dump(value, file, protocol=self.protocol)
