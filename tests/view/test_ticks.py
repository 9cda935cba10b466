"""Ticks: round numbers along an axis."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.view.ticks import tick_texts, ticks, time_ticks

numbers = st.floats(-1e12, 1e12)


@given(numbers, st.floats(1e-6, 1e12), st.integers(2, 12))
def test_ticks_are_in_the_range_in_order_and_few(low: float, wide: float, most: int) -> None:
    """Whatever the range is, at least one is there, and never more than asked for."""
    high = low + wide

    found = ticks(low, high, most)

    slack = 1e-6 * max(abs(low), abs(high), wide)
    assert 1 <= len(found) <= most
    assert all(low - slack <= value <= high + slack for value in found)
    assert found == sorted(set(found))


@given(st.floats(1e-9, 1e12), st.integers(3, 12))
def test_from_zero_there_are_two_at_least(high: float, most: int) -> None:
    """With equal steps that begin with 1, 2 or 5."""
    found = ticks(0.0, high, most)

    steps = {f"{after - before:.3g}" for before, after in pairwise(found)}
    assert len(found) > 1
    assert len(steps) == 1
    assert next(iter(steps)).lstrip("0.")[0] in "125"


@given(numbers, st.floats(1e-3, 1e12))
def test_no_two_ticks_have_the_same_text(low: float, wide: float) -> None:
    """As many decimals are written as tell them apart."""
    found = ticks(low, low + max(wide, abs(low) * 1e-4))

    assert len(set(tick_texts(found))) == len(found)


@pytest.mark.parametrize("values", [(3.0, 3.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_a_range_that_is_none_has_one_tick_at_most(values: tuple[float, float]) -> None:
    """One number, or what is no number, has no steps."""
    assert len(ticks(*values)) <= 1


@pytest.mark.parametrize(
    "span_s, last",
    [(0.003, "3.0 ms"), (1.5, "1.5 s"), (100, "100 s"), (3600, "60 min"), (9000, "2.5 h")],
)
def test_times_bear_the_unit_that_fits(span_s: float, last: str) -> None:
    """From microseconds to days."""
    assert time_ticks(span_s)[-1][1] == last
