"""Views as pages, narrow and wide: nothing is cut off that has room, and nothing jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pypedream import Parameters, Pipeline
from pypedream.view import RunState, live_frame, to_html
from pypedream.view.description import Description, Node
from pypedream.view.page import Line
from tests.browser.lab import File
from tests.browser.looking import choose

pytestmark = pytest.mark.browser

WIDTHS = (420, 700, 1600)
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth;"
HEIGHT = "return document.querySelector('.pd-run').getBoundingClientRect().height;"
CUT = """
    return [...document.querySelectorAll('summary > b, summary > .d, summary > .c')]
        .filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent);
"""
# Of each cell that is one word how many lines it takes.
ROWS = r"""
    const range = document.createRange();
    return [...document.querySelectorAll('th, td')]
        .filter(cell => /^\S+$/.test(cell.textContent)).map(cell => {
            range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map(box => box.top)).size;
        });
"""
BARS = """
    return [...document.querySelectorAll('.y i')].map(bar => {
        const inner = bar.getBoundingClientRect(), outer = bar.parentNode.getBoundingClientRect();
        return Math.min(inner.right, outer.right) - Math.max(inner.left, outer.left);
    });
"""
IN_SIGHT = """
    const place = document.querySelector('.lo').getBoundingClientRect();
    return [...document.querySelectorAll('.lo .r')].filter(line => {
        const box = line.getBoundingClientRect();
        return box.height > 10 && box.top >= place.top - 1 && box.bottom <= place.bottom + 1;
    }).map(line => line.textContent.trim());
"""


@pytest.fixture
def show(driver: Any, open_file: Any, tmp_path: Path) -> Iterator[Callable[[str, int], File]]:
    """Show a piece of HTML in a window of some width."""

    def shown(html: str, width: int) -> File:
        path = tmp_path / "page.html"
        path.write_text(f"<!doctype html><meta charset=utf-8>{html}", encoding="utf-8")
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        return File(driver, path)

    yield shown
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
    )


@pytest.fixture(scope="module")
def run() -> str:
    """A run of a few stages, one of which prints very much, and one ends with it."""
    flow = Pipeline("weather", Parameters.define(number=[1, 2, 3]))

    @flow.stage
    def load():
        return "records of 24 stations"

    @flow.stage(over="number")
    def half(number, load):
        for line in range(40):
            print("line", line)
        if number == 2:
            raise ValueError(f"no half of {number}")

    flow.stage(name="yearly_means")(lambda load: 3.5)
    flow.stage(name="清洗数据")(lambda: None)
    return to_html(flow.run(on_error="continue"))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_not_wider_than_its_window(show: Any, run: str, width: int):
    """Text wraps, and pictures shrink."""
    assert show(run, width).ask(OVERFLOW) <= 0


def test_long_names_do_not_make_it_wider(show: Any):
    """Neither of stages nor of their inputs; also where they failed."""
    flow = Pipeline("weather_of_all_stations_of_the_north_since_records_began")
    first = "records_of_all_stations_of_the_north_since_the_year_1880"
    flow.stage(name=first)(lambda: "x" * 300)

    @flow.stage(name=f"means_of_{first}")
    def means(records_of_all_stations_of_the_north_since_the_year_1880):
        raise ValueError("y" * 300)

    html = to_html(flow.run(on_error="continue"))

    assert show(html, 420).ask(OVERFLOW) <= 0


@pytest.mark.parametrize("width", WIDTHS)
def test_what_has_room_is_not_cut(show: Any, run: str, width: int):
    """A name, a state and a short result can be read in the line of a stage."""
    assert show(run, width).ask(CUT) == []


@pytest.mark.parametrize("name", ["a", "fit", "load", "total", "wwww", "MMMM", "读取", "🌡️"])
def test_a_short_name_is_not_cut(show: Any, name: str):
    """The column of names is as wide as the longest one, whatever its letters."""
    flow = Pipeline("weather")
    flow.stage(name=name)(lambda: 3.5)

    assert show(to_html(flow.run()), 700).ask(CUT) == []


@pytest.mark.parametrize("width", [420, 700])
def test_words_of_a_table_are_not_broken(show: Any, width: int):
    """However long its values are."""
    flow = Pipeline("flow", Parameters.define(file=["a long value of a parameter"] * 8))

    @flow.stage(over="file")
    def station(file: str) -> Pipeline: ...

    html = to_html(flow).replace("<details", "<details open")

    assert set(show(html, width).ask(ROWS)) == {1}


@pytest.mark.parametrize("width, is_shown", [(420, False), (700, True)])
def test_the_axis_is_above_the_bars(show: Any, run: str, width: int, is_shown: bool):
    """A narrow page has its bars below the names, and no axis."""
    script = "return document.querySelector('.ax').getBoundingClientRect().height > 10;"

    assert show(run, width).ask(script) == is_shown


@pytest.mark.parametrize("width", WIDTHS)
def test_each_bar_can_be_seen(show: Any, run: str, width: int):
    """Also that of a stage that took no time at the end."""
    bars = show(run, width).ask(BARS)

    assert len(bars) == 4
    assert min(bars) >= 1


@pytest.mark.parametrize("width", WIDTHS)
def test_a_live_view_is_as_high_whatever_is_said(show: Any, width: int):
    """So nothing under it moves: with no line, with a few, and with long ones."""
    description = Description("flow", "run", "flow", (Node("a", "a", state="running"),))
    texts = [(), ("one",), ("one", "two", "three"), ("long " * 30, "長い" * 60, "🌡️" * 40)]

    heights = {
        show(
            live_frame(RunState(description, "running", "0" * 26, 1.0, tuple(map(Line, lines)))),
            width,
        ).ask(HEIGHT)
        for lines in texts
    }

    assert len(heights) == 1


def test_a_filter_reaches_what_is_scrolled_away(show: Any, run: str):
    """Of a hundred lines that are not all in sight the one error is left, and is in sight."""
    page = show(run, 700)
    [view] = page.find(".pd-run")

    choose(page, view, "errors")

    assert page.ask(IN_SIGHT) == ["[1] ValueError: no half of 2"]
