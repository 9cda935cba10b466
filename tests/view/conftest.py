from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pypedream.view.layout import Box, Layout

EMPTY = {"img", "input", "meta"}
Attributes = dict[str, str | None]
Edge = tuple[str, str]
Point = tuple[float, float]


class Document(HTMLParser):
    """HTML as a browser would read it; refuses what is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: list[str] = []
        self.styles: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.styles if self.open[-1:] == ["style"] else self.texts).append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def all(self, tag: str, word: str = "") -> list[Attributes]:
        """The elements of a name, those of a class."""
        found = [attributes for name, attributes in self.elements if name == tag]
        return [one for one in found if not word or word in str(one.get("class")).split()]


@pytest.fixture
def parsed() -> Callable[[str], Document]:
    """Reads HTML."""
    return Document


def along(points: list[Point], *, is_sideways: bool) -> list[Point]:
    """Points of the drawn line: straight, or a curve that leaves and arrives along the layers."""
    found = []
    axis = 0 if is_sideways else 1
    for start, end in pairwise(points):
        half = (end[axis] - start[axis]) / 2
        bend_one = tuple(v + half * (i == axis) for i, v in enumerate(start))
        bend_two = tuple(v - half * (i == axis) for i, v in enumerate(end))
        for step in range(21):
            t = step / 20
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            bends = (start, bend_one, bend_two, end)
            found.append(
                tuple(
                    sum(w * bend[i] for w, bend in zip(weights, bends, strict=True)) for i in (0, 1)
                )
            )
    return found


def is_inside(point: Point, box: Box) -> bool:
    return box.x < point[0] < box.x + box.width and box.y < point[1] < box.y + box.height


def edges_behind_boxes(picture: Layout) -> list[tuple[Edge, str]]:
    """Each edge that runs behind a box, with the box."""
    return [
        (edge, key)
        for edge, points in picture.routes.items()
        for point in along(points, is_sideways=picture.is_sideways)
        for key, box in picture.boxes.items()
        if is_inside(point, box)
    ]


@pytest.fixture(scope="session")
def hidden() -> Callable[[Layout], list[tuple[Edge, str]]]:
    """Finds edges that run behind boxes."""
    return edges_behind_boxes
