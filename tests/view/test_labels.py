from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.view.labels import ELLIPSIS, cells_of, shortened, width_of


@given(st.text(max_size=80), st.floats(2, 40))
def test_a_shortened_text_fits(text: str, width: float) -> None:
    """What is shortened is never wider than it may be."""
    assert width_of(shortened(text, width)) <= width + 1e-9


@given(st.text(max_size=80), st.floats(2, 40))
def test_a_text_is_shortened_in_its_middle(text: str, width: float) -> None:
    """Both ends of a long text stay, and a text that fits stays whole."""
    start, mark, end = shortened(text, width).rpartition(ELLIPSIS)

    if width_of(text) <= width:
        assert start + mark + end == text
    else:
        assert text.startswith(start)
        assert text.endswith(end)


@pytest.mark.parametrize(
    "text, cells",
    [
        pytest.param("load", 4, id="ascii"),
        pytest.param("größe", 5, id="latin"),
        pytest.param("読む", 4, id="wide"),
        pytest.param("e\u0301", 1, id="combining"),
    ],
)
def test_cells_are_counted_as_a_terminal_shows_them(text: str, cells: int) -> None:
    """Wide letters take two cells, marks on a letter none."""
    assert cells_of(text) == cells


def test_wide_letters_are_wider_than_narrow_ones() -> None:
    """The estimate knows letters, not only their number."""
    assert width_of("iiii") < width_of("aaaa") < width_of("mmmm") < width_of("読読読読")
