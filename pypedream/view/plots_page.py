"""Plots page: the pictures and data plots of stages, on one HTML page that holds all it shows."""

from __future__ import annotations

from base64 import b64encode
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from pypedream.view.data_plots import Axes, data_pictures
from pypedream.view.document import document
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["PlotShown", "plots_page"]

_KINDS: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_STYLE: Final = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1400px;padding:16px 24px}
h1{font-size:22px;margin:8px 0 4px}
h2{font-size:16px;margin:28px 0 8px;overflow-wrap:anywhere}
h2 small{font-weight:400;opacity:.7}
p{margin:4px 0}
section>div{display:flex;flex-wrap:wrap;gap:16px}
figure{margin:0;flex:1 1 380px;max-width:100%}
figcaption{opacity:.75}
img,svg{max-width:100%;height:auto;border:1px solid #8884;border-radius:6px}
img{background:#fff}
@media print{section{break-inside:avoid}}
"""


@frozen(slots=False)
class PlotShown:
    """A picture or a table that a stage wrote, in one or two versions.

    Attributes
    ----------
    versions
        What each is called, such as "HEAD" and "now", and its content; None if there is none.
    axes
        How it is drawn if it is a table.
    """

    path: str
    stage: str
    versions: Sequence[tuple[str, bytes | None]] = field(repr=False)
    axes: Axes = field(factory=Axes)

    @property
    def is_same(self) -> bool:
        """Whether all versions are the same."""
        return len({content for _, content in self.versions}) == 1

    @property
    def shown(self) -> Sequence[tuple[str, bytes | None]]:
        """The versions that are shown: one if they are the same."""
        return self.versions[-1:] if self.is_same else self.versions

    @property
    def mistake(self) -> str:
        """Why it cannot be drawn; "" if it can, or is no table."""
        return self.drawn if isinstance(self.drawn, str) else ""

    @cached_property
    def drawn(self) -> list[tuple[str, Html]] | str:
        """A table as charts, nothing if it is none, or why it cannot be drawn."""
        there = [(name, content) for name, content in self.shown if content is not None]
        if PurePosixPath(self.path).suffix.lower() in _KINDS or not there:
            return []
        try:
            pictures = data_pictures(self.path, there, self.axes)
        except ValueError as error:
            return str(error)
        return [(name, Html(picture.svg)) for name, picture in pictures]


def plots_page(title: str, plots: Iterable[PlotShown]) -> str:
    """Return a whole HTML document with these plots; it loads nothing and has no script.

    Those that are the same in all their versions are shown once. Tables are drawn, all versions of
    one in one chart where they are of numbers.

    Examples
    --------
    >>> page = plots_page("flow", [PlotShown("a.png", "draw", [("now", b"...")])])
    >>> page.startswith("<!doctype html>"), "data:image/png;base64,Li4u" in page
    (True, True)
    """
    sections = list(map(_section, plots))
    return document(
        title, _STYLE, tag("h1", title), *(sections or [tag("p", "There are no plots.")])
    )


def _section(plot: PlotShown) -> Html:
    heading = tag("h2", f"{plot.path} ", tag("small", f"stage {plot.stage}"))
    return tag("section", heading, tag("div", *_figures(plot)))


def _figures(plot: PlotShown) -> Iterator[Html]:
    versions = plot.shown
    is_named = len(plot.versions) > 1
    said = "the same" if is_named and plot.is_same else ""
    drawn = plot.drawn
    if isinstance(drawn, str):
        yield tag("p", drawn)
        return
    absent = [(name, None) for name, content in versions if content is None] if drawn else versions
    for name, content in absent:
        yield _figure(_picture(plot.path, name, content), (said or name) if is_named else "")
    there = " and ".join(name for name, content in versions if content is not None)
    for name, svg in drawn:
        yield _figure(svg, said or (name or (there if absent else "") if is_named else ""))


def _figure(picture: Html, caption: str) -> Html:
    return tag("figure", *([tag("figcaption", caption)] if caption else []), picture)


def _picture(path: str, name: str, content: bytes | None) -> Html:
    kind = _KINDS.get(PurePosixPath(path).suffix.lower())
    if content is None:
        return tag("p", "is not there")
    if kind is None:
        return tag("p", f"{len(content):,} bytes, which are no picture and no table")
    source = f"data:{kind};base64,{b64encode(content).decode('ascii')}"
    return tag("img", src=source, alt=f"{path}, {name}")
