"""Axes: where values are along a line of a chart, and which of them are written there."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Final

from attrs import frozen

from pypedream.view.labels import width_of
from pypedream.view.sheet import SMALL
from pypedream.view.ticks import tick_texts, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

_PADDING: Final = 0.04
_LOG_RATIO: Final = 100.0
_LEAST_LOG: Final = 1e-300  # smaller numbers have fewer digits, and may become zero
_NEAR_ZERO: Final = 0.3
_BETWEEN: Final = 14.0  # two texts side by side


@frozen
class Axis:
    """A line from *start* to *end*, in units of the picture, for values from *low* to *high*.

    Attributes
    ----------
    is_whole
        Whether values are whole numbers, between which there is nothing.
    marks
        Values at which ticks are better than at round ones, if they have room.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False
    is_whole: bool = False
    marks: tuple[float, ...] = ()

    def at(self, value: float) -> float:
        """Return where a value is."""
        low, high, value = (self._scaled(one) for one in (self.low, self.high, value))
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Return at most so many round values, as places and texts."""
        found = self._powers(most) if self.is_log else ticks(self.low, self.high, most)
        if self.is_whole:
            found = [value for value in found if value == round(value)]
        texts = [f"{one:g}" for one in found] if self.is_log else tick_texts(found)
        return [(self.at(value), text) for value, text in zip(found, texts, strict=True)]

    def ticks_side_by_side(self) -> list[tuple[float, str]]:
        """Return as many ticks as can be written on a horizontal axis."""
        chosen = [(self.at(value), f"{value:.6g}") for value in self.marks]
        for found in (chosen, *map(self.ticks, range(8, 1, -1))):
            if not found:
                continue
            widest = max((width_of(text) * SMALL for _, text in found), default=0.0)
            places = sorted(place for place, _ in found)
            gaps = [after - before for before, after in pairwise(places)]
            if not gaps or min(gaps) >= widest + _BETWEEN:
                return found
        return self.ticks(2)[:1]

    def _scaled(self, value: float) -> float:
        return log10(value) if self.is_log else value

    def _powers(self, most: int) -> list[float]:
        low, high = log10(self.low), log10(self.high)
        for parts in ((1, 2, 5), (1,)):
            found = [
                part * 10.0**power
                for power in range(floor(low), ceil(high) + 1)
                for part in parts
                if self.low <= part * 10.0**power <= self.high
            ]
            if 1 < len(found) <= most:
                return found
        step = max(1, ceil((high - low) / max(1, most)))
        return [10.0**power for power in range(ceil(low), floor(high) + 1, step)]


def axis_of(values: Sequence[float], start: float, end: float, *, may_be_log: bool = False) -> Axis:
    """Return an axis on which all *values* are, with a little room at either end.

    Examples
    --------
    >>> round(axis_of([5, 10], 0, 100).at(7.5))
    50
    >>> axis_of([0.001, 0.01, 0.1, 1], 0, 100, may_be_log=True).is_log
    True
    """
    low, high = min(values), max(values)
    is_whole = all(isinstance(value, int) for value in values)
    if may_be_log and _is_spread_by_factors(values):
        room = (high / low) ** _PADDING
        return Axis(low / room, high * room, start, end, is_log=True, is_whole=is_whole)
    room = (high - low) * _PADDING or (0.5 if is_whole else abs(low) * 0.1) or 1.0
    if 0 <= low < high * _NEAR_ZERO and not may_be_log:
        return Axis(0.0, high + room, start, end, is_whole=is_whole)
    return Axis(low - room, high + room, start, end, is_whole=is_whole)


def _is_spread_by_factors(values: Sequence[float]) -> bool:
    low, high = min(values), max(values)
    if low < _LEAST_LOG or high / low < _LOG_RATIO:
        return False
    middle = sorted(values)[len(values) // 2]
    return middle < low + (high - low) / 4
