"""Samples: what can be seen of a value at a glance; of a frame a few cells.

A frame is known by the module of its class: nothing is imported for a value that is not there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from pypedream.values import short
from pypedream.view.memory import memory_text
from pypedream.view.page import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST_COLUMNS, MOST_ROWS = 8, 5
CELL, WIDTH = 24, 160
GAP = "…"
READ = 2_000  # letters of a value that are looked at before secrets are hidden in them
_NUMBERS = ("i", "u", "f", "b")  # as numpy calls them; an array in a cell is none
_LIBRARIES = ("pandas", "polars", "pyarrow")


@frozen
class Shower:
    """Shows values in a few letters; a secret is hidden before anything is cut."""

    hide: Callable[[str], str]

    def shown(self, value: object, width: int = WIDTH) -> str:
        """Return a value in one line."""
        return self.cut(short(value, READ), width)

    def cut(self, text: str, width: int = WIDTH) -> str:
        """Return a text in one line."""
        text = " ".join(self.hide(text).split())
        half = (width - 1) // 2
        return text if len(text) <= width else f"{text[:half]}…{text[-half:]}"

    def sample(self, name: str, value: Any) -> Sample:
        """Return what can be seen of a value."""
        parts = (self.shown(value), memory_text(value))
        plain = Sample(name, ", ".join(filter(None, parts)))
        # what a frame's own class does when it is asked is the user's code, or a new version's
        with suppress(Exception):
            cells = _cells_of(value)
            if cells is not None:
                return self._table(plain, cells)
        return plain

    def _table(self, plain: Sample, cells: _Cells) -> Sample:
        columns: list[int | None] = [*_ends(len(cells.columns), MOST_COLUMNS)]
        rows = list(_ends(cells.height, MOST_ROWS))
        text = plain.text
        if len(columns) < len(cells.columns):
            text += f", {len(columns)} columns shown"
            columns.insert(MOST_COLUMNS // 2, None)  # where the others would be
        shown = [tuple(self._cells(cells, row, columns)) for row in rows]
        if len(rows) < cells.height:
            shown.insert((MOST_ROWS + 1) // 2, (f"{cells.height - len(rows):,} more",))
        return evolve(
            plain,
            text=text,
            columns=tuple(self._name(cells.columns, column, GAP) for column in columns),
            types=tuple(self._name(cells.types, column, "") for column in columns),
            rows=tuple(shown),
            numbers=frozenset(_with_numbers(cells, rows, columns)),
        )

    def _name(self, names: Sequence[Any], column: int | None, gap: str) -> str:
        return gap if column is None else self.cut(str(names[column]), CELL)

    def _cells(self, cells: _Cells, row: int, columns: Sequence[int | None]) -> Iterator[str]:
        for column in columns:
            yield GAP if column is None else self.cell(cells.at(row, column))

    def cell(self, value: object) -> str:
        """Return one cell of a frame: a text without its quotes, a number in a few digits."""
        if getattr(getattr(value, "dtype", None), "kind", "") in _NUMBERS:
            value = value.item()  # type: ignore[attr-defined]
        if isinstance(value, float):
            return f"{value:.6g}"
        return self.cut(value[:READ] if isinstance(value, str) else short(value, READ), CELL)


@frozen
class _Cells:
    """A frame of any library."""

    columns: Sequence[Any]
    types: Sequence[Any]
    height: int
    at: Callable[[int, int], Any]


def _cells_of(value: Any) -> _Cells | None:
    """Return the cells of a frame; None for all else, and for what is computed only when asked."""
    kind = type(value)
    libraries = [base.__module__.partition(".")[0] for base in kind.__mro__]
    library = next((name for name in libraries if name in _LIBRARIES), "")
    if library == "pandas" and hasattr(kind, "iat") and hasattr(kind, "columns"):
        return _Cells(value.columns, list(value.dtypes), len(value), lambda i, j: value.iat[i, j])
    if library == "polars" and hasattr(kind, "height") and hasattr(kind, "columns"):
        return _Cells(value.columns, value.dtypes, value.height, lambda i, j: value[i, j])
    if library == "pyarrow" and hasattr(kind, "column_names") and hasattr(kind, "num_rows"):
        types = [field.type for field in value.schema]
        names, height = value.column_names, value.num_rows
        return _Cells(names, types, height, lambda i, j: value.column(j)[i].as_py())
    return None


def _with_numbers(
    cells: _Cells, rows: Sequence[int], columns: Sequence[int | None]
) -> Iterator[int]:
    """Yield the places of columns of which all cells that are shown are numbers or missing."""
    for place, column in enumerate(columns):
        values = [] if column is None else [cells.at(row, column) for row in rows]
        found = [value for value in values if value is not None]
        if found and all(map(_is_number, found)):
            yield place


def _is_number(value: object) -> bool:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return kind in _NUMBERS[:3] or (isinstance(value, (int, float)) and type(value) is not bool)


def _ends(count: int, most: int) -> Iterator[int]:
    """Yield the first and the last positions, of an odd number one more of the first."""
    if count <= most:
        yield from range(count)
        return
    yield from range((most + 1) // 2)
    yield from range(count - most // 2, count)
