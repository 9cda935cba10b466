"""Placing: how far to the right each slot of a row is.

Every slot is drawn towards its neighbours in other rows, and no two slots of a row come closer
than they may. For one row the best places are found exactly: it is a regression with an order to
keep, and slots that would overlap are pooled and moved as one. Then strands, which are what leads
on without a branch, are made straight wherever there is room: the eye follows a straight line.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pypedream.view.rows import Rows, Slot

    Wish = tuple[float, float]  # where a slot wants to be, and how much

BESIDE_PASSAGE = 16.0  # the least distance of a line from a box, or from another line
ROUNDS = 10
STIFFNESS = 8.0  # how much more a passage is drawn to the next passage than a box to a box
LOOSE = 0.01
SNAP = 36.0


def place(rows: Rows, trunks: Iterable[Sequence[Slot]], spacing: float) -> None:
    """Give every slot its x: whole numbers, such that the leftmost slot begins at 0.

    Parameters
    ----------
    rows
        Slots in the order in which they stand; it is kept.
    trunks
        Passages that should be straight, from top to bottom.
    spacing
        The least distance of two boxes.
    """
    _relax(rows, spacing)
    for strand in sorted([*trunks, *_strands(rows)], key=len, reverse=True):
        _straighten(strand, rows, spacing)
    for row in rows:
        for slot in row:
            _snap(slot, row, spacing)
    left = min((slot.x - slot.width / 2 for row in rows for slot in row), default=0.0)
    for row in rows:
        for slot in row:
            slot.x = round(slot.x - left)


def _relax(rows: Rows, spacing: float) -> None:
    """Draw every slot towards its neighbours, row by row, down and up in turn."""
    for row in rows:
        _settle(row, [(0.0, 1.0)] * len(row), spacing)
    for number in range(ROUNDS):
        for row in rows if number % 2 == 0 else reversed(rows):
            # at first there is only one side that is placed already
            wishes = [_wish(slot, above=number != 1, below=number != 0) for slot in row]
            _settle(row, wishes, spacing)


def _wish(slot: Slot, *, above: bool, below: bool) -> Wish:
    total = weighted = 0.0
    for other in (*(slot.above if above else ()), *(slot.below if below else ())):
        weight = STIFFNESS if slot.is_passage and other.is_passage else 1.0
        total += weight
        weighted += weight * other.x
    return (weighted / total, total) if total else (slot.x, LOOSE)


def _settle(row: Sequence[Slot], wishes: Sequence[Wish], spacing: float) -> None:
    """Place a row as near to the wishes as the distances allow, in the sense of least squares."""
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + _distance(left, right, spacing))
    pools: list[tuple[float, float, int]] = []  # where a pool begins, its weight, and its size
    for (wanted, weight), offset in zip(wishes, offsets, strict=True):
        pool = (wanted - offset, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            pool = _pooled(pools.pop(), pool)
        pools.append(pool)
    starts = [start for start, _, size in pools for _ in range(size)]
    for slot, start, offset in zip(row, starts, offsets, strict=True):
        slot.x = start + offset


def _pooled(
    left: tuple[float, float, int], right: tuple[float, float, int]
) -> tuple[float, float, int]:
    weight = left[1] + right[1]
    start = (left[0] * left[1] + right[0] * right[1]) / weight
    return start, weight, left[2] + right[2]


def _distance(left: Slot, right: Slot, spacing: float) -> float:
    """Return how far apart the middles of two neighbours are at least."""
    gap = BESIDE_PASSAGE if left.is_passage or right.is_passage else spacing
    return (left.width + right.width) / 2 + gap


def _room(slot: Slot, row: Sequence[Slot], spacing: float) -> tuple[float, float]:
    """Return how far to the left and to the right a slot could go."""
    low, high = float("-inf"), float("inf")
    if slot.position > 0:
        left = row[slot.position - 1]
        low = left.x + _distance(left, slot, spacing)
    if slot.position + 1 < len(row):
        right = row[slot.position + 1]
        high = right.x - _distance(slot, right, spacing)
    return low, high


def _strands(rows: Rows) -> Iterator[list[Slot]]:
    """Yield the longest runs of slots of which each leads to the next and nowhere else."""
    for row in rows:
        for slot in row:
            if _leads_on(slot) and not (len(slot.above) == 1 and _leads_on(slot.above[0])):
                strand = [slot]
                while _leads_on(strand[-1]):
                    strand.append(strand[-1].below[0])
                yield strand


def _leads_on(slot: Slot) -> bool:
    return len(slot.below) == 1 and len(slot.below[0].above) == 1


def _straighten(strand: Sequence[Slot], rows: Rows, spacing: float) -> None:
    """Move slots to one x; where there is no room for that, to as few as possible."""
    start = 0
    while start < len(strand):
        low, high, end = float("-inf"), float("inf"), start
        for slot in strand[start:]:
            left, right = _room(slot, rows[slot.layer], spacing)
            if max(low, left) > min(high, right):
                break
            low, high, end = max(low, left), min(high, right), end + 1
        if end == start:  # no room at all: this one stays where it is
            end += 1
        else:
            x = _common(strand[start:end], low, high)
            for slot in strand[start:end]:
                slot.x = x
        start = end


def _common(straight: Sequence[Slot], low: float, high: float) -> float:
    """Return the x for slots in one line: that of a box at either end of it, if possible."""
    middle: float = sum(slot.x for slot in straight) / len(straight)
    first, last = straight[0], straight[-1]
    ends: list[Slot] = [
        *(first.above if first.is_passage else ()),
        *(last.below if last.is_passage else ()),
    ]
    fitting = [end.x for end in ends if low <= end.x <= high]
    if fitting:
        return min(fitting, key=lambda x: abs(x - middle))
    return min(max(middle, low), high)


def _snap(slot: Slot, row: Sequence[Slot], spacing: float) -> None:
    """Move a box straight below or above its nearest neighbour, if it is nearly there."""
    neighbours = [*slot.above, *slot.below]
    if slot.is_passage or not neighbours:
        return
    nearest = min(neighbours, key=lambda one: abs(one.x - slot.x))
    low, high = _room(slot, row, spacing)
    if abs(nearest.x - slot.x) <= SNAP and low <= nearest.x <= high:
        slot.x = nearest.x
