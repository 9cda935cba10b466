"""The page of plots: pictures and charts, and what is said where there is none."""

from __future__ import annotations

import re

from pypedream.view.data_plots import Axes
from pypedream.view.plots_page import PlotShown, plots_page

LOSS = b"step,loss\n1,0.9\n2,0.5\n"


def words_of(page: str) -> str:
    """Return what can be read on a page outside of its charts."""
    body = re.sub(r"<svg.*?</svg>", "[chart]", page.partition("<body>")[2], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_a_table_that_was_not_there_says_so():
    """The chart is called like the version that is there."""
    plot = PlotShown("a.csv", "fit", [("HEAD", None), ("now", LOSS)], Axes("step", "loss"))

    assert words_of(plots_page("flow", [plot])) == (
        "flow a.csv stage fit HEAD is not there now [chart]"
    )


def test_a_table_that_is_the_same_is_drawn_once():
    """And says so."""
    plot = PlotShown("a.csv", "fit", [("HEAD", LOSS), ("now", LOSS)])

    assert words_of(plots_page("flow", [plot])) == "flow a.csv stage fit the same [chart]"


def test_what_is_no_table_and_no_picture_has_its_size():
    """Nobody wonders where it is."""
    plot = PlotShown("a.bin", "fit", [("now", b"1234")])

    assert "4 bytes, which are no picture and no table" in plots_page("flow", [plot])


def test_a_picture_is_a_picture_also_if_columns_are_named():
    """Other programs may want these."""
    plot = PlotShown("a.png", "fit", [("now", b"x")], Axes("step"))

    assert "<img src=" in plots_page("flow", [plot])
