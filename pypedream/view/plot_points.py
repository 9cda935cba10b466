"""Points: a plot of runs or rows by numbers, or in their order; joined where that means something.

What joins runs is that nothing else differs between them.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from pypedream.engine.runs_text import cell
from pypedream.view.axes import axis_of
from pypedream.view.curves import number
from pypedream.view.labels import width_of
from pypedream.view.looks import HUES
from pypedream.view.plot_frame import (
    DASHES,
    MARGIN,
    TOP,
    WIDTH,
    cap_of,
    height_of,
    key_of,
    notes_of,
    title_of,
    x_axis,
    y_axis,
)
from pypedream.view.plotted import MOST_LINES
from pypedream.view.sheet import SMALL, sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.view.axes import Axis
    from pypedream.view.plotted import Plotted, Point

_HIGH: Final = 230.0
_MOST: Final = 500
_MOST_JOINED: Final = 200
_MOST_DOTTED: Final = 60
_MOST_MARKS, _LONGEST = 10, 6
_Lines = dict[str, "list[Point]"]


def point_plot(found: Plotted) -> tuple[str, str]:
    """Return the picture, and what it shows in words."""
    lines, notes = _lines(found)
    key: list[str] = []
    top = TOP
    if found.by:
        key, top = key_of(found.by, [points[0].line for points in lines.values()], TOP)
    bottom = top + _HIGH
    shown = [point for points in lines.values() for point in points]
    y = axis_of([point.y for point in shown], bottom, top)
    y_ticks = y.ticks(6)
    left = MARGIN + max((width_of(text) for _, text in y_ticks), default=0.0) * SMALL + 10
    places = [point.x[0] for point in shown]
    x = axis_of(places, left, WIDTH - MARGIN, may_be_log=bool(found.x))
    x = evolve(x, marks=_marks(places))
    name = found.x[0] if found.x else f"{found.thing}, from the first"
    about = _in_words(found)
    below = bottom + 44
    return sheet(
        (WIDTH, below + height_of(notes)),
        found.title,
        about,
        [
            title_of(found),
            *key,
            y_axis(left, WIDTH - MARGIN, y_ticks),
            *x_axis(x, top, bottom, f"{name}, log scale" if x.is_log else name),
            *_drawn(lines, x, y, found),
            *notes_of(notes, below),
        ],
    ), about


def _marks(places: Sequence[float]) -> tuple[float, ...]:
    """Return the values that somebody chose: few, and short."""
    values = sorted(set(places))
    is_chosen = len(values) <= _MOST_MARKS and all(len(cell(one)) <= _LONGEST for one in values)
    return tuple(values) if is_chosen else ()


def _lines(found: Plotted) -> tuple[_Lines, list[str]]:
    """Return the points by line, as many as can be told apart, and what is to be said of it."""
    lines: _Lines = {}
    for point in _some(found.points):
        lines.setdefault(cell(point.line), []).append(point)
    notes = list(found.notes)
    if found.is_line and any(len(_means(points)) < len(points) for points in lines.values()):
        notes.append(f"a line leads through the means of {found.thing}s at the same place")
    if len(found.points) > _MOST:
        notes.append(f"{_MOST} of {found.count} are drawn")
    if len(lines) > MOST_LINES:
        notes.append(f"{MOST_LINES} of {len(lines)} values of {found.by} are drawn")
    return dict(list(lines.items())[:MOST_LINES]), notes


def _some(points: Sequence[Point]) -> Sequence[Point]:
    """Return so many points, evenly chosen, that each can be seen."""
    if len(points) <= _MOST:
        return points
    return [points[place * len(points) // _MOST] for place in range(_MOST)]


def _drawn(lines: _Lines, x: Axis, y: Axis, found: Plotted) -> Iterator[str]:
    most = _MOST_JOINED if found.thing == "run" else _MOST
    for place, points in enumerate(lines.values()):
        colour, means = HUES[place], _means(points)
        is_joined = found.is_line and 1 < len(means) <= most
        if is_joined:
            way = "L".join(f"{number(x.at(one))} {number(y.at(mean))}" for one, mean in means)
            dash = f' stroke-dasharray="{DASHES[place]}"' if DASHES[place] else ""
            yield f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        if is_joined and found.thing != "run" and len(means) > _MOST_DOTTED:
            continue
        dots = "".join(f"M{number(x.at(one.x[0]))} {number(y.at(one.y))}h0" for one in points)
        look = f'stroke-width="7" stroke-linecap="{cap_of(place)}"'
        yield f'<path d="{dots}" stroke="{colour}" {look}/>'


def _means(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return the mean of what has the same place, from left to right."""
    values: dict[Any, list[float]] = {}
    for point in points:
        values.setdefault(point.x[0], []).append(point.y)
    return [(place, fmean(values[place])) for place in sorted(values)]


def _in_words(found: Plotted) -> str:
    """Say what the plot shows, for those who cannot see it."""
    least, most = (choose(found.points, key=lambda one: one.y) for choose in (min, max))
    where = found.x[0] if found.x else found.thing
    ends = (f"{one.y:.6g} at {where} {cell(one.x[0])}" for one in (least, most))
    low, high = ends
    return f"{found.title}, {found.count}: lowest {low}, highest {high}"
