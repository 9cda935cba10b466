"""Problems: what is wrong with a file, a row or a cell, and how a list of them is told.

The codes are stable, so that a program can tell them apart::

    no-folder folder no-match many-matches extra-file            a folder of files
    empty-file line-ends separator encoding changed unreadable   a file as a whole
    missing-column extra-column duplicate-column unnamed-column  its header
    column-order no-column late-header
    short-row long-row quotes nul encoding                       a row that cannot be read
    type                                                         a cell that is not of its dtype
    blank rule unique                                            what the schema asks for
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import IngestError
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MOST_KEPT", "Problem", "error_of"]

MOST_KEPT = 10_000
"""How many problems an error carries."""

_MOST_SHOWN = 20
_LONGEST_VALUE = 60


@frozen
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    code
        What kind of thing; see the list above.
    reason
        The same in words.
    file
        Name of the file.
    line
        The line of the file, the first is 1; None if it is not about a line.
    row
        The row, the first below the header is 1; None if it is not about a row.
    column
        Name of the column, None if it is about the whole row.
    value
        The text of the cell as it is in the file; None if it is empty or about no cell.
    rule
        The rule of the schema, as it is called in the statistics.
    record
        The whole row as it is in the file.
    """

    code: str
    reason: str
    file: str = ""
    line: int | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None
    rule: str | None = None
    record: str | None = None

    def __str__(self) -> str:
        where = [
            f"line {self.line}" if self.line is not None else "",
            f"row {self.row}" if self.row is not None and self.line is None else "",
            f'column "{self.column}"' if self.column is not None else "",
        ]
        place = ", ".join(part for part in where if part)
        value = "" if self.value is None else f"{short(self.value, _LONGEST_VALUE)} "
        return f"{place + ': ' if place else ''}{value}{self.reason}  [{self.code}]"


def error_of(
    file: str,
    problems: Sequence[Problem],
    *,
    counts: Mapping[str, int] | None = None,
    head: str = "",
    to_go_on: str = "",
) -> IngestError:
    """Return the error that tells of problems.

    Parameters
    ----------
    file
        What they are about, for the first line.
    counts
        How many there are by code, if these are not all.
    head
        What the first line says besides how many there are.
    to_go_on
        The last line.
    """
    by_code = dict(counts if counts is not None else Counter(each.code for each in problems))
    count = sum(by_code.values())
    first = f"{file}: {_counted(count, 'problem')}{head}"
    lines = [first, *(f"  {each}" for each in problems[:_MOST_SHOWN])]
    if count > _MOST_SHOWN:
        parts = ", ".join(f"{number:,} {code}" for code, number in sorted(by_code.items()))
        lines.append(f"  ... {count - _MOST_SHOWN:,} more ({parts}): see the error's .table")
    if to_go_on:
        lines.append(to_go_on)
    return IngestError("\n".join(lines), problems=problems[:MOST_KEPT], counts=by_code)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + "s" * (number != 1)
