"""The ground of charts: what is on it can be read, on light and on dark pages."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from pypedream import Parameters, Pipeline, sweep, view
from pypedream.view.looks import HUES, MIXED
from pypedream.view.sheet import sheet, written
from pypedream.view.style import style_of
from tests.view.test_looks import contrast

SVG = "{http://www.w3.org/2000/svg}"


def schemes() -> list[dict[str, str]]:
    """From class to its colour, first of the light and then of the dark scheme."""
    (style,) = ElementTree.fromstring(sheet((1, 1), "", "", [])).iter(f"{SVG}style")
    light, _, dark = str(style.text).partition("@media(prefers-color-scheme:dark)")
    return [
        {name: _long(colour) for name, colour in re.findall(r"\.(\w)\{\w+:(#\w+)", rules)}
        for rules in (light, dark)
    ]


def _long(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * letter for letter in colour[1:])


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_its_ground(scheme: int) -> None:
    """The contrast is at least 4.5, also of text that matters less."""
    colours = schemes()[scheme]

    assert contrast(colours["t"], colours["b"]) >= 4.5
    assert contrast(colours["d"], colours["b"]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("hue", [*HUES, MIXED])
def test_shapes_stand_out_and_carry_white_text(hue: str, scheme: int) -> None:
    """A contrast of 3 to the ground, and of 4.5 to the text."""
    assert contrast(hue, schemes()[scheme]["b"]) >= 3
    assert contrast(hue, "#ffffff") >= 4.5


def test_numbers_can_be_read_on_every_shade_of_a_map() -> None:
    """They are black or white, whichever reads better."""
    flow = Pipeline("map", Parameters.define(x=1, y=1), progress=False)
    flow.stage(lambda x, y: x * 10 + y, name="z")

    plot = flow.map_runs(sweep.grid(x=range(10), y=range(10))).plot("z")

    picture = ElementTree.fromstring(plot.svg)
    shades = _shades_by_row(picture)
    inks = {
        (round(float(text.get("y", "0"))), round(float(text.get("x", "0")))): group.get("fill", "")
        for group in picture.iter(f"{SVG}g")
        if group.get("fill", "").startswith("#")
        for text in group
    }
    assert len(inks) == 100
    for (y, x), ink in inks.items():
        shade = next(one for left, right, row, one in shades if left <= x < right and row == y - 4)
        assert contrast(shade, _long(ink)) >= 4.5


def _shades_by_row(picture: ElementTree.Element) -> list[tuple[float, float, int, str]]:
    """Each cell: from where to where, in which row, and its shade."""
    found = []
    for path in picture.iter(f"{SVG}path"):
        shade = path.get("stroke", "")
        for x, y, wide in re.findall(r"M(\S+?) (\S+?)h(\d+)", path.get("d", "")):
            if shade and int(wide) > 10:
                found.append((float(x), float(x) + int(wide), round(float(y)), shade))
    return found


def test_what_is_written_is_only_text() -> None:
    """Also in titles and descriptions."""
    picture = ElementTree.fromstring(
        sheet((9, 9), "<b>", "a & b", [written("</text><script>", 1, 2)])
    )

    tags = {element.tag.removeprefix(SVG) for element in picture.iter()}
    assert tags == {"svg", "title", "desc", "style", "rect", "text"}
    assert picture.findtext(f"{SVG}title") == "<b>"


def test_images_are_told_the_colour_scheme_of_the_notebook() -> None:
    """They cannot see the colours of the page, and JupyterLab's may not be those of the system."""
    rules = style_of("x", "charts")

    assert "[data-jp-theme-light=false] div.x .q,.vscode-dark div.x .q{color-scheme:dark}" in rules
    assert "[data-jp-theme-light=true] div.x .q,.vscode-light div.x .q{color-scheme:light}" in rules


def test_the_timeline_of_a_run_has_no_id_no_address_and_no_script() -> None:
    """It can stand in a page beside others."""
    flow = Pipeline("small", progress=False)
    flow.stage(lambda: 1, name="one")

    text = view.to_timeline(flow.run())

    attributes: set[Any] = {
        key for one in ElementTree.fromstring(text).iter() for key in one.attrib
    }
    assert not {key for key in attributes if key.startswith("on") or "href" in key or key == "id"}
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
