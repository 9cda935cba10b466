"""Bars: a plot of runs or rows by words, one bar for each of them.

The length of a bar means something only if it begins at zero. Where that would hide how the values
differ, each has a dot on a line instead.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from pypedream.engine.runs_text import cell
from pypedream.view.axes import Axis, axis_of
from pypedream.view.curves import number
from pypedream.view.labels import width_of
from pypedream.view.looks import HUES
from pypedream.view.plot_frame import (
    MARGIN,
    TOP,
    WIDTH,
    height_of,
    label,
    notes_of,
    title_of,
    x_axis,
)
from pypedream.view.sheet import SMALL, sheet, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.view.plotted import Plotted, Point

_ROW: Final = 26.0
_BAR: Final = 16.0
_MOST: Final = 24
_MOST_DOTS: Final = 400
_CLOSE: Final = 0.25


def bar_plot(found: Plotted) -> tuple[str, str]:
    """Return the picture, and what it shows in words."""
    every = _bars(found)
    bars = dict(list(every.items())[:_MOST])
    notes = list(found.notes)
    if len(every) > _MOST:
        notes.append(f"{_MOST} of {len(every)} values of {found.x[0]} are drawn")
    values = [value for each in bars.values() for value in each]
    is_close = _are_close(values)
    if len(values) > len(bars):
        large = "large dot" if is_close else "bar"
        notes.append(f"a {large} is the mean of its {found.thing}s, which are the small dots")
    left = MARGIN + max(map(width_of, bars)) * SMALL + 10
    texts = {name: f"{fmean(values):.4g}" for name, values in bars.items()}
    room = max(map(width_of, texts.values())) * SMALL + 12
    bottom = TOP + _ROW * len(bars)
    axis = _axis(values, left, WIDTH - MARGIN - room, has_zero=not is_close)
    about = f"{found.title}: " + "; ".join(f"{name}: {text}" for name, text in texts.items())
    below = bottom + 44
    return sheet(
        (WIDTH, below + height_of(notes)),
        found.title,
        about,
        [
            title_of(found),
            *x_axis(axis, TOP, bottom, found.y),
            *_drawn(bars, texts, axis, _hues(found), is_close=is_close),
            *notes_of(notes, below),
        ],
    ), about


def _bars(found: Plotted) -> dict[str, list[float]]:
    """Return the values of each bar, in the order in which they came."""
    bars: dict[str, list[float]] = {}
    for point in found.points:
        bars.setdefault(_name(point, found.by), []).append(point.y)
    return bars


def _hues(found: Plotted) -> dict[str, str]:
    """Return the colour of each bar: the same for the same line."""
    lines = {line: number for number, line in enumerate(dict.fromkeys(_lines(found)))}
    pairs = zip(found.points, _lines(found), strict=True)
    return {_name(point, found.by): HUES[lines[line] % len(HUES)] for point, line in pairs}


def _lines(found: Plotted) -> list[str]:
    return [cell(point.line) for point in found.points]


def _name(point: Point, by: str) -> str:
    name = label(point.x[0], 16)
    return f"{name}, {label(point.line, 8)}" if by else name


def _are_close(values: Sequence[float]) -> bool:
    """Say whether all values are so far from zero that bars would look the same."""
    low, high = min(values), max(values)
    least = min(abs(low), abs(high))
    return low * high > 0 and 0 < high - low < _CLOSE * least


def _axis(values: Sequence[float], start: float, end: float, *, has_zero: bool) -> Axis:
    if not has_zero:
        return axis_of(values, start, end, may_be_log=False)
    axis = axis_of([*values, 0.0], start, end)
    low, high = (axis.low if min(values) < 0 else 0.0), (axis.high if max(values) > 0 else 0.0)
    return Axis(low, high if high > low else 1.0, start, end)


def _drawn(
    bars: Mapping[str, Sequence[float]],
    texts: Mapping[str, str],
    axis: Axis,
    hues: Mapping[str, str],
    *,
    is_close: bool,
) -> Iterator[str]:
    zero = axis.start if is_close else axis.at(0.0)
    dots = ""
    for place, (name, values) in enumerate(bars.items()):
        middle, end = TOP + _ROW * (place + 0.5), axis.at(fmean(values))
        yield written(name, axis.start - 10, middle + 4, text_anchor="end")
        hue = hues[name]
        yield _line(axis, middle, end, hue) if is_close else _bar(middle, zero, end, hue)
        shown = [axis.at(value) for value in values[: _MOST_DOTS // len(bars)]]
        if is_close or len(shown) > 1:
            yield written(texts[name], WIDTH - MARGIN, middle + 4, text_anchor="end")
        else:
            yield written(texts[name], max(end, zero) + 9, middle + 4)
        if len(shown) > 1:
            dots += "".join(f"M{number(x)} {number(middle)}h0" for x in shown)
    if dots:
        yield f'<path class="t" d="{dots}" stroke-width="4" stroke-linecap="round"/>'
    if not is_close:
        yield f'<path class="a" d="M{number(zero)} {number(TOP)}v{number(_ROW * len(bars))}"/>'


def _bar(middle: float, zero: float, end: float, hue: str) -> str:
    x, width = min(zero, end), max(1.0, abs(end - zero))
    return (
        f'<rect x="{number(x)}" y="{number(middle - _BAR / 2)}" width="{number(width)}"'
        f' height="{number(_BAR)}" rx="2" fill="{hue}"/>'
    )


def _line(axis: Axis, middle: float, end: float, hue: str) -> str:
    return (
        f'<path class="g" d="M{number(axis.start)} {number(middle)}H{number(axis.end)}"/>'
        f'<path d="M{number(end)} {number(middle)}h0" stroke="{hue}" stroke-width="11"'
        ' stroke-linecap="round"/>'
    )
