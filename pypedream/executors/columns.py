"""Columns: what very many calls are given, kept by argument.

A tuple for each call would cost as much as what it holds, here and where the calls are made. So one
is made only for who looks at a call by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

    Calls = Sequence[tuple[Any, ...]]

__all__ = ["Columns", "columns_of", "given_to"]


class Columns(Sequence[tuple[Any, ...]]):
    """The values of calls, as a sequence with a tuple for each call.

    Parameters
    ----------
    columns
        For each argument its values, one for each call.
    count
        How many calls there are.

    Examples
    --------
    >>> calls = Columns([["a", "b"], [1, 2]], 2)
    >>> calls[0], [*calls[1:]]
    (('a', 1), [('b', 2)])
    """

    __slots__ = ("_count", "columns")

    def __init__(self, columns: list[list[Any]], count: int) -> None:
        self.columns = columns
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> Columns: ...

    def __getitem__(self, index: int | slice) -> tuple[Any, ...] | Columns:
        if isinstance(index, slice):
            count = len(range(self._count)[index])
            return Columns([column[index] for column in self.columns], count)
        place = range(self._count)[index]
        return tuple([column[place] for column in self.columns])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        if not self.columns:
            return iter([()] * self._count)
        return zip(*self.columns, strict=True)

    def __repr__(self) -> str:
        return f"<{self._count} calls with {len(self.columns)} values>"


def columns_of(calls: Calls) -> list[list[Any]]:
    """Return for each argument its values, one for each call."""
    if isinstance(calls, Columns):
        return calls.columns
    return [[*column] for column in zip(*calls, strict=True)]


def given_to(calls: Calls) -> Sequence[Any]:
    """Return what each call gets as one thing: the value where there is one, else a tuple."""
    columns = columns_of(calls)
    return columns[0] if len(columns) == 1 else calls
