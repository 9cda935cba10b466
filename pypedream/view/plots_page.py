"""Plots page: the pictures that stages wrote, on one HTML page that holds all it shows."""

from __future__ import annotations

from base64 import b64encode
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

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
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
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
img{max-width:100%;height:auto;background:#fff;border:1px solid #8884;border-radius:6px}
@media print{section{break-inside:avoid}}
"""


@frozen
class PlotShown:
    """A picture that a stage wrote, in one or two versions.

    Attributes
    ----------
    versions
        What each is called, such as "HEAD" and "now", and its content; None if there is none.
    """

    path: str
    stage: str
    versions: Sequence[tuple[str, bytes | None]] = field(repr=False)

    @property
    def is_same(self) -> bool:
        """Whether all versions are the same."""
        return len({content for _, content in self.versions}) == 1


def plots_page(title: str, plots: Iterable[PlotShown]) -> str:
    """Return a whole HTML document with these pictures; it loads nothing and has no script.

    Pictures that are the same in all their versions are shown once.

    Examples
    --------
    >>> page = plots_page("flow", [PlotShown("a.png", "draw", [("now", b"...")])])
    >>> page.startswith("<!doctype html>"), "data:image/png;base64,Li4u" in page
    (True, True)
    """
    sections = list(map(_section, plots))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", title),
        tag("style", Html(_STYLE.replace("\n", ""))),
    )
    body = tag("body", tag("h1", title), *(sections or [tag("p", "There are no plots.")]))
    return f"<!doctype html>{tag('html', head, body, lang='en')}\n"


def _section(plot: PlotShown) -> Html:
    heading = tag("h2", f"{plot.path} ", tag("small", f"stage {plot.stage}"))
    versions = plot.versions[-1:] if plot.is_same else plot.versions
    is_named = len(plot.versions) > 1
    said = "the same" if is_named and plot.is_same else ""
    figures = tag("div", *_figures(plot, versions, said=said, is_named=is_named))
    return tag("section", heading, figures)


def _figures(
    plot: PlotShown, versions: Iterable[tuple[str, bytes | None]], *, said: str, is_named: bool
) -> Iterator[Html]:
    for name, content in versions:
        caption = [tag("figcaption", said or name)] if is_named else []
        yield tag("figure", *caption, _picture(plot.path, name, content))


def _picture(path: str, name: str, content: bytes | None) -> Html:
    kind = _KINDS.get(PurePosixPath(path).suffix.lower())
    if content is None:
        return tag("p", "is not there")
    if kind is None:
        return tag("p", f"{len(content):,} bytes, which are no picture")
    source = f"data:{kind};base64,{b64encode(content).decode('ascii')}"
    return tag("img", src=source, alt=f"{path}, {name}")
