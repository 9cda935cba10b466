"""Curves: from the points of a route to what an SVG path says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.view.layout import Box, Point

ARROW = 7.0
LOOP = 24.0
_BEND = 8.0


class Piece(NamedTuple):
    """A straight or curved piece of a line, as text."""

    start: str
    command: str
    end: str


@frozen
class Line:
    """An edge on its way: its pieces, and the triangle at its end."""

    pieces: tuple[Piece, ...]
    arrow: str


def line_through(points: Sequence[Point], *, is_sideways: bool) -> Line:
    """Return the line of a route; it leaves and arrives along the direction of the layers.

    Examples
    --------
    >>> line_through([(0, 0), (40, 50)], is_sideways=False).pieces
    (Piece(start='0,0', command='C0,21.5 40,21.5 40,43', end='40,43'),)
    """
    axis = 0 if is_sideways else 1
    tip = points[-1]
    base = _moved(tip, axis, -ARROW if tip[axis] > points[-2][axis] else ARROW)
    pieces = tuple(_piece(start, end, axis) for start, end in pairwise([*points[:-1], base]))
    return Line(pieces, _triangle(tip, base, axis))


def loop_at(box: Box) -> Line:
    """Return a line from a box to itself, at its right side."""
    x, y = box.x + box.width, box.y + box.height / 2
    start, tip, base = (x, y - _BEND), (x, y + _BEND), (x + ARROW, y + _BEND)
    bends = f"{at((x + LOOP, y - 2 * _BEND))} {at((x + LOOP, y + _BEND))}"
    return Line((Piece(at(start), f"C{bends} {at(base)}", at(base)),), _triangle(tip, base, 0))


def path_of(pieces: Sequence[Piece]) -> str:
    """Return the data of one path; where a piece does not go on from the last, it starts anew."""
    path, place = "", ""
    for piece in pieces:
        path += piece.command if piece.start == place else f"M{piece.start}{piece.command}"
        place = piece.end
    return path


def at(point: Point) -> str:
    """Return a point as text."""
    return f"{number(point[0])},{number(point[1])}"


def number(value: float) -> str:
    """Return a number with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def _piece(start: Point, end: Point, axis: int) -> Piece:
    if start[1 - axis] == end[1 - axis]:
        return Piece(at(start), f"L{at(end)}", at(end))
    half = (end[axis] - start[axis]) / 2
    bends = f"{at(_moved(start, axis, half))} {at(_moved(end, axis, -half))}"
    return Piece(at(start), f"C{bends} {at(end)}", at(end))


def _triangle(tip: Point, base: Point, axis: int) -> str:
    left, right = _moved(base, 1 - axis, -ARROW / 2), _moved(base, 1 - axis, ARROW / 2)
    return f"M{at(tip)}L{at(left)} {at(right)}Z"


def _moved(point: Point, axis: int, distance: float) -> Point:
    x, y = point
    return (x + distance, y) if axis == 0 else (x, y + distance)
