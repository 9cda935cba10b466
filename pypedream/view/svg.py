"""SVG: a pipeline, a plan or a run as one self-contained picture.

No script, no style sheet, no address and no font comes from anywhere else, and nothing in it has
an id: it can stand in a page beside others. The background is left out. Boxes have fills of
their own and edges are mid-grey, so that it reads well on light and on dark pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pypedream.view.chips import Chip, chip_of, draw_chip, harmless
from pypedream.view.curves import LOOP, Piece, line_through, loop_at, number, path_of
from pypedream.view.describing import describe
from pypedream.view.description import Node
from pypedream.view.layout import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.view.describing import Subject
    from pypedream.view.description import Description, Edge
    from pypedream.view.layout import Layout

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
    nodes = description.nodes or (Node("", "no stages", state="skip"),)
    chips = {node.key: chip_of(node, description.subject) for node in nodes}
    picture = _laid_out(chips, description.edges, direction)
    loops = any(edge.source == edge.target for edge in description.edges)
    width = number(picture.width + 2 * MARGIN + (LOOP if loops else 0.0))
    height = number(picture.height + 2 * MARGIN)
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}"'
        f' viewBox="{-MARGIN:g} {-MARGIN:g} {width} {height}"'
        f' style="max-width:100%;height:auto" font-family="{FONTS}">'
    )
    return "\n".join(
        [
            root,
            f"<title>{harmless(description.headline)}</title>",
            f"<desc>{harmless(_in_words(description))}</desc>",
            f'<g fill="none" stroke="{GREY}" stroke-width="1.5" stroke-linecap="round">',
            *_edges(description.edges, picture, chips),
            "</g>",
            *(draw_chip(chip, picture.boxes[key]) for key, chip in chips.items()),
            "</svg>\n",
        ]
    )


def _in_words(description: Description) -> str:
    """Say what the picture shows, for those who cannot see it."""
    stages = description.stages
    states = (f"{one.label}: {one.status}" if one.status else one.label for one in stages)
    count = "1 stage" if len(stages) == 1 else f"{len(stages)} stages"
    return f"{count}. {'; '.join(states)}"


def _laid_out(chips: Mapping[str, Chip], edges: Sequence[Edge], direction: str | None) -> Layout:
    sizes = {key: chip.size for key, chip in chips.items()}
    pairs = [(edge.source, edge.target) for edge in edges]
    if direction == "right":
        return layout(sizes, pairs, is_sideways=True)
    picture = layout(sizes, pairs)
    if direction == "down" or picture.width <= PAGE:
        return picture
    sideways = layout(sizes, pairs, is_sideways=True)
    return sideways if sideways.width < picture.width else picture


def _edges(edges: Sequence[Edge], picture: Layout, chips: Mapping[str, Chip]) -> Iterator[str]:
    """Yield every edge; what edges have in common is drawn once, or it would look bolder."""
    drawn: set[tuple[str, Piece]] = set()
    for edge in edges:
        if edge.source == edge.target:
            line = loop_at(picture.boxes[edge.source])
        else:
            points = picture.routes[edge.source, edge.target]
            line = line_through(points, is_sideways=picture.is_sideways)
        pieces = [piece for piece in line.pieces if (edge.kind, piece) not in drawn]
        drawn.update((edge.kind, piece) for piece in pieces)
        ends = f"{chips[edge.source].node.label} -> {chips[edge.target].node.label}"
        title = f"{ends}: {', '.join(edge.arguments) or edge.kind}"
        yield (
            f'<g><title>{harmless(title)}</title><path d="{path_of(pieces)}"{DASHES[edge.kind]}/>'
            f'<path d="{line.arrow}" fill="{GREY}" stroke="none"/></g>'
        )
