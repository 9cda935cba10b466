from __future__ import annotations

from pathlib import Path

import pytest

from pypedream.log.displayed import display_of
from pypedream.log.displays import MOST_BYTES, MOST_BYTES_IN_ALL, Display, Displays
from pypedream.log.redaction import Redactor


def number_of(displays: Displays, display: Display) -> int:
    """Keep something; its number."""
    told = displays.add("stage", display, "chart")
    assert told is not None
    return int(told["display"])


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
    number = number_of(displays, chart)
    for _ in range(2 * MOST_BYTES_IN_ALL // MOST_BYTES):
        displays.put(number, chart)

    assert number_of(displays, chart) == 2


def test_what_becomes_too_large_leaves_what_was_there():
    """A limit that an update passes by would be none."""
    displays = Displays()
    number = number_of(displays, Display("text/html", b"small"))
    displays.put(number, Display("text/html", b"x" * (MOST_BYTES + 1)))

    assert displays.get(number) == Display("text/html", b"small")


def test_one_file_for_what_changes_its_form(tmp_path: Path):
    """The record would show the form that was there first."""
    displays = Displays(tmp_path / "displays")
    number = number_of(displays, Display("image/png", b"drawing"))
    displays.put(number, Display("text/html", b"done"))

    assert [path.name for path in (tmp_path / "displays").iterdir()] == ["1.html"]


def test_what_takes_the_place_of_what_was_cleared_can_be_updated():
    """Each turn of a loop may clear, display and then update."""
    displays, call = Displays(), ("stage", None, 1)
    for name in ("first", "second"):
        displays.clear(call)
        displays.add("stage", Display("text/html", name.encode()), name, call)

    assert displays.number_of("second") == displays.number_of("first") == 1
    assert displays.get(1) == Display("text/html", b"second")


def test_what_replaces_another_says_that_it_was_not_written(tmp_path: Path):
    """As what is displayed first does: a record that lacks it is not to be trusted in silence."""
    displays, chart = Displays(), Display("text/html", b"a")
    number = number_of(displays, chart)
    displays.folder = tmp_path / "file"
    displays.folder.write_text("in the way")

    assert "not_written" in displays.put(number, chart)
    told = {"name": "chart", "update": True, "mime": "text/html", "content": b"b"}
    assert "not_written" in (displays.received("stage", told, None) or {})
    displays.clear(None)
    assert "not_written" in (displays.add("stage", chart, "chart") or {})
