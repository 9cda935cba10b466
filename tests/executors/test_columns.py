"""Columns: a sequence of what calls are given, kept by argument."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.executors.columns import Columns, columns_of, given_to

PAIRS = st.lists(st.tuples(st.integers(), st.text()))


@given(PAIRS, st.slices(5))
def test_columns_are_the_calls(calls: list[tuple[int, str]], part: slice) -> None:
    """Their number, each of them, all in order and any part of them are those of a list."""
    columns = Columns([[number for number, _ in calls], [text for _, text in calls]], len(calls))

    assert len(columns) == len(calls)
    assert [*columns] == [columns[place] for place in range(len(calls))] == calls
    assert [*columns[part]] == calls[part]


@given(PAIRS)
def test_a_list_of_calls_has_columns_as_well(calls: list[tuple[int, str]]) -> None:
    """Whichever of the two it is, what travels is the same."""
    assert [*zip(*columns_of(calls), strict=True)] == calls
    assert columns_of(columns := Columns([[1, 2]], 2)) is columns.columns


def test_calls_without_a_value_of_their_own_are_counted() -> None:
    """As the call of an ordinary stage is."""
    calls = Columns([], 2)

    assert [*calls] == [calls[0], calls[1]] == [(), ()]
    assert len(calls[1:]) == 1
    assert columns_of([()]) == []


@pytest.mark.parametrize(
    "calls, expected",
    [
        (Columns([[1, 2]], 2), [1, 2]),
        ([(1,), (2,)], [1, 2]),
        (Columns([[1, 2], [3, 4]], 2), [(1, 3), (2, 4)]),
        ([(1, 3), (2, 4)], [(1, 3), (2, 4)]),
        (Columns([], 1), [()]),
        ([()], [()]),
    ],
    ids=["column", "tuples of one", "columns", "tuples", "no column", "nothing"],
)
def test_a_call_is_given_its_value_or_a_tuple(calls: object, expected: object) -> None:
    """The value where each call has one, else all of its values together."""
    assert [*given_to(calls)] == expected  # type: ignore[arg-type]
