"""The code cells of a notebook file: which are marked to be exported, and what each defines."""

from __future__ import annotations

import ast
import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from pypedream.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG: Final = "export"
_DIRECTIVE: Final = re.compile(r"#\s*\|\s*exports?\b.*")
_COMMENT: Final = re.compile(r"\s*(#.*)?")
_MAGIC: Final = re.compile(r"\s*(?:[\w, ]+=\s*)?(%%?[A-Za-z]\w*.*|!.+)")
_HELP: Final = re.compile(r"\s*(\?{1,2}[\w.]+|[\w.]+\?{1,2})\s*")


@define(eq=False)
class NotebookCell:
    """One code cell.

    Attributes
    ----------
    notebook
        The notebook as the user knows it.
    number
        Its place among all cells of the notebook, from 1.
    source
        Its text.
    is_marked
        Whether it is to be exported.
    """

    notebook: str
    number: int
    source: str = field(repr=False)
    is_marked: bool

    @property
    def shown(self) -> str:
        """What a message calls it."""
        return f"{self.notebook}, cell {self.number}"

    @cached_property
    def lines(self) -> list[str]:
        """The lines without the mark; an empty one is in its place, so that numbers stay."""
        return [
            "" if n < self._head and _DIRECTIVE.fullmatch(line.strip()) else line
            for n, line in enumerate(self.source.splitlines())
        ]

    @cached_property
    def magics(self) -> list[tuple[str, int]]:
        """What works only in IPython, each with its line."""
        if self.tree is not None:
            return []
        found = []
        for number, line in enumerate(self.lines, 1):
            match = _MAGIC.fullmatch(line) or _HELP.fullmatch(line)
            if match is not None:
                found.append((match[1].strip(), number))
                if match[1].startswith("%%"):
                    break  # all that follows belongs to it
        return found

    @cached_property
    def tree(self) -> ast.Module | None:
        """The text, parsed; None if it is no Python."""
        try:
            return ast.parse("\n".join(self.lines))
        except (SyntaxError, ValueError):
            return None

    @property
    def _head(self) -> int:
        return _head(self.source)


def cells_of(notebook: str | os.PathLike[str]) -> list[NotebookCell]:
    """Read the code cells of a notebook.

    Raises
    ------
    ExportError
        If the file cannot be read, or is no notebook.
    """
    shown = os.fspath(notebook)
    try:
        document = json.loads(Path(notebook).read_bytes())
    except OSError as error:
        raise ExportError(f"{shown} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ExportError(f"{shown} is no notebook: it is not JSON") from None
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise ExportError(f"{shown} has no cells: save it with a newer Jupyter (nbformat 4)")
    return [*_code_cells(shown, cells)]


def _code_cells(notebook: str, cells: list[Any]) -> Iterator[NotebookCell]:
    for number, cell in enumerate(cells, 1):
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        tags = (cell.get("metadata") or {}).get("tags") or ()
        yield NotebookCell(notebook, number, text, TAG in tags or _has_mark(text))


def _has_mark(text: str) -> bool:
    lines = text.splitlines()[: _head(text)]
    return any(_DIRECTIVE.fullmatch(line.strip()) for line in lines)


def _head(text: str) -> int:
    """Return how many lines of comments a cell begins with."""
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines) if not _COMMENT.fullmatch(line)), len(lines))
