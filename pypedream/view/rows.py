"""Rows: the boxes of a layout side by side, with a passage wherever a long edge goes through.

An edge that spans several layers passes each layer between through a slot of its own, so that it
never runs behind a box. Edges that leave the same box share their passages. The order within the
rows is what makes edges cross or not; it is improved by sweeps that put each slot where its
neighbours in the row before, or after, are on average.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING

from attrs import Factory, define

if TYPE_CHECKING:
    from collections.abc import Sequence

    Edge = tuple[str, str]
    Rows = list[list["Slot"]]

HUGE = 2000  # slots
PATIENCE = 4  # sweeps without fewer crossings before the search ends


@define(eq=False)
class Slot:
    """A place in a row: a box, or a passage, which is where long edges go through the row.

    Attributes
    ----------
    key
        The box; "" for a passage.
    width
        Of the box; 0 for a passage.
    above, below
        Slots in the rows before and after that an edge joins to this one.
    position
        Index in the row.
    x
        Middle of the slot.
    """

    layer: int
    key: str = ""
    width: float = 0.0
    above: list[Slot] = Factory(list)
    below: list[Slot] = Factory(list)
    position: int = 0
    x: float = 0.0

    @property
    def is_passage(self) -> bool:
        """Whether edges only pass here."""
        return not self.key


@define(eq=False)
class Network:
    """Slots and how edges go through them.

    Attributes
    ----------
    ways
        For each edge the slots from its source to its target, both included.
    trunks
        The passages that edges share, one list for each source, from top to bottom.
    """

    slots: dict[str, Slot]
    ways: dict[Edge, list[Slot]] = Factory(dict)
    trunks: dict[Edge, list[Slot]] = Factory(dict)

    def add(self, edge: Edge, *, is_shared: bool) -> None:
        """Lead an edge through the rows, along passages that are there if it may share them."""
        source, target = self.slots[edge[0]], self.slots[edge[1]]
        trunk = self.trunks.setdefault((edge[0], "" if is_shared else edge[1]), [])
        for layer in range(source.layer + 1 + len(trunk), target.layer):
            passage = Slot(layer)
            _join(trunk[-1] if trunk else source, passage)
            trunk.append(passage)
        way = [source, *trunk[: target.layer - source.layer - 1], target]
        _join(way[-2], target)
        self.ways[edge] = way

    def rows(self) -> Rows:
        """Return the slots of each layer in the order in which a walk down the edges meets them."""
        count = max((slot.layer for slot in self.slots.values()), default=-1) + 1
        rows: Rows = [[] for _ in range(count)]
        met: set[int] = set()
        waiting = list(reversed(self.slots.values()))
        while waiting:
            slot = waiting.pop()
            if id(slot) not in met:
                met.add(id(slot))
                rows[slot.layer].append(slot)
                waiting.extend(reversed(slot.below))
        return rows


def _join(upper: Slot, lower: Slot) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def in_good_order(rows: Rows) -> Rows:
    """Return the rows in the order with the fewest crossings that some sweeps find.

    Where the sweeps end depends on where they begin. So they begin four times: downwards and
    upwards, from the given order and from its mirror image. The given order wins a draw. In a
    huge picture, which nobody reads edge by edge, they begin once.
    """
    best, fewest = rows, _number(rows)
    mirrored = [row[::-1] for row in rows]
    starts = [(rows, True), (rows, False), (mirrored, True), (mirrored, False)]
    for start, is_down in starts if sum(map(len, rows)) <= HUGE else starts[:1]:
        found, crossings = _improved(start, is_down=is_down)
        if crossings < fewest:
            best, fewest = found, crossings
    _number(best)
    return best


def _improved(rows: Rows, *, is_down: bool) -> tuple[Rows, int]:
    """Sweep down and up in turn until that has not helped for some time."""
    best, fewest = rows, _number(rows)
    patience = PATIENCE
    while fewest and patience:
        rows = _swept(rows, is_down=is_down)
        is_down = not is_down
        crossings = _number(rows)
        patience = PATIENCE if crossings < fewest else patience - 1
        if crossings < fewest:
            best, fewest = rows, crossings
    return best, fewest


def _number(rows: Rows) -> int:
    """Give every slot its position; return how many edges cross."""
    for row in rows:
        for position, slot in enumerate(row):
            slot.position = position
    return sum(map(_crossings, rows))


def _crossings(row: Sequence[Slot]) -> int:
    """Count the crossings below a row: pairs of edges whose ends are in opposite order."""
    count = 0
    met: list[int] = []
    for slot in row:
        positions = sorted(below.position for below in slot.below)
        count += sum(len(met) - bisect_right(met, position) for position in positions)
        for position in positions:
            insort(met, position)
    return count


def _swept(rows: Rows, *, is_down: bool) -> Rows:
    """Sort row by row, each by its neighbours in the row that was sorted before."""
    if is_down:
        return [_sorted_by([slot.above for slot in row], row) for row in rows]
    return [_sorted_by([slot.below for slot in row], row) for row in reversed(rows)][::-1]


def _sorted_by(neighbours: Sequence[Sequence[Slot]], row: Sequence[Slot]) -> list[Slot]:
    """Sort by the mean position of the neighbours; slots without any stay where they are."""
    means = {
        slot.position: sum(one.position for one in ones) / len(ones)
        for slot, ones in zip(row, neighbours, strict=True)
        if ones
    }
    moved = iter(sorted(means, key=means.__getitem__))
    ordered = [
        row[next(moved)] if position in means else row[position] for position in range(len(row))
    ]
    for position, slot in enumerate(ordered):
        slot.position = position
    return ordered
