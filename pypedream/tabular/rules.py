"""Rules: what a schema asks of single rows, as expressions that are evaluated together.

The checks that pandera brings are such expressions here, with the same meaning. A check that is a
function of the user may look at a whole column, so it is called once, with all rows; see
`whole_rules`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.tabular.headers import Layout
    from pypedream.tabular.table_schema import TableSchema

__all__ = ["Rule", "WholeRule", "plain", "row_rules", "whole_rules"]

_KNOWN: dict[str, Callable[..., pl.Expr]] = {
    "equal_to": lambda cell, value: cell.eq(value),
    "not_equal_to": lambda cell, value: cell.ne(value),
    "greater_than": lambda cell, min_value: cell.gt(min_value),
    "greater_than_or_equal_to": lambda cell, min_value: cell.ge(min_value),
    "less_than": lambda cell, max_value: cell.lt(max_value),
    "less_than_or_equal_to": lambda cell, max_value: cell.le(max_value),
    "isin": lambda cell, allowed_values: cell.is_in(list(allowed_values)),
    "notin": lambda cell, forbidden_values: cell.is_in(list(forbidden_values)).not_(),
    "str_startswith": lambda cell, string: cell.str.starts_with(string),
    "str_endswith": lambda cell, string: cell.str.ends_with(string),
}


@frozen
class Rule:
    """Something that every row has to fulfil.

    Attributes
    ----------
    name
        How pandera calls it, with its arguments.
    column
        Which column it is about.
    code
        "blank" for a missing value, otherwise "rule".
    holds
        True for rows that are right, False for others, never null; for a frame whose columns have
        the names that `plain` gives.
    skips_null
        Whether it says nothing about a missing value.
    is_of_nulls
        Whether it is broken by missing values, and by nothing else.
    reason
        What is told of a row that is not right.
    is_warning
        Whether such rows come in nevertheless.
    """

    name: str
    column: str
    code: Literal["blank", "rule"]
    holds: pl.Expr
    reason: str
    skips_null: bool = False
    is_of_nulls: bool = False
    is_warning: bool = False


@frozen
class WholeRule:
    """Something that is only known when all rows are.

    Attributes
    ----------
    columns
        Which columns it is about; none is the whole table.
    check
        A check of pandera; None if the rows have to be unique in *columns*.
    """

    name: str
    columns: tuple[str, ...]
    reason: str
    check: Any = None
    is_warning: bool = False

    @property
    def column(self) -> str | None:
        """The one column that it is about; None if there are none or several."""
        return self.columns[0] if len(self.columns) == 1 else None

    @property
    def code(self) -> str:
        """What kind of problem it is if it is not fulfilled."""
        return "unique" if self.check is None else "rule"


def plain(name: str) -> str:
    """Return a name that polars takes for nothing else: "*" would be all columns."""
    return f"={name}"


def row_rules(layout: Layout) -> list[Rule]:
    """Return the rules for single rows, in the order of the columns."""
    found: list[Rule] = []
    for name, column in layout.kept.items():
        if not column.is_nullable and column.default is None:
            found.append(_not_blank(name, column.dtype))
        found += [_rule(name, check) for check in column.checks if _is_known(check)]
    return found


def whole_rules(layout: Layout, schema: TableSchema) -> list[WholeRule]:
    """Return the rules for all rows together: those of columns, then those of the table."""
    found = list(_of_columns(layout))
    if schema.unique:
        found.append(_unique(schema.unique))
    found += [_whole((), check) for check in schema.checks]
    return found


def _of_columns(layout: Layout) -> Iterator[WholeRule]:
    for name, column in {**layout.kept, **layout.added}.items():
        if column.is_unique:
            yield _unique((name,))
        for check in column.checks:
            if name in layout.added or not _is_known(check):
                yield _whole((name,), check)


def _unique(columns: tuple[str, ...]) -> WholeRule:
    name = "unique" if len(columns) == 1 else f"unique({', '.join(columns)})"
    return WholeRule(name, columns, "is not unique")


def _whole(columns: tuple[str, ...], check: Any) -> WholeRule:
    name = _name(check)
    return WholeRule(
        name, columns, f"does not fulfil {name}", check, is_warning=bool(check.raise_warning)
    )


def _not_blank(name: str, dtype: pl.DataType) -> Rule:
    cell = pl.col(plain(name))
    holds = cell.is_not_null()
    reason = "is empty, and has to have a value"
    if dtype.is_float():  # as pandera has it
        holds = holds & cell.is_not_nan().fill_null(value=True)
        reason = "is empty or not a number, and has to have a value"
    is_of_nulls = not dtype.is_float()
    return Rule("not_nullable", name, "blank", holds, reason, is_of_nulls=is_of_nulls)


def _rule(name: str, check: Any) -> Rule:
    cell = pl.col(plain(name))
    holds = _expression(check.name, cell, check.statistics)
    called = _name(check)
    return Rule(
        called,
        name,
        "rule",
        holds.fill_null(value=bool(check.ignore_na)),
        f"does not fulfil {called}",
        skips_null=bool(check.ignore_na),
        is_warning=bool(check.raise_warning),
    )


def _expression(name: str, cell: pl.Expr, given: dict[str, Any]) -> pl.Expr:
    if name == "in_range":
        above = cell.ge(given["min_value"]) if given["include_min"] else cell.gt(given["min_value"])
        below = cell.le(given["max_value"]) if given["include_max"] else cell.lt(given["max_value"])
        return above & below
    if name == "str_length":
        return _length(cell.str.len_chars(), **given)
    if name in ("str_matches", "str_contains"):
        pattern = given["pattern"]
        text = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
        is_anchored = name == "str_contains" or text.startswith("^")
        return cell.str.contains(text if is_anchored else f"^{text}", literal=False)
    return _KNOWN[name](cell, **given)


def _length(
    length: pl.Expr,
    min_value: int | None = None,
    max_value: int | None = None,
    exact_value: int | None = None,
) -> pl.Expr:
    if exact_value is not None:
        return length.eq(exact_value)
    at_least = length.ge(min_value or 0)
    return at_least if max_value is None else at_least & length.le(max_value)


def _is_known(check: Any) -> bool:
    """Say whether a check is one of those that pandera brings, and not a function of the user."""
    is_brought = type(check._check_fn).__name__ == "Dispatcher" and not check.element_wise  # noqa: SLF001 - there is no other way to tell
    names = {*_KNOWN, "in_range", "str_length", "str_matches", "str_contains"}
    return is_brought and check.name in names and not check.groupby


def _name(check: Any) -> str:
    return str(check.error or check.name or "check")
