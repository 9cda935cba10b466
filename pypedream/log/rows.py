"""Rows of a fixed number of values in one flat list, for what a run appends very often.

A list of tuples would make each row one more object that the garbage collector looks at again and
again: that cost more than writing the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, compress, repeat
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Rows"]

Row = TypeVar("Row", bound=tuple[Any, ...])


class Rows(Sequence[Row]):
    """A growing table; each row is a tuple again when it is read.

    Any thread may append, also while another one reads.

    Parameters
    ----------
    width
        How many values a row has.
    values
        The values of the first rows, one after the other.

    Attributes
    ----------
    append
        Appends one row, in one step. It does not look at the number of values.
    removed
        How many rows were taken out again.

    Examples
    --------
    >>> rows = Rows(2)
    >>> rows.append(("load", 1))
    >>> rows.append(("clean", 2))
    >>> rows[-1], len(rows)
    (('clean', 2), 2)
    """

    __slots__ = ("_values", "_width", "append", "removed")

    def __init__(self, width: int, values: list[Any] | None = None) -> None:
        self._width = width
        self._values: list[Any] = [] if values is None else values
        self.append: Callable[[Row], None] = self._values.extend
        self.removed = 0

    def __len__(self) -> int:
        return len(self._values) // self._width

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Rows[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Rows[Row]:
        wide = self._width
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                return Rows(wide, list(chain.from_iterable(list(self)[index])))
            return Rows(wide, self._values[start * wide : stop * wide])
        place = range(len(self))[index] * wide
        return tuple(self._values[place : place + wide])  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Row]:
        return zip(*[iter(self._values)] * self._width, strict=False)  # type: ignore[return-value]

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, Rows) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {self._width} values>"

    def column(self, place: int, start: int = 0, stop: int | None = None) -> list[Any]:
        """Return the values at *place* of the rows from *start* to before *stop*."""
        end = None if stop is None else stop * self._width
        return self._values[start * self._width + place % self._width : end : self._width]

    def keep(self, wanted: Sequence[bool]) -> None:
        """Take out, in one step, those of the first rows for which *wanted* says no."""
        every_value = chain.from_iterable(repeat(one, self._width) for one in wanted)
        kept = list(compress(self._values, every_value))
        self._values[: len(wanted) * self._width] = kept
        self.removed += len(wanted) - len(kept) // self._width

    def cut(self, start: int) -> None:
        """Take out the rows from *start* on."""
        self.removed += len(self) - start
        del self._values[start * self._width :]
