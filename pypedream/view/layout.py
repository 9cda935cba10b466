"""Layout: where boxes and edges of a picture are; a pure function from sizes and edges.

The way is the usual one of layered drawings: turn round what closes a cycle, give each box a
layer, lead long edges through passages of their own, order the rows so that few edges cross, then
find places. The same sizes and edges give the same picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from pypedream.view.layering import closing_edges, layers_of
from pypedream.view.placing import place
from pypedream.view.rows import Network, Slot, in_good_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pypedream.view.rows import Rows

    Edge = tuple[str, str]
    Point = tuple[float, float]
    Size = tuple[float, float]
    Band = tuple[float, float]

BETWEEN_BOXES = 24.0  # side by side
BETWEEN_LINES = 14.0  # one above the other, when layers follow each other to the right
LEAST_GAP = 34.0
MOST_GAP = 110.0
GAP_SHARE = 0.1  # of the way that edges go sideways: flat curves are hard to follow
LANE = 10.0
PASSAGES = 20_000  # in all; when there is none left, the longest edges go round the picture


@frozen
class Box:
    """A rectangle, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@frozen
class Layout:
    """Where everything is.

    Attributes
    ----------
    boxes
        From key to rectangle.
    routes
        From each edge to the points that it goes through, from source to target. Between two
        points it goes straight if one lies straight below the other, else in a curve that
        leaves and arrives vertically.
    is_sideways
        Whether layers follow each other to the right: then "below" means "to the right of".
    """

    width: float
    height: float
    boxes: dict[str, Box]
    routes: dict[Edge, list[Point]]
    is_sideways: bool = False


def layout(
    sizes: Mapping[str, Size],
    edges: Iterable[Edge],
    *,
    is_sideways: bool = False,
    extra: float = 0.0,
) -> Layout:
    """Lay out boxes of the given width and height.

    Parameters
    ----------
    sizes
        From key to width and height.
    edges
        Pairs of source and target. An edge of an unknown key, or from a box to itself, has no
        route.
    is_sideways
        Whether layers follow each other to the right instead of downwards.
    extra
        More space between boxes that stand side by side.

    Examples
    --------
    >>> picture = layout({"load": (60, 30), "clean": (80, 30)}, [("load", "clean")])
    >>> picture.boxes["load"]
    Box(x=10.0, y=0.0, width=60, height=30)
    >>> picture.routes["load", "clean"]
    [(40.0, 30.0), (40.0, 64.0)]
    """
    if is_sideways:
        turned = {key: (height, width) for key, (width, height) in sizes.items()}
        return on_its_side(_without_detours(laid_down(turned, edges, BETWEEN_LINES + extra)))
    return _without_detours(laid_down(sizes, edges, BETWEEN_BOXES + extra))


def laid_down(
    sizes: Mapping[str, Size],
    edges: Iterable[Edge],
    spacing: float,
    *,
    first: Collection[str] = (),
    last: Collection[str] = (),
) -> Layout:
    """Lay out boxes from top to bottom; every route has all its points.

    These are the foot of the source, the end of its layer, the start and the end of each layer
    that is passed, the start of the layer of the target, and its head.

    Parameters
    ----------
    spacing
        Between boxes that stand side by side.
    first, last
        Boxes that are in a layer of their own before, and after, all others.
    """
    downward = _downward(sizes, edges)
    network = _network(sizes, downward, first, last)
    rows = in_good_order(network.rows())
    place(rows, network.trunks.values(), spacing)
    bands = _bands(rows, sizes)
    boxes = {key: _box(network.slots[key], bands, sizes[key]) for key in sizes}
    right = max((slot.x + slot.width / 2 for row in rows for slot in row), default=0.0)
    lanes = _lanes(downward.values(), network, right)
    routes: dict[Edge, list[Point]] = {}
    for edge, led in downward.items():
        if led in network.ways:
            between = _through(network.ways[led], bands)
        else:
            between = _around(network.slots, led, bands, lanes[led[0]])
        points = [_foot(boxes[led[0]]), *between, _head(boxes[led[1]])]
        routes[edge] = points if edge == led else points[::-1]
    width = max([right, *lanes.values()])
    return Layout(width, bands[-1][1] if bands else 0.0, boxes, routes)


def _without_detours(picture: Layout) -> Layout:
    routes = {edge: without_stops(points) for edge, points in picture.routes.items()}
    return evolve(picture, routes=routes)


def _downward(sizes: Mapping[str, Size], edges: Iterable[Edge]) -> dict[Edge, Edge]:
    """Return for each edge how it is led: as it is, or turned round if it closes a cycle."""
    wanted = [
        (source, target)
        for source, target in dict.fromkeys(edges)
        if source != target and source in sizes and target in sizes
    ]
    followers: dict[str, list[str]] = {key: [] for key in sizes}
    for source, target in wanted:
        followers[source].append(target)
    closing = closing_edges(followers)
    return {edge: edge[::-1] if edge in closing else edge for edge in wanted}


