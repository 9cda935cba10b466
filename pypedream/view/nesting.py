"""Nesting: a layout in which the stages of an included pipeline stand together in a frame.

Every group is laid out by itself and is one box in the layout around it. An edge that leaves a
group does so through a port at the end of its frame, and comes in through one at the start; so it
is led round the boxes within a group as it is outside.

All this needs groups that do not wait for each other in a circle. Where they do, as stages of one
may be needed by the other and the other way round, there is no such layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, define, evolve, frozen

from pypedream.view.grouping import FONT, GroupFrame
from pypedream.view.labels import width_of
from pypedream.view.layering import closing_edges
from pypedream.view.layout import (
    BETWEEN_BOXES,
    BETWEEN_LINES,
    Box,
    Layout,
    laid_down,
    on_its_side,
    without_stops,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.view.description import Description
    from pypedream.view.layout import Edge, Point, Size

MOST_NODES = 300
PADDING = 18.0
_IN, _OUT = "\0in ", "\0out "


def nested_layout(
    description: Description, sizes: Mapping[str, Size], *, is_sideways: bool = False
) -> tuple[Layout, list[GroupFrame]] | None:
    """Return a layout and the frames of all groups; None when there can be none.

    Parameters
    ----------
    sizes
        From node to width and height.
    """
    scopes = {node.key: node.group for node in description.nodes}
    edges = [(edge.source, edge.target) for edge in description.edges]
    edges = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]]
    if not description.groups or len(scopes) > MOST_NODES or not set(scopes) <= sizes.keys():
        return None
    if is_sideways:
        sizes = {key: (height, width) for key, (width, height) in sizes.items()}
    spacing = BETWEEN_LINES if is_sideways else BETWEEN_BOXES
    labels = {group.key: group.label for group in description.groups}
    nest = _Nest(scopes, edges, sizes, labels, spacing, is_sideways=is_sideways)
    if any(closing_edges(nest.followers(scope)) for scope in ("", *labels)):
        return None
    whole = nest.arranged("")
    routes = {edge: without_stops(_distinct(points)) for edge, points in whole.legs.items()}
    picture = Layout(whole.width, whole.height, whole.boxes, routes)
    if not is_sideways:
        return picture, whole.frames
    frames = [evolve(one, box=_turned(one.box)) for one in whole.frames]
    return on_its_side(picture), frames


@define
class _Arranged:
    """A group with all that is in it, from its upper left corner on.

    Attributes
    ----------
    legs
        From each edge that touches the group to its points within.
    entries, exits
        From a node to the x at which its edges come in, or leave.
    """

    width: float
    height: float
    boxes: dict[str, Box] = Factory(dict)
    frames: list[GroupFrame] = Factory(list)
    legs: dict[Edge, list[Point]] = Factory(dict)
    entries: dict[str, float] = Factory(dict)
    exits: dict[str, float] = Factory(dict)

    def moved(self, x: float, y: float) -> _Arranged:
        """Return the same at another place."""
        frames = [evolve(one, box=_moved(one.box, x, y)) for one in self.frames]
        return _Arranged(
            self.width,
            self.height,
            {key: _moved(box, x, y) for key, box in self.boxes.items()},
            frames,
            {edge: [(px + x, py + y) for px, py in leg] for edge, leg in self.legs.items()},
            {key: at + x for key, at in self.entries.items()},
            {key: at + x for key, at in self.exits.items()},
        )


@frozen
class _Nest:
    """Nodes in their groups."""

    scopes: Mapping[str, str]
    edges: list[Edge]
    sizes: Mapping[str, Size]
    labels: Mapping[str, str]
    spacing: float
    is_sideways: bool

    def followers(self, scope: str) -> dict[str, list[str]]:
        """Return what follows what in a group, with the groups within it as one each."""
        found: dict[str, list[str]] = {member: [] for member in self.members(scope)}
        for source, target in self._ends(scope).values():
            if source in found and target in found and source != target:
                found[source].append(target)
        return found

    def members(self, scope: str) -> Iterator[str]:
        """Yield the nodes of a group that are in no other group within it, and those groups."""
        yield from dict.fromkeys(
            self._member(scope, key) for key, own in self.scopes.items() if _is_in(own, scope)
        )

    def arranged(self, scope: str) -> _Arranged:
        """Lay out a group, those within it first."""
        inner = {key: self.arranged(key) for key in self.members(scope) if key in self.labels}
        ends = self._ends(scope)
        ports = {port for pair in ends.values() for port in pair if port[0] == "\0"}
        sizes = {member: self._size(member, inner) for member in self.members(scope)}
        picture = laid_down(
            {**sizes, **dict.fromkeys(sorted(ports), (0.0, 0.0))},
            [pair for pair in ends.values() if pair[0] != pair[1]],
            self.spacing,
            first=[port for port in ports if port.startswith(_IN)],
            last=[port for port in ports if port.startswith(_OUT)],
        )
        placed = {
            key: one.moved(picture.boxes[key].x, picture.boxes[key].y) for key, one in inner.items()
        }
        found = _Arranged(picture.width, picture.height)
        for member in sizes:
            if member in placed:
                found.boxes |= placed[member].boxes
            else:
                found.boxes[member] = picture.boxes[member]
        found.legs = {edge: _leg(edge, pair, picture, placed) for edge, pair in ends.items()}
        found.entries = _ports(picture, _IN)
        found.exits = _ports(picture, _OUT)
        found.frames = [frame for one in placed.values() for frame in one.frames]
        return self._framed(scope, found) if scope else found

    def _framed(self, scope: str, inside: _Arranged) -> _Arranged:
        """Put a frame round a group; where ports are, the way to them is distance enough."""
        above = 0.0 if inside.entries else PADDING
        below = 0.0 if inside.exits else PADDING
        needed = width_of(self.labels[scope]) * FONT + 32.0
        if self.is_sideways:
            width, lacking = inside.width + 2 * PADDING, inside.height + above + below
            below += max(0.0, needed - lacking)
        else:
            width = max(inside.width + 2 * PADDING, needed)
        height = inside.height + above + below
        found = inside.moved((width - inside.width) / 2, above)
        if inside.exits and below:  # ports are on the frame
            found = _with_longer_ends(found, height)
        found.width, found.height = width, height
        found.frames.insert(0, GroupFrame(self.labels[scope], Box(0.0, 0.0, width, height)))
        return found

    def _ends(self, scope: str) -> dict[Edge, Edge]:
        """Return for each edge that touches a group what it joins there: members or ports."""
        found = {}
        for edge in self.edges:
            source, target = (_is_in(self.scopes[key], scope) for key in edge)
            if source or target:
                found[edge] = (
                    self._member(scope, edge[0]) if source else _IN + edge[1],
                    self._member(scope, edge[1]) if target else _OUT + edge[0],
                )
        return found

    def _member(self, scope: str, key: str) -> str:
        """Return the node, or the group within *scope* that it belongs to."""
        own = self.scopes[key]
        if own == scope:
            return key
        rest = own[len(scope) + 1 :] if scope else own
        first = rest.partition(".")[0]
        return f"{scope}.{first}" if scope else first

    def _size(self, member: str, inner: Mapping[str, _Arranged]) -> Size:
        if member in inner:
            return inner[member].width, inner[member].height
        return self.sizes[member]


def _leg(edge: Edge, ends: Edge, picture: Layout, placed: Mapping[str, _Arranged]) -> list[Point]:
    """Return the points of an edge in one group and the groups within it."""
    source, target = ends
    before = placed[source].legs[edge] if source in placed else []
    after = placed[target].legs[edge] if target in placed else []
    if source == target:
        return before
    way = list(picture.routes[ends])
    if source in placed:
        x = placed[source].exits[edge[0]]
        way[:2] = [(x, y) for _, y in way[:2]]
    if target in placed:
        x = placed[target].entries[edge[1]]
        way[-2:] = [(x, y) for _, y in way[-2:]]
    return [*before, *way, *after]


def _ports(picture: Layout, kind: str) -> dict[str, float]:
    return {
        key.removeprefix(kind): box.x for key, box in picture.boxes.items() if key.startswith(kind)
    }


def _with_longer_ends(found: _Arranged, height: float) -> _Arranged:
    for edge, leg in found.legs.items():
        if edge[0] in found.exits and leg and edge[1] not in found.boxes:
            leg.append((leg[-1][0], height))
    return found


def _distinct(points: Iterable[Point]) -> list[Point]:
    found: list[Point] = []
    for point in points:
        if not found or found[-1] != point:
            found.append(point)
    return found


def _is_in(scope: str, group: str) -> bool:
    return not group or scope == group or scope.startswith(f"{group}.")


def _moved(box: Box, x: float, y: float) -> Box:
    return evolve(box, x=box.x + x, y=box.y + y)


def _turned(box: Box) -> Box:
    return Box(box.y, box.x, box.height, box.width)
