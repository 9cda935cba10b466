"""The frame of a plot: its title, its axes, what its colours mean, and notes below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pypedream.engine.runs_text import cell
from pypedream.log.terminal import visible
from pypedream.view.curves import number
from pypedream.view.labels import shortened, width_of
from pypedream.view.looks import HUES
from pypedream.view.sheet import SMALL, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.view.axes import Axis
    from pypedream.view.plotted import Plotted

WIDTH: Final = 620.0
MARGIN: Final = 14.0
TOP: Final = 36.0
LINE: Final = 18.0
TITLE: Final = 13.0
DASHES: Final = ("", "8 3", "2 3", "10 3 2 3", "5 5", "1 5", "12 4", "6 2 2 2")
_WIDEST = 22.0  # in units of the font size


def label(value: Any, most: float = _WIDEST) -> str:
    """Return a value of a parameter in at most so much room, in units of the font size."""
    return shortened(visible(cell(value) or "none"), most)


def title_of(found: Plotted) -> str:
    """Return what is plotted by what, above the plot."""
    text = shortened(visible(found.title), (WIDTH - 2 * MARGIN) / TITLE / 1.1)
    return written(text, MARGIN, 24, font_size=number(TITLE), font_weight="600")


def notes_of(notes: Sequence[str], bottom: float) -> Iterator[str]:
    """Yield notes line by line, down from *bottom*."""
    for place, note in enumerate(notes):
        text = shortened(visible(note), (WIDTH - 2 * MARGIN) / SMALL)
        yield written(text, MARGIN, bottom + LINE * (place + 0.7), "d")


def height_of(notes: Sequence[str]) -> float:
    """Return how much room notes take."""
    return LINE * len(notes) + 6 if notes else 0.0


def x_axis(axis: Axis, top: float, bottom: float, name: str) -> Iterator[str]:
    """Yield a horizontal axis: its grid, its ticks, and below them its name."""
    found = axis.ticks_side_by_side()
    lines = "".join(f"M{number(x)} {number(top)}V{number(bottom + 4)}" for x, _ in found)
    yield f'<path class="g" d="{lines}"/>'
    for x, text in found:
        half = width_of(text) * SMALL / 2
        middle = min(max(x, half + 2), WIDTH - half - 2)
        yield written(text, middle, bottom + 17, "d", text_anchor="middle")
    middle = (axis.start + axis.end) / 2
    text = shortened(visible(name), (axis.end - axis.start) / SMALL)
    yield written(text, middle, bottom + 34, text_anchor="middle")


def y_axis(left: float, right: float, ticks: Sequence[tuple[float, str]]) -> str:
    """Return the grid and the ticks of a vertical axis."""
    lines = "".join(f"M{number(left - 4)} {number(y)}H{number(right)}" for y, _ in ticks)
    texts = (written(text, left - 8, y + 4, "d", text_anchor="end") for y, text in ticks)
    return "".join([f'<path class="g" d="{lines}"/>', *texts])


def key_of(by: str, lines: Sequence[Any], top: float) -> tuple[list[str], float]:
    """Return what the lines stand for, in one row or several, and where these end."""
    text = shortened(visible(by), _WIDEST)
    parts, x, y = [written(text, MARGIN, top + 12, "d")], MARGIN, top
    x += width_of(text) * SMALL + 14
    for place, value in enumerate(lines):
        name = label(value)
        width = 30 + width_of(name) * SMALL
        if x + width > WIDTH - MARGIN:
            x, y = MARGIN, y + LINE
        dash = f' stroke-dasharray="{DASHES[place]}"' if DASHES[place] else ""
        colour, cap = HUES[place], cap_of(place)
        parts.append(
            f'<path d="M{number(x)} {number(y + 8)}h24" stroke="{colour}" stroke-width="2"'
            f'{dash}/><path d="M{number(x + 12)} {number(y + 8)}h0" stroke="{colour}"'
            f' stroke-width="7" stroke-linecap="{cap}"/>'
        )
        parts.append(written(name, x + 30, y + 12))
        x += width + 16
    return parts, y + LINE + 4


def cap_of(place: int) -> str:
    """Return how the dots of a line are drawn: as circles and squares by turns."""
    return "square" if place % 2 else "round"
