import io
import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.log.terminal import Screen, cut, visible


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class Bytes(io.TextIOWrapper):
    """A stream of an encoding, as Windows and old terminals have."""

    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding, newline="")

    def written(self):
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("plain text", "plain text"),
        (
            "äöü 日本 \U0001f469\u200d\U0001f680 a\u0301",
            "äöü 日本 \U0001f469\u200d\U0001f680 a\u0301",
        ),
        ("no\u00a0break", "no\u00a0break"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\rb\x08", r"a\rb\x08"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eabc", r"\u202eabc"),
        ("\u2066abc\u2069", r"\u2066abc\u2069"),
        ("a\u2028b", r"a\u2028b"),
        ("a\u200bb", r"a\u200bb"),
        ("\ud800", r"\ud800"),
        ("a\x00b\x7f", r"a\x00b\x7f"),
        ("a\tb", "a       b"),
        ("\U000e0041", r"\U000e0041"),
    ],
    ids=ascii,
)
def test_what_is_dangerous_is_escaped(text, expected):
    """Escapes, controls and turns of direction become readable; letters of all kinds stay."""
    assert visible(text) == expected


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_visible_can_do_anything(text):
    """No control character, mark of direction or half of a surrogate pair is left in any text."""
    for letter in visible(text):
        assert unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(letter) not in ("LRE", "RLE", "LRO", "RLO", "PDF")
        assert unicodedata.bidirectional(letter) not in ("LRI", "RLI", "FSI", "PDI")


@pytest.mark.parametrize(
    "text, cells, expected",
    [
        ("abcdef", 3, "abc"),
        ("abc", 10, "abc"),
        ("日本語", 4, "日本"),
        ("日本語", 5, "日本"),
        ("a\u0301bc", 2, "a\u0301b"),
        ("äb", 1, "ä"),
    ],
)
def test_text_is_cut_by_the_cells_that_it_takes(text, cells, expected):
    """Wide letters take two cells, marks on letters none."""
    assert cut(text, cells) == expected


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp437", "shift_jis"])
def test_what_an_encoding_lacks_is_escaped(encoding):
    """No text makes a stream raise."""
    stream = Bytes(encoding)

    Screen(stream).write("ok äöü ✓ 日本 \U0001f680\n")

    assert stream.written().startswith("ok ")
    assert stream.written().endswith("\n")
    assert r"\U0001f680" in stream.written()


@pytest.mark.parametrize(
    "encoding, has_glyphs", [("utf-8", True), ("cp1252", False), ("ascii", False)]
)
def test_signs_are_used_where_the_encoding_has_them(encoding, has_glyphs):
    """Under cp1252 there is neither a check mark nor a bar."""
    assert Screen(Bytes(encoding)).has_glyphs is has_glyphs


def test_a_stream_without_an_encoding_takes_all():
    """StringIO and the like have none."""
    stream = io.StringIO()

    Screen(stream).write("✓")

    assert stream.getvalue() == "✓"


def test_an_unknown_encoding_is_taken_as_ascii():
    """A stream may claim anything."""
    stream = Terminal()
    stream.encoding = "no such thing"

    Screen(stream).write("✓ a")

    assert stream.getvalue() == r"\u2713 a"


def test_a_terminal_has_colors():
    """Text can be painted there."""
    assert Screen(Terminal()).paint("text", "31") == "\x1b[31mtext\x1b[0m"


@pytest.mark.parametrize(
    "variable, value, is_terminal", [("NO_COLOR", "1", True), ("TERM", "dumb", False)]
)
def test_no_colors_when_they_are_not_wanted(monkeypatch, variable, value, is_terminal):
    """NO_COLOR and a terminal that cannot are respected."""
    monkeypatch.setenv(variable, value)

    screen = Screen(Terminal())

    assert screen.paint("text", "31") == "text"
    assert screen.is_terminal is is_terminal


def test_an_empty_no_color_does_not_count():
    """As the convention says: set and not empty."""
    os.environ["NO_COLOR"] = ""

    assert Screen(Terminal()).has_color


class Closed(io.StringIO):
    def isatty(self):
        raise ValueError("I/O operation on closed file")


class Mute:
    def write(self, text):
        pass


@pytest.mark.parametrize(
    "stream", [io.StringIO(), Closed(), Mute()], ids=["text", "closed", "mute"]
)
def test_no_terminal(stream):
    """What does not say that it is one is none."""
    assert not Screen(stream).is_terminal


@pytest.mark.parametrize("columns, width", [("40", 40), ("", 80), ("wide", 80), ("0", 80)])
def test_the_width_of_what_is_no_file(monkeypatch, columns, width):
    """COLUMNS says it, or it is 80."""
    monkeypatch.setenv("COLUMNS", columns)

    assert Screen(Terminal()).width() == width
