"""JSON Lines: documents of JSON, one a line, and as strict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.formats.faults import reading, writing
from pypedream.formats.json_files import parsed, written
from pypedream.formats.loader import Loader
from pypedream.formats.replacement import replacing

if TYPE_CHECKING:
    from os import PathLike


@frozen
class JSONL(Loader[Iterable[Any], list[Any]]):
    r"""One JSON document a line, in UTF-8; blank lines are passed over when it is read.

    Parameters
    ----------
    allow_nan
        As with `JSON`.

    Raises
    ------
    FormatError
        When loading a line that is not JSON: it names path and line.
    """

    allow_nan: bool = False

    def load(self, path: str | PathLike[str]) -> list[Any]:
        """Return the documents."""
        values = []
        with reading(path, "JSONL"), open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    value = parsed(line, path, "JSONL", allow_nan=self.allow_nan, line=number)
                    values.append(value)
        return values

    def save(self, value: Iterable[Any], path: str | PathLike[str]) -> None:
        """Write each member of *value* on a line of its own."""
        with writing(path, "JSONL"), replacing(path) as beside, open(beside, "wb") as file:
            if isinstance(value, (str, bytes, Mapping)):
                raise TypeError(f"JSONL is for a list of records, not for a {type(value).__name__}")
            for number, record in enumerate(value):
                text = written(record, allow_nan=self.allow_nan, indent=None, place=f"[{number}]")
                file.write(f"{text}\n".encode())

    def empty(self) -> list[Any]:
        """Return an empty list."""
        return []
