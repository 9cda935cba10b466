from io import BytesIO, StringIO, TextIOWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.context import Attempt
from pypedream.log.event_log import EventLog
from pypedream.log.lines import LONGEST, MANY, Line
from pypedream.log.redaction import Redactor


@pytest.fixture
def log():
    return EventLog("run-1")


@pytest.fixture
def line(log):
    return Line(Attempt(log, "load"), "stdout")


def texts(log, kind="print"):
    return [record[5] for record in log.records if record[3] == kind]


def write(line, *pieces):
    for piece in pieces:
        line.write(piece)


def test_pieces_become_one_line(log, line):
    """What one print writes in pieces is one record."""
    write(line, "row", " ", "1", "\n")

    assert texts(log) == ["row 1"]


def test_nothing_before_the_newline(log, line):
    """A line is recorded when it ends, not before."""
    line.write("row")

    assert texts(log) == []


def test_several_lines_in_one_text(log, line):
    """A text of several lines becomes as many records, empty ones as well; the rest waits."""
    write(line, "a\n\nb\nc", "d\n")

    assert texts(log) == ["a", "", "b", "cd"]


@pytest.mark.parametrize(
    "separator",
    ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"],
    ids=ascii,
)
def test_only_a_newline_ends_a_line(log, line, separator):
    """What ``str.splitlines`` takes for an end of line stays within the line."""
    line.write(f"a{separator}b\n")

    assert texts(log) == [f"a{separator}b"]


def test_windows_line_ends(log, line):
    r"""A ``\r\n`` ends a line like a ``\n``."""
    write(line, "a\r\nb", "\r\n")

    assert texts(log) == ["a", "b"]


def test_unfinished_line(log, line):
    """A line without newline is recorded when nobody will write it to its end."""
    line.write("no newline")
    line.finish()
    line.finish()

    assert texts(log) == ["no newline"]


def test_record_says_where_it_comes_from(log, line):
    """A record holds attempt, kind, level and stream; its numbers grow."""
    line.write("a\nb\n")

    (first, *_), (second, *_) = log.records
    assert second > first
    assert log.records[0][2:] == (line.attempt, "print", "info", "a", "stdout", None)


def test_endless_line_is_cut(log, line):
    """A line that does not end is recorded in parts that say so; no character is lost."""
    text = "x" * (2 * LONGEST + 10)
    write(line, text, "\n")

    assert [len(each) for each in texts(log)] == [LONGEST, LONGEST, 10]
    assert [record[7] for record in log.records] == [{"continues": True}] * 2 + [None]


def test_endless_line_of_small_pieces_is_cut(log, line):
    """Small pieces without an end do not pile up."""
    for _ in range(LONGEST + 10):
        line.write("x")

    assert len(line.pieces) <= MANY
    assert sum(map(len, texts(log))) + sum(map(len, line.pieces)) == LONGEST + 10


@given(st.lists(st.text(st.sampled_from("ab \n\t\u2028é\x0b"), max_size=8), max_size=20))
def test_no_character_is_lost(pieces):
    """In whatever pieces a text is written, its lines are the text split at its newlines."""
    log = EventLog("run-1")
    line = Line(Attempt(log, "load"), "stdout")
    write(line, *pieces)
    line.finish()

    expected = "".join(pieces).split("\n")
    assert texts(log) == (expected if expected[-1] else expected[:-1])


def test_rewritten_line_is_one_line(log, line):
    """Of a line that is rewritten, as bars do, the last state is the line."""
    write(line, "\r 10%", "\r 50%", "\r100%", "\n")

    assert texts(log) == ["100%"]


def test_carriage_return_at_the_end(log, line):
    """A carriage return instead of the newline rewrites as well."""
    for share in (1, 50, 100):
        write(line, f"{share}%", "\r")
    write(line, "\n")

    assert texts(log) == ["100%"]


def test_progress_once_a_second(log, line):
    """A thousand rewritings are one progress record at the start and one when all is done."""
    for done in range(1000):
        line.write(f"\r{done + 1}/1000")
    line.write("\n")

    assert texts(log, "progress") == ["1/1000", "1000/1000"]


@pytest.mark.parametrize(
    "bar, data",
    [
        ("52%|#####     | 52/100 [00:01<00:01]", {"done": 52, "total": 100}),
        ("reading 7%", {"done": 7, "total": 100}),
        ("1.2M/3.0M 40%", {"done": 40, "total": 100}),
        ("on 2024/11/30", None),
        ("still at it", None),
    ],
)
def test_progress_is_read_from_the_bar(log, line, bar, data):
    """How far a bar is becomes data, if it can be read."""
    line.write(f"\r{bar}")

    assert [(record[5], record[7]) for record in log.records] == [(bar, data)]


def test_bar_that_is_cleared_leaves_nothing(log, line):
    """A bar that wipes itself out is no line, and what is printed then is only itself."""
    write(line, "\r 10%", "\r      \r", "done\n")
    write(line, "\r 10%", "\r      \r")
    line.finish()

    assert texts(log) == ["done"]


def test_bars_below_each_other(log, line):
    """Two bars that draw in turns leave the last of the upper one, and not a line for each turn."""
    write(line, "\router 0%", "\n")
    for share in range(0, 100, 10):
        write(line, "\n", f"\rinner {share}%", "\x1b[A", f"\router {share}%")
    write(line, "\router 100%", "\n")
    line.finish()

    assert texts(log)[-1] == "outer 100%"
    assert len(texts(log)) <= 3


def test_prompt_is_shown_at_once(log, line):
    """A line that is shown before its end is shown to its end, and its record says so."""
    console = StringIO()
    line.write("Name? ")
    line.show(console)
    line.show(console)
    assert console.getvalue() == "Name? "
    line.write("Ada\n")

    assert console.getvalue() == "Name? Ada\n"
    assert [(record[5], record[7]) for record in log.records] == [("Name? Ada", {"shown": True})]


def test_prompt_comes_after_what_was_printed_before():
    """Whatever a sink has not yet got is handed over before a prompt appears."""
    seen = []
    log = EventLog("run-1", sinks=[seen.append])
    line = Line(Attempt(log, "load"), "stdout")
    line.write("first\n")
    line.write("second\nName? ")
    line.show(StringIO())

    assert [event.event for event in seen] == ["first", "second"]


def test_bar_is_not_shown_as_a_prompt(line):
    """A flush after each rewriting does not bring the bar to the console."""
    console = StringIO()
    line.write("\r 10%")
    line.show(console)

    assert console.getvalue() == ""


def test_prompt_has_no_control_characters(line):
    """A prompt cannot steer the terminal."""
    console = StringIO()
    line.write("\x1b[2J\u202eName?")
    line.show(console)

    assert console.getvalue() == "\\x1b[2J\\u202eName?"


def test_prompt_that_the_encoding_does_not_have(line):
    """A prompt is shown by any encoding, as well as it can."""
    raw = BytesIO()
    line.write("größer → kleiner? ")
    line.show(TextIOWrapper(raw, encoding="cp1252"))

    assert raw.getvalue().decode("cp1252") == "größer \\u2192 kleiner? "


def test_prompt_has_no_secrets():
    """A prompt is redacted like the log."""
    console = StringIO()
    line = Line(Attempt(EventLog("run-1", redactor=Redactor(["hunter2"])), "load"), "stdout")
    line.write("is it hunter2? ")
    line.show(console)

    assert console.getvalue() == "is it ***? "
