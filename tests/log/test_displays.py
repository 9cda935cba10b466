from __future__ import annotations

from pathlib import Path

import pytest

from pypedream.log.displayed import display_of
from pypedream.log.displays import MOST_BYTES, MOST_BYTES_IN_ALL, Display, Displays
from pypedream.log.redaction import Redactor


@pytest.mark.parametrize("redactor", [None, Redactor(["abcd-1234"])])
def test_letters_that_are_none_do_not_fail_the_stage(redactor: Redactor | None):
    r"""A table of file names may have them: Python writes bytes that are no UTF-8 so."""
    display = display_of({"text/html": "<td>caf\udce9</td>"}, redactor)

    assert display == Display("text/html", b"<td>caf\\udce9</td>")


@pytest.mark.parametrize("content", ["abcde", "\u00e9"])
def test_a_picture_that_is_none_does_not_fail_the_stage(content: str):
    """A notebook shows nothing for it; the next form is taken."""
    data = {"image/png": content, "text/html": "<b>a</b>"}

    assert display_of(data, None) == Display("text/html", b"<b>a</b>")


def test_what_is_replaced_takes_no_room():
    """A chart that is updated for an hour leaves room for what other stages display."""
    displays, chart = Displays(), Display("text/html", b"x" * MOST_BYTES)
    number = displays.add("slow", chart, "chart")["display"]
    for _ in range(2 * MOST_BYTES_IN_ALL // MOST_BYTES):
        displays.put(number, chart)

    assert "display" in displays.add("next", chart, None)


def test_what_becomes_too_large_leaves_what_was_there():
    """A limit that an update passes by would be none."""
    displays = Displays()
    number = displays.add("slow", Display("text/html", b"small"), "chart")["display"]
    displays.put(number, Display("text/html", b"x" * (MOST_BYTES + 1)))

    assert displays.get(number) == Display("text/html", b"small")


def test_one_file_for_what_changes_its_form(tmp_path: Path):
    """The record would show the form that was there first."""
    displays = Displays(tmp_path / "displays")
    number = displays.add("slow", Display("image/png", b"drawing"), "chart")["display"]
    displays.put(number, Display("text/html", b"done"))

    assert [path.name for path in (tmp_path / "displays").iterdir()] == ["1.html"]
