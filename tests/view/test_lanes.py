from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.view.lanes import MOST_LANES, lanes

Needs = dict[str, list[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Needs:
    """Graphs in which every key reads some of those before it."""
    count = draw(st.integers(0, 14))
    return {
        f"s{number}": [f"s{one}" for one in draw(st.sets(st.integers(0, number - 1), max_size=4))]
        if number
        else []
        for number in range(count)
    }


def read_back(keys: list[str], lines: list[str]) -> dict[str, set[str]]:
    """Follow the lines with a finger, as a reader does; return what each key reads."""
    below: dict[int, str] = {}
    found = {}
    for key, line in zip(keys, lines, strict=True):
        place = next(index for index, sign in enumerate(line) if sign in "●○")
        cells = [place]
        for step in (-2, 2):
            index = place + step
            while 0 <= index < len(line) and line[(index + index - step) // 2] == "─":
                cells.append(index)
                index += step
        touched = [cell for cell in cells if line[cell] in "●○├┤┼╰╯┴"]
        found[key] = {below[cell] for cell in touched if cell in below}
        for cell in touched:
            if line[cell] in "╰╯┴○":
                below.pop(cell, None)
        if line[place] == "●":
            below[place] = key
    return found


@pytest.mark.parametrize(
    "needs, drawing",
    [
        pytest.param({"a": [], "b": ["a"], "c": ["b"]}, ["●", "●", "○"], id="chain"),
        pytest.param(
            {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]},
            ["●", "├─●", "● │", "○─╯"],
            id="diamond",
        ),
        pytest.param(
            {"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"]},
            ["●", "├─●", "│ ●", "○─╯"],
            id="skip",
        ),
        pytest.param(
            {"a": [], "b": ["a"], "c": ["a"], "d": ["a"]},
            ["●", "├─○", "├─○", "○"],
            id="fan",
        ),
        pytest.param({"a": [], "b": [], "c": []}, ["○", "○", "○"], id="islands"),
    ],
)
def test_small_graphs_look_like_this(needs: Needs, drawing: list[str]) -> None:
    """A stage goes on in the lane of what it is the last to read, others join from the side."""
    assert [row.line.rstrip() for row in lanes(needs)] == drawing


@given(graphs())
def test_a_drawing_says_what_is_read_and_nothing_else(needs: Needs) -> None:
    """Who follows the lines finds all that each stage reads, and no more."""
    rows = lanes(needs)

    if rows:
        read = read_back(list(needs), [row.line for row in rows])
        assert read == {key: set(sources) for key, sources in needs.items()}


@given(graphs())
def test_ascii_says_the_same(needs: Needs) -> None:
    """Every character has one counterpart in ASCII, so nothing moves."""
    for row in lanes(needs):
        plain = row.in_ascii()
        assert (plain.line + plain.below).isascii()
        assert [letter == " " for letter in plain.line] == [letter == " " for letter in row.line]


@given(graphs())
def test_rows_are_equally_wide(needs: Needs) -> None:
    """What stands beside the drawing begins in one column."""
    widths = {len(text) for row in lanes(needs) for text in (row.line, row.below)}

    assert len(widths) <= 1


def test_further_lines_show_the_lanes_that_go_on() -> None:
    """A line that is broken does not break the drawing."""
    rows = lanes({"a": [], "b": ["a"], "c": ["a", "b"]})

    assert [row.below.rstrip() for row in rows] == ["│", "│ │", ""]


def test_a_drawing_that_nobody_could_follow_is_left_out() -> None:
    """More lanes than can be read are not drawn at all."""
    many = {f"s{number}": [] for number in range(MOST_LANES + 1)}
    end = {"end": list(many)}

    assert lanes({**many, **end}) == []


def test_what_is_read_from_further_down_is_not_drawn() -> None:
    """A cycle has no drawing, and does no harm."""
    assert [row.line for row in lanes({"a": ["b"], "b": ["a"], "c": ["c"]})] == ["●", "○", "○"]


@settings(max_examples=20)
@given(graphs())
def test_the_same_graph_gives_the_same_drawing(needs: Needs) -> None:
    """Nothing depends on the order of a set."""
    again = {key: sources[::-1] for key, sources in needs.items()}

    assert lanes(again) == lanes(needs)
