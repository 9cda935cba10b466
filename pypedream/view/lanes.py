"""Lanes: the dependencies of stages drawn in characters beside their list.

Each value goes down a lane of its own from the stage that makes it to the last stage that reads
it. A stage stands in a lane that ends with it, or opens a new one; one that nobody reads is a
ring::

    ●    load
    ├─●  check      reads load
    ●─╯  fill_gaps  reads load and check
    ├─○  plot       reads fill_gaps
    ○    table      reads fill_gaps
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MOST_LANES = 12
_TO_ASCII = str.maketrans("●○│─├┤┼╰╯┴", "*o|-+++'''")


@frozen
class LaneRow:
    """The characters beside one stage.

    Attributes
    ----------
    line
        In the line of the stage.
    below
        In further lines that belong to the stage.
    """

    line: str
    below: str

    def in_ascii(self) -> LaneRow:
        """Return the same in ASCII."""
        return LaneRow(self.line.translate(_TO_ASCII), self.below.translate(_TO_ASCII))


def lanes(needs: Mapping[str, Collection[str]]) -> list[LaneRow]:
    r"""Return the drawing, one row for each key, all equally wide.

    Parameters
    ----------
    needs
        From key to the keys that it reads, in the order of the list. What is read from further
        down the list, as on a cycle, is not drawn.

    Returns
    -------
    The rows; [] when there are so many lanes that nobody could follow them.

    Examples
    --------
    >>> diamond = {"load": [], "left": ["load"], "right": ["load"], "join": ["left", "right"]}
    >>> print("\n".join(row.line.rstrip() for row in lanes(diamond)))
    ●
    ├─●
    ● │
    ○─╯
    """
    last_readers = _last_readers(needs)
    taken: dict[int, str] = {}  # from lane to the key whose value is in it
    rows = []
    for key, read in needs.items():
        joined = {lane for lane, source in taken.items() if source in read}
        ending = {lane for lane in joined if last_readers[taken[lane]] == key}
        lane = min(ending) if ending else next(lane for lane in count() if lane not in taken)
        if lane >= MOST_LANES:
            return []
        above = set(taken)
        for ended in ending:
            del taken[ended]
        if key in last_readers:
            taken[lane] = key
        rows.append(_Row(lane, joined, above, set(taken)))
    width = max((lane for row in rows for lane in (row.lane, *row.above)), default=-1) + 1
    return [LaneRow(row.line(width), row.line_below(width)) for row in rows]


def _last_readers(needs: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the last reader of each key; keys that nobody reads further down are left out."""
    last: dict[str, str] = {}
    seen: set[str] = set()
    for key, read in needs.items():
        last.update((source, key) for source in read if source in seen)
        seen.add(key)
    return last


@frozen
class _Row:
    """One stage: its lane, the lanes that it reads, and those in use above and below it."""

    lane: int
    joined: Collection[int]
    above: Collection[int]
    below: Collection[int]

    def line(self, width: int) -> str:
        first, last = min({self.lane, *self.joined}), max({self.lane, *self.joined})
        cells = []
        for lane in range(width):
            cells.append(self._cell(lane, first, last))
            cells.append("─" if first <= lane < last else " ")
        return "".join(cells[:-1])

    def line_below(self, width: int) -> str:
        return " ".join("│" if lane in self.below else " " for lane in range(width))

    def _cell(self, lane: int, first: int, last: int) -> str:
        if lane == self.lane:
            return "●" if lane in self.below else "○"
        if lane in self.joined:
            return self._joint(lane, first, last)
        if lane in self.above:
            return "│"
        return "─" if first < lane < last else " "

    def _joint(self, lane: int, first: int, last: int) -> str:
        goes_on = lane in self.below
        if lane == first:
            return "├" if goes_on else "╰"
        if lane == last:
            return "┤" if goes_on else "╯"
        return "┼" if goes_on else "┴"
