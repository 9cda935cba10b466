"""Sheets: charts as SVG on a ground of their own, light or dark as the page around them is.

An image cannot see the colours of its page. So a chart brings its ground, and two sets of colours,
between which it chooses by the colour scheme that the page gives its images. Where nothing is said
it may be light on a dark page, and can still be read.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final

from pypedream.view.chips import harmless
from pypedream.view.curves import number
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SMALL", "image", "sheet", "written"]

FONTS: Final = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif"
SMALL: Final = 11.0
"""The size of all text that does not say another."""

# Ground, grid, text, and text that matters less.
_LIGHT: Final = ("#fff", "#d8dee4", "#1f2328", "#57606a")
_DARK: Final = ("#111418", "#343b44", "#e6edf3", "#a3adb8")


def sheet(size: tuple[float, float], title: str, about: str, parts: Iterable[str]) -> str:
    """Return a whole SVG file.

    Parts are drawn with the classes "t" and "d", for text and for text that matters less, "g" and
    "a" for lines of a grid and of an axis, and "r" for shapes with round corners by their outline.

    Parameters
    ----------
    about
        What the chart shows, for those who cannot see it.
    """
    width, height = map(number, size)
    dark = f"@media(prefers-color-scheme:dark){{{_rules(*_DARK)}}}"
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" style="max-width:100%;height:auto"'
        f' font-family="{FONTS}" font-size="{number(SMALL)}">'
    )
    return "\n".join(
        [
            root,
            f"<title>{harmless(title)}</title>",
            f"<desc>{harmless(about)}</desc>",
            f"<style>{_rules(*_LIGHT)}{dark}</style>",
            f'<rect class="b" width="{width}" height="{height}" rx="6"/>',
            *parts,
            "</svg>\n",
        ]
    )


def written(text: str, x: float, y: float, look: str = "t", **attributes: str) -> str:
    """Return a text whose baseline begins at a point; a "_" in an attribute stands for "-"."""
    more = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    where = f'x="{number(x)}" y="{number(y)}"'
    return f'<text class="{look}" {where}{more}>{harmless(text)}</text>'


def image(svg: str, about: str) -> Html:
    """Return a chart as an image within HTML."""
    source = b64encode(svg.encode("utf-8", "replace")).decode("ascii")
    return tag("img", alt=about, src=f"data:image/svg+xml;base64,{source}", class_="q")


def _rules(ground: str, grid: str, text: str, faint: str) -> str:
    return (
        f".b{{fill:{ground}}}.g{{stroke:{grid};fill:none}}.t{{fill:{text}}}.d{{fill:{faint}}}"
        f".a{{stroke:{faint};fill:none}}path.t{{stroke:{text};fill:none}}"
        ".r{stroke-width:4;stroke-linejoin:round}"
    )
