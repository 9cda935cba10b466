import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.log.rows import Rows

PAIRS = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]


def rows_of(pairs):
    rows = Rows(2)
    for pair in pairs:
        rows.append(pair)
    return rows


@given(st.lists(st.tuples(st.text(), st.integers())), st.integers(-6, 6), st.integers(-6, 6))
def test_rows_are_read_like_a_list_of_tuples(pairs, start, stop):
    """Length, order, slices and equality are those of a list."""
    rows = rows_of(pairs)

    assert len(rows) == len(pairs)
    assert list(rows) == pairs
    assert rows[start:stop] == pairs[start:stop]
    assert rows[::-1] == pairs[::-1]
    assert rows == rows_of(pairs)


@pytest.mark.parametrize("index", [0, 3, -1, -4])
def test_a_row_is_a_tuple(index):
    """An index counts from either end."""
    assert rows_of(PAIRS)[index] == PAIRS[index]


@pytest.mark.parametrize("index", [4, -5])
def test_there_is_no_row_beyond_the_ends(index):
    """It is an IndexError, as for a list."""
    with pytest.raises(IndexError, match="out of range"):
        rows_of(PAIRS)[index]


def test_a_column_is_a_list():
    """The values at one place of some rows; the place may count from the end."""
    rows = rows_of(PAIRS)

    assert rows.column(0) == ["a", "b", "c", "d"]
    assert rows.column(-1, 1, 3) == [2, 3]


def test_rows_that_are_not_wanted_go_in_one_step():
    """What was appended after those that were looked at stays, and goes on growing."""
    rows = rows_of(PAIRS)

    rows.keep([False, True, False])
    rows.append(("e", 5))

    assert rows == [("b", 2), ("d", 4), ("e", 5)]
    assert rows.removed == 2


def test_the_end_can_be_cut_off():
    """From an index on nothing is left."""
    rows = rows_of(PAIRS)

    rows.cut(1)

    assert rows == [("a", 1)]
    assert rows.removed == 3


def test_a_slice_is_a_copy():
    """It does not change when the table grows."""
    rows = rows_of(PAIRS[:2])
    part = rows[:]

    rows.append(PAIRS[2])

    assert part == PAIRS[:2]


def test_threads_do_not_mix_rows():
    """A row is appended in one step, whoever else appends and reads."""
    rows = Rows(3)
    torn = []

    def append(number):
        for count in range(2000):
            rows.append((number, count, number))

    def read():
        for _ in range(20):
            torn.extend(row for row in rows if row[0] != row[2])

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert torn == []
    assert len(rows) == 8000
    assert all(row[0] == row[2] for row in rows)
