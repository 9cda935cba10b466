"""Tables: the rows of a file that is one, by what its name ends with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import PurePosixPath
from typing import Any

__all__ = ["Row", "content_of", "rows_in", "rows_of"]

Row = dict[str, Any]


def rows_of(path: str, content: bytes) -> list[Row] | None:
    r"""Return the rows of a table by column; None if the file is none.

    Tables are CSV and TSV files with a heading, whose values are texts, JSON Lines, and JSON files
    that are lists of objects.

    Raises
    ------
    ValueError
        If it cannot be read as what its name says.

    Examples
    --------
    >>> rows_of("a.csv", b"x;y\n1;2\n"), rows_of("a.json", b'{"x": 1}')
    ([{'x': '1', 'y': '2'}], None)
    """
    return rows_in(content_of(path, content))


def rows_in(found: Any) -> list[Row] | None:
    """Return what was found in a file if it is a list of rows; None if it is something else."""
    is_table = isinstance(found, list) and all(isinstance(row, dict) for row in found)
    return found if is_table else None


def content_of(path: str, content: bytes) -> Any:
    """Return what is in a file that may be a table; None if its name says that it is none.

    Raises
    ------
    ValueError
        If it cannot be read as what its name says.
    """
    ending = PurePosixPath(path).suffix.lower()
    try:
        if ending in (".csv", ".tsv"):
            return _table(content.decode("utf-8-sig"), "\t" if ending == ".tsv" else "")
        if ending == ".jsonl":
            return [json.loads(line) for line in content.splitlines() if line.strip()]
        return json.loads(content) if ending == ".json" else None
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _table(text: str, separator: str) -> list[Row]:
    heading = text.partition("\n")[0]
    separator = separator or max(",;\t|", key=heading.count)
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
