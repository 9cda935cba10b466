"""Headers: the names of a file's columns, and what is wrong with them by the schema."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import field, frozen

from pypedream.names import did_you_mean
from pypedream.tabular.polars_library import pl
from pypedream.tabular.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.tabular.batches import RowSource
    from pypedream.tabular.table_schema import ColumnSchema, TableSchema

__all__ = ["Layout", "late_header_problem", "layout_of", "separator_in", "separator_problem"]

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar", ":": "a colon"}
_MOST_LISTED = 12


@frozen
class Layout:
    """The columns of one file.

    Attributes
    ----------
    names
        All columns, in the order of the file.
    kept
        From each one that comes in to what the schema says of it, in the same order.
    added
        Columns that the schema adds, with the value that all rows get there.
    """

    names: tuple[str, ...]
    kept: Mapping[str, ColumnSchema]
    added: Mapping[str, ColumnSchema] = field(factory=dict)

    @property
    def positions(self) -> dict[str, int]:
        """From each name to its place in the file, the first is 0."""
        return {name: at for at, name in enumerate(self.names)}

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The schema of what comes in."""
        return {name: each.dtype for name, each in {**self.kept, **self.added}.items()}


def layout_of(
    names: Sequence[str], schema: TableSchema, *, file: str, line: int | None
) -> tuple[Layout, list[Problem]]:
    """Return the columns of a file, and everything that is wrong with its header."""
    from pypedream.tabular.table_schema import ColumnSchema

    problems = [*_unnamed(names, schema), *_doubled(names)]
    kept = dict[str, ColumnSchema]()
    for name in names:
        found = next((each for each in schema.columns if each.means(name)), None)
        if found is not None:
            kept[name] = found
        elif schema.extra == "keep":
            kept[name] = ColumnSchema(name, pl.String(), is_nullable=True)
        elif schema.extra == "refuse" and name:
            known = [each.name for each in schema.columns if not each.is_pattern]
            reason = f"is not in the schema, which is strict{did_you_mean(name, known)}"
            problems.append(Problem("extra-column", reason, column=name))
    absent = [each for each in schema.columns if not any(map(each.means, names))]
    added = {each.name: each for each in absent if _can_be_added(each, schema)}
    missing = [each for each in absent if each.is_required and each.name not in added]
    problems += [_missing(each, names) for each in missing]
    if schema.is_ordered and not problems:
        problems += _out_of_order(names, schema)
    if not kept and not problems:
        problems.append(_nothing_left(names, schema))
    placed = [_placed(problem, file, line) for problem in problems]
    return Layout(tuple(names), kept, added), placed


def _nothing_left(names: Sequence[str], schema: TableSchema) -> Problem:
    """Return what is told where rows would come in without anything in them."""
    if not names:
        return Problem("no-column", "has no columns")
    known = ", ".join(each.name for each in schema.columns) or "none"
    reason = f"no column is in the schema, which has {known}, and leaves others out"
    return Problem("no-column", f"{reason}{_listed(names)}")


def _placed(problem: Problem, file: str, line: int | None) -> Problem:
    from attrs import evolve

    return evolve(problem, file=file, line=line)


def separator_problem(names: Sequence[str], schema: TableSchema, separator: str) -> Problem | None:
    """Return what is wrong if a header has the expected names, but between other separators."""
    expected = {each.name for each in schema.columns if not each.is_pattern}
    if len(expected) == 1 or expected & set(names):
        return None
    header = separator.join(names)
    others = (other for other in _SEPARATORS if other != separator)
    return _separated(
        next((each for each in others if len(expected & _cut(header, each)) > 1), None)
    )


def late_header_problem(rows: RowSource, schema: TableSchema) -> Problem | None:
    """Return what is wrong if there is something above the names, such as a title."""
    expected = {each.name for each in schema.columns if not each.is_pattern}
    if rows.header_line is None or not expected or expected & set(rows.names):
        return None
    line = rows.line_with(expected)
    if line is None:
        return None
    reason = "take out what is above them, or read it with preprocess="
    return Problem("late-header", f"the names of the columns are in line {line}: {reason}")


def separator_in(row: str, columns: int) -> Problem | None:
    """Return what is wrong if the first row of a file without a header is to be cut elsewhere."""
    found = (other for other in _SEPARATORS if row.count(other) == columns - 1)
    return _separated(next(found, None)) if columns > 1 else None


def _cut(header: str, separator: str) -> set[str]:
    return {name.strip() for name in header.split(separator)}


def _separated(other: str | None) -> Problem | None:
    if other is None:
        return None
    shown, called = "\\t" if other == "\t" else other, _SEPARATORS[other]
    return Problem("separator", f'has {called} between its columns: give separator="{shown}"')


def _unnamed(names: Sequence[str], schema: TableSchema) -> Iterator[Problem]:
    for at, name in enumerate(names, 1):
        if not name and schema.extra != "drop":
            reason = f'the column {at} has no name; a schema that is strict="filter" leaves it out'
            yield Problem("unnamed-column", reason)


def _doubled(names: Sequence[str]) -> Iterator[Problem]:
    places: dict[str, list[str]] = {}
    for at, name in enumerate(names, 1):
        places.setdefault(name, []).append(str(at))
    for name, at_all in places.items():
        if name and len(at_all) > 1:
            reason = f"is the name of the columns {' and '.join(at_all)}"
            yield Problem("duplicate-column", reason, column=name)


def _can_be_added(column: ColumnSchema, schema: TableSchema) -> bool:
    has_value = column.default is not None or column.is_nullable
    return schema.adds_missing and column.is_required and has_value and not column.is_pattern


def _missing(column: ColumnSchema, names: Sequence[str]) -> Problem:
    if column.is_pattern:
        reason = f"no column has a name that matches {column.name!r}{_listed(names)}"
        return Problem("missing-column", reason, column=column.name)
    plain = column.name.strip().casefold()
    for at, name in enumerate(names, 1):
        if name.strip().strip("\ufeff").casefold() == plain:
            reason = f"is missing; the column {at} is called {name!r}, which is not quite the same"
            return Problem("missing-column", reason, column=column.name)
    near = did_you_mean(column.name, names) or _listed(names)
    return Problem("missing-column", f"is missing{near}", column=column.name)


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _MOST_LISTED else ""
    listed = (name if name == name.strip() != "" else repr(name) for name in names[:_MOST_LISTED])
    return f"; the file has {', '.join(listed)}{more}"


def _out_of_order(names: Sequence[str], schema: TableSchema) -> Iterator[Problem]:
    order = [
        (at, name) for name in names for at, each in enumerate(schema.columns) if each.means(name)
    ]
    for (before, _), (this, name) in pairwise(order):
        if this < before:
            reason = f"comes too late: the schema is ordered, as {_order(schema)}"
            yield Problem("column-order", reason, column=name)
            return


def _order(schema: TableSchema) -> str:
    return ", ".join(each.name for each in schema.columns)
