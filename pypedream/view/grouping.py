"""Grouping: frames around the stages that were included under one prefix.

A frame is drawn only where it holds its own stages and no others: a layout puts stages where
edges are short, and does not keep groups together at any price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.log.terminal import visible
from pypedream.view.chips import harmless
from pypedream.view.curves import number
from pypedream.view.labels import shortened, width_of
from pypedream.view.layout import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.view.description import Description

PADDING = 8.0
FONT, TAB = 10.5, 16.0  # of the tab that bears the name
_LINE = "#656f7d"


@frozen
class GroupFrame:
    """A rectangle around the stages of a group."""

    label: str
    box: Box


def group_frames(description: Description, boxes: Mapping[str, Box]) -> Iterator[GroupFrame]:
    """Yield the frames that can be drawn, outer ones before inner ones."""
    depths = {group.key: group.key.count(".") for group in description.groups}
    deepest = max(depths.values(), default=0)
    drawn: list[Box] = []
    for group in description.groups:
        inside = [node.key for node in description.nodes if _is_in(node.group, group.key)]
        around = PADDING * (1 + deepest - depths[group.key])
        frame = _around([boxes[key] for key in inside if key in boxes], around)
        others = [box for key, box in boxes.items() if key not in inside]
        if frame is None or any(_meet(frame, box) for box in others):
            continue
        if all(not _meet(frame, one) or _holds(one, frame) for one in drawn):
            drawn.append(frame)
            yield GroupFrame(group.label, frame)


def draw_group(group: GroupFrame) -> str:
    """Return a frame as SVG, with its name on a tab at the upper left corner."""
    label, box = shortened(visible(group.label), 22.0), group.box
    width = width_of(label) * FONT + 12.0
    x, y = number(box.x + 8), number(box.y - TAB / 2)
    return (
        f'<g><rect x="{number(box.x)}" y="{number(box.y)}" width="{number(box.width)}"'
        f' height="{number(box.height)}" rx="10" fill="#818b98" fill-opacity=".1"'
        f' stroke="{_LINE}" stroke-dasharray="2 3"/>'
        f'<rect x="{x}" y="{y}" width="{number(width)}" height="{number(TAB)}" rx="4"'
        f' fill="{_LINE}"/><text x="{number(box.x + 14)}" y="{number(box.y + 3.8)}"'
        f' font-size="{FONT}" fill="#fff">{harmless(label)}</text></g>'
    )


def _is_in(scope: str, group: str) -> bool:
    return scope == group or scope.startswith(f"{group}.")


def _around(boxes: list[Box], padding: float) -> Box | None:
    if not boxes:
        return None
    left, top = min(box.x for box in boxes) - padding, min(box.y for box in boxes) - padding
    right = max(box.x + box.width for box in boxes) + padding
    bottom = max(box.y + box.height for box in boxes) + padding
    return Box(left, top, right - left, bottom - top)


def _meet(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )
