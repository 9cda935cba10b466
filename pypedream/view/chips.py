"""Chips: the boxes of a picture, with a sign for the state, the name and the time."""

from __future__ import annotations

from html import escape
from math import ceil
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.log.durations import duration_text
from pypedream.log.terminal import visible
from pypedream.view.curves import number
from pypedream.view.labels import shortened, width_of
from pypedream.view.looks import look_of

if TYPE_CHECKING:
    from pypedream.view.description import Node
    from pypedream.view.layout import Box

FONT, HEIGHT = 13.0, 32.0
SMALL_FONT, SMALL_HEIGHT = 11.5, 24.0
WIDEST_LABEL = 22.0  # in units of the font size
PADDING = 12.0
SIGN = 20.0
CORNER = 7.0
BEHIND = 4.0  # how far the box behind a stack sticks out
_NOT_IN_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}  # of all that can be printed


@frozen
class Chip:
    """A node with what its size depends on."""

    node: Node
    label: str
    time: str
    font: float
    width: float
    height: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return self.width, self.height


def chip_of(node: Node, subject: str) -> Chip:
    """Measure a node of a pipeline, a plan or a run.

    The state of a stage does not change its size: while a run goes on, its picture keeps still.
    """
    label = shortened(visible(node.label), WIDEST_LABEL)
    if node.kind != "stage":
        width = _even(width_of(label) * SMALL_FONT + 2 * PADDING)
        return Chip(node, label, "", SMALL_FONT, width, SMALL_HEIGHT)
    time = duration_text(node.duration_s) if node.duration_s is not None else ""
    room = width_of(" 000/000") if node.is_mapped and subject == "run" else 0.0
    label = f"{label} {node.count}" if node.count else label
    width = max(0.0, room - width_of(f" {node.count}") * bool(node.count)) * FONT
    width += width_of(label) * FONT + 2 * PADDING
    if subject != "pipeline":
        width += SIGN
    if subject == "run":
        width += PADDING + max(width_of(time), width_of("00.0 s")) * SMALL_FONT
    return Chip(node, label, time, FONT, _even(width), HEIGHT)


def draw_chip(chip: Chip, box: Box, *, has_title: bool = True) -> str:
    """Return a chip as SVG; its title is what a reader sees who points at it."""
    look = look_of(chip.node.state, chip.node.kind)
    middle, left, right = box.y + box.height / 2, box.x + PADDING, box.x + box.width - PADDING
    baseline = middle + 0.36 * chip.font
    parts = [f"<title>{harmless(chip.node.tooltip)}</title>"] if has_title else []
    parts.append(_outline(chip, box))
    if look.drawing:
        parts.append(_sign(look.drawing, left, middle))
        parts.append(_written(chip.label, left + SIGN, baseline, chip.font, "start"))
    else:
        parts.append(_written(chip.label, (left + right) / 2, baseline, chip.font, "middle"))
    if chip.node.share is not None:
        parts.append(_progress(chip.node.share, left, right, box.y + box.height - 5))
    if chip.time:
        parts.append(_written(chip.time, right, baseline, SMALL_FONT, "end"))
    return f"<g>{''.join(parts)}</g>"


def harmless(text: str) -> str:
    """Return any text, of one line or of several, such that SVG shows it as it is."""
    lines = (visible(line).translate(_NOT_IN_XML) for line in text.split("\n"))
    return escape("\n".join(lines))


def _even(width: float) -> float:
    """Round up so that the middle is a whole number."""
    return 2.0 * ceil(width / 2)


def _outline(chip: Chip, box: Box) -> str:
    look = look_of(chip.node.state, chip.node.kind)
    corner = CORNER if chip.node.kind == "stage" else box.height / 2
    broken = ' stroke="#aab4c0" stroke-dasharray="4 3"' if look.is_faint else ""
    shape = f'width="{number(box.width)}" height="{number(box.height)}" rx="{number(corner)}"'
    front = f'<rect x="{number(box.x)}" y="{number(box.y)}" {shape} fill="{look.fill}"{broken}/>'
    if not (chip.node.is_mapped or chip.node.is_bundle):
        return front
    x, y = number(box.x + BEHIND), number(box.y + BEHIND)
    back = f'<rect x="{x}" y="{y}" {shape} fill="{look.fill}" fill-opacity=".45"/>'
    return back + front


def _sign(drawing: str, x: float, middle: float) -> str:
    return (
        f'<path transform="translate({number(x)} {number(middle - 6)})" d="{drawing}" fill="none"'
        ' stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _progress(share: float, left: float, right: float, y: float) -> str:
    """Return a line at the foot of a box, as long as what is done."""
    end = left + share * (right - left)
    return "".join(
        f'<path d="M{number(left)},{number(y)}H{number(x)}" stroke="#fff" stroke-width="2.5"'
        f' stroke-opacity="{opacity}"/>'
        for x, opacity in ((right, ".3"), (end, ".9"))
    )


def _written(text: str, x: float, y: float, font: float, anchor: str) -> str:
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(font)}" fill="#fff"'
        f' text-anchor="{anchor}">{harmless(text)}</text>'
    )