def _network(
    sizes: Mapping[str, Size],
    downward: Mapping[Edge, Edge],
    first: Collection[str],
    last: Collection[str],
) -> Network:
    needs: dict[str, list[str]] = {key: [] for key in sizes}
    for source, target in dict.fromkeys(downward.values()):
        needs[target].append(source)
    layers = _with_ends(layers_of(needs), first, last)
    network = Network({key: Slot(layers[key], key, size[0]) for key, size in sizes.items()})
    too_long = _too_long(downward.values(), layers)
    for edge, led in downward.items():
        if led not in network.ways and led not in too_long:
            network.add(led, is_shared=edge == led)
    return network


def _with_ends(
    layers: dict[str, int], first: Collection[str], last: Collection[str]
) -> dict[str, int]:
    """Move boxes into a layer of their own before, and after, all others."""
    inner = [layer for key, layer in layers.items() if key not in first and key not in last]
    if not inner or not (first or last):
        return layers
    top = min(inner) - bool(first)
    moved = {key: layer - top for key, layer in layers.items()}
    moved |= dict.fromkeys(first, 0)
    return moved | dict.fromkeys(last, max(inner) - top + 1)


def _too_long(edges: Iterable[Edge], layers: Mapping[str, int]) -> set[Edge]:
    """Return the edges for which no passages are left once the shorter ones have theirs."""
    spans = {(source, target): layers[target] - layers[source] - 1 for source, target in edges}
    if sum(spans.values()) <= PASSAGES:
        return set()
    left = PASSAGES
    found = set()
    for edge in sorted(spans, key=spans.__getitem__):
        left -= spans[edge]
        if left < 0:
            found.add(edge)
    return found


def _bands(rows: Rows, sizes: Mapping[str, Size]) -> list[Band]:
    """Return the top and bottom of each layer."""
    bands: list[Band] = []
    top = 0.0
    for row in rows:
        height = max((sizes[slot.key][1] for slot in row if slot.key), default=0.0)
        bands.append((top, top + height))
        widest = max((abs(slot.x - below.x) for slot in row for below in slot.below), default=0.0)
        top += height + round(min(LEAST_GAP + GAP_SHARE * widest, MOST_GAP))
    return bands


def _box(slot: Slot, bands: Sequence[Band], size: Size) -> Box:
    """Put a box into the middle of its band."""
    top, bottom = bands[slot.layer]
    width, height = size
    return Box(slot.x - width / 2, (top + bottom - height) / 2, width, height)


def _foot(box: Box) -> Point:
    return box.x + box.width / 2, box.y + box.height


def _head(box: Box) -> Point:
    return box.x + box.width / 2, box.y


def _through(way: Sequence[Slot], bands: Sequence[Band]) -> list[Point]:
    """Lead an edge through its passages: curves only between the bands, never within."""
    points = [(way[0].x, bands[way[0].layer][1])]
    for passage in way[1:-1]:
        top, bottom = bands[passage.layer]
        points += [(passage.x, top), (passage.x, bottom)]
    return [*points, (way[-1].x, bands[way[-1].layer][0])]


def _lanes(edges: Iterable[Edge], network: Network, right: float) -> dict[str, float]:
    """Return an x beyond the picture for each source of edges that go round it."""
    sources = dict.fromkeys(edge[0] for edge in edges if edge not in network.ways)
    return {key: right + LANE * (number + 1) for number, key in enumerate(sources)}


def _around(
    slots: Mapping[str, Slot], edge: Edge, bands: Sequence[Band], lane: float
) -> list[Point]:
    source, target = slots[edge[0]], slots[edge[1]]
    return [
        (source.x, bands[source.layer][1]),
        (lane, bands[source.layer + 1][0]),
        (lane, bands[target.layer - 1][1]),
        (target.x, bands[target.layer][0]),
    ]


def without_stops(points: Sequence[Point]) -> list[Point]:
    """Leave out repeated points, and those in the middle of a straight line."""
    kept = list(points[:1])
    for point in points[1:]:
        if len(kept) > 1 and kept[-2][0] == kept[-1][0] == point[0]:
            kept[-1] = point
        elif point != kept[-1]:
            kept.append(point)
    return kept


def on_its_side(picture: Layout) -> Layout:
    """Return a picture with its layers from left to right instead of downwards."""
    boxes = {key: Box(box.y, box.x, box.height, box.width) for key, box in picture.boxes.items()}
    routes = {edge: [(y, x) for x, y in points] for edge, points in picture.routes.items()}
    return Layout(picture.height, picture.width, boxes, routes, is_sideways=True)
