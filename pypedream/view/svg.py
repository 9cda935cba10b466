"""SVG: a pipeline, a plan or a run as one self-contained picture.

No script, no style sheet, no address and no font comes from anywhere else, and nothing in it has
an id: it can stand in a page beside others. The background is left out. Boxes have fills of
their own and edges are mid-grey, so that it reads well on light and on dark pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import frozen

from pypedream.view.chips import Chip, chip_of, draw_chip, harmless
from pypedream.view.curves import LOOP, Line, Piece, line_through, loop_at, number, path_of
from pypedream.view.describing import describe
from pypedream.view.description import Node
from pypedream.view.grouping import TAB, draw_group, group_frames
from pypedream.view.layout import layout
from pypedream.view.nesting import nested_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.view.describing import Subject
    from pypedream.view.description import Description, Edge
    from pypedream.view.grouping import GroupFrame
    from pypedream.view.layout import Box, Layout

MARGIN = 8.0
PAGE = 960.0  # about the width of a notebook's output
GREY = "#818b98"
FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif"
DASHES = {"value": "", "order": ' stroke-dasharray="6 4"', "condition": ' stroke-dasharray="1.5 4"'}


def to_svg(
    subject: Subject,
    *,
    parameters: bool = False,
    direction: Literal["down", "right"] | None = None,
) -> str:
    """Return a picture of the stages and what they read of each other.

    Parameters
    ----------
    subject
        A pipeline, a plan or a run.
    parameters
        Whether to show parameters and variables as well.
    direction
        Where values flow. None takes what keeps the writing larger on a page; mostly downwards.

    Returns
    -------
    The text of an SVG file. Its description lists every stage with its state.

    Raises
    ------
    TypeError
        If *subject* is nothing that can be drawn.
    """
    description = describe(subject, parameters=parameters)
    drawing = _drawing_of(description, direction)
    return "\n".join(
        [
            drawing.root,
            f"<title>{harmless(description.headline)}</title>",
            f"<desc>{harmless(in_words(description))}</desc>",
            *map(draw_group, drawing.groups),
            f'<g fill="none" stroke="{GREY}" stroke-width="1.5" stroke-linecap="round">',
            *_edges(description.edges, drawing),
            "</g>",
            *(draw_chip(chip, drawing.boxes[key]) for key, chip in drawing.chips.items()),
            "</svg>\n",
        ]
    )


def compact_svg(description: Description) -> str:
    """Return a picture for an ``<img>``, where nobody can point at a box: in half the letters."""
    drawing = _drawing_of(description, None)
    lines: dict[str, str] = {}
    arrows = ""
    for edge, line, pieces in _lines(description.edges, drawing):
        lines[edge.kind] = lines.get(edge.kind, "") + path_of(pieces)
        arrows += line.arrow
    edges = "".join(f'<path d="{path}"{DASHES[kind]}/>' for kind, path in lines.items())
    chips = drawing.chips.items()
    return "".join(
        [
            drawing.root,
            *map(draw_group, drawing.groups),
            f'<g fill="none" stroke="{GREY}" stroke-width="1.5">{edges}</g>',
            f'<path d="{arrows}" fill="{GREY}"/>' if arrows else "",
            *(draw_chip(chip, drawing.boxes[key], has_title=False) for key, chip in chips),
            "</svg>",
        ]
    )


@frozen
class _Drawing:
    """What is drawn, and where it all is."""

    root: str
    chips: Mapping[str, Chip]
    picture: Layout
    groups: Sequence[GroupFrame]

    @property
    def boxes(self) -> Mapping[str, Box]:
        return self.picture.boxes


def _drawing_of(description: Description, direction: str | None) -> _Drawing:
    nodes = description.nodes or (Node("", "no stages", state="skip"),)
    chips = {node.key: chip_of(node, description.subject) for node in nodes}
    picture, groups = _laid_out(chips, description, direction)
    loops = any(edge.source == edge.target for edge in description.edges)
    frames = [group.box for group in groups]
    left = min([0.0, *(box.x for box in frames)]) - MARGIN
    top = min([0.0, *(box.y - TAB / 2 for box in frames)]) - MARGIN
    right = max([picture.width + LOOP * loops, *(box.x + box.width for box in frames)]) + MARGIN
    bottom = max([picture.height, *(box.y + box.height for box in frames)]) + MARGIN
    width, height = number(right - left), number(bottom - top)
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}"'
        f' viewBox="{left:g} {top:g} {width} {height}"'
        f' style="max-width:100%;height:auto" font-family="{FONTS}">'
    )
    return _Drawing(root, chips, picture, groups)


def in_words(description: Description) -> str:
    """Say what the picture shows, for those who cannot see it."""
    stages = description.stages
    states = (f"{one.label}: {one.status}" if one.status else one.label for one in stages)
    count = "1 stage" if len(stages) == 1 else f"{len(stages)} stages"
    return f"{count}. {'; '.join(states)}"


def _laid_out(
    chips: Mapping[str, Chip], description: Description, direction: str | None
) -> tuple[Layout, list[GroupFrame]]:
    if direction == "right":
        return _in_one_way(chips, description, is_sideways=True)
    drawn = _in_one_way(chips, description, is_sideways=False)
    if direction == "down" or drawn[0].width <= PAGE:
        return drawn
    sideways = _in_one_way(chips, description, is_sideways=True)
    return sideways if sideways[0].width < drawn[0].width else drawn


def _in_one_way(
    chips: Mapping[str, Chip], description: Description, *, is_sideways: bool
) -> tuple[Layout, list[GroupFrame]]:
    """Lay out a picture with its groups in frames; else with frames where they are possible."""
    sizes = {key: chip.size for key, chip in chips.items()}
    nested = nested_layout(description, sizes, is_sideways=is_sideways)
    if nested is not None:
        return nested
    pairs = [(edge.source, edge.target) for edge in description.edges]
    extra = 2 * TAB if description.groups else 0.0
    picture = layout(sizes, pairs, is_sideways=is_sideways, extra=extra)
    return picture, list(group_frames(description, picture.boxes))


def _edges(edges: Sequence[Edge], drawing: _Drawing) -> Iterator[str]:
    """Yield every edge with a title that says what it means."""
    for edge, line, pieces in _lines(edges, drawing):
        ends = (drawing.chips[key].node.label for key in (edge.source, edge.target))
        title = f"{' -> '.join(ends)}: {', '.join(edge.arguments) or edge.kind}"
        yield (
            f'<g><title>{harmless(title)}</title><path d="{path_of(pieces)}"{DASHES[edge.kind]}/>'
            f'<path d="{line.arrow}" fill="{GREY}" stroke="none"/></g>'
        )


def _lines(edges: Sequence[Edge], drawing: _Drawing) -> Iterator[tuple[Edge, Line, list[Piece]]]:
    """Yield every edge; what edges have in common is drawn once, or it would look bolder."""
    drawn: set[tuple[str, Piece]] = set()
    picture = drawing.picture
    for edge in edges:
        if edge.source == edge.target:
            line = loop_at(picture.boxes[edge.source])
        else:
            points = picture.routes[edge.source, edge.target]
            line = line_through(points, is_sideways=picture.is_sideways)
        pieces = [piece for piece in line.pieces if (edge.kind, piece) not in drawn]
        drawn.update((edge.kind, piece) for piece in pieces)
        yield edge, line, pieces
