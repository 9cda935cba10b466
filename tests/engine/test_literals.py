from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.engine.literals import WIDTH, literal

NAMES = {"datetime": datetime, "Decimal": Decimal, "Path": Path}
KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats()
SCALARS = KEYS | st.complex_numbers() | st.dates() | st.datetimes() | st.timedeltas()
VALUES = st.recursive(
    SCALARS | st.decimals(allow_nan=False) | st.frozensets(KEYS, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=8,
)


def written(value: object) -> object:
    """Return what a value is like: NaN is not equal to itself, and sets have no order."""
    if isinstance(value, (list, tuple)):
        return type(value), [*map(written, value)]
    if isinstance(value, dict):
        return dict, [(repr(key), written(each)) for key, each in value.items()]
    if isinstance(value, frozenset):
        return frozenset, sorted(map(repr, value))
    return type(value), repr(value)


@given(VALUES)
def test_a_literal_makes_the_same_value_again(value):
    """What is written evaluates to a value that writes itself in the same way, on any line."""
    piece = literal(value)
    if piece is None:
        return

    for text in (piece.on_one_line(), piece.laid_out(4, before=4), piece.laid_out(0, before=200)):
        again = eval(f"({text})", dict(NAMES))
        assert type(again) is type(value)
        assert again == value or written(again) == written(value)


@pytest.mark.parametrize(
    "value, text",
    [
        ('say "no"', "'say \"no\"'"),
        ("it's", '"it\'s"'),
        ({"a": [1, -0.0]}, '{"a": [1, -0.0]}'),
        ((1,), "(1,)"),
        (set(), "set()"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (float("-inf"), 'float("-inf")'),
        (Path("data/x.csv"), 'Path("data/x.csv")'),
        (datetime.date(2026, 1, 2), "datetime.date(2026, 1, 2)"),
        (datetime.time(1, 2, tzinfo=datetime.UTC), "datetime.time(1, 2, tzinfo=datetime.UTC)"),
        (b"\x00", 'b"\\x00"'),
    ],
    ids=repr,
)
def test_a_literal_is_what_a_person_would_write(value, text):
    """Quotes are double, members of a set are in order."""
    piece = literal(value)

    assert piece is not None
    assert piece.on_one_line() == text


ROW: list[int] = [0]
ROUND: list[object] = []
ROUND.append(ROUND)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        [ROW, ROW],
        ROUND,
        list(range(1000)),
        "x" * 1000,
        10**1000,
        type("Number", (int,), {})(3),
        datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
    ],
    ids=["object", "one-list-twice", "circle", "many", "long", "huge", "subclass", "zone"],
)
def test_what_is_not_plain_or_not_small_is_no_literal(value):
    """Written twice, one list would be two; a subclass would become its base."""
    assert literal(value) is None


def test_what_is_too_wide_is_laid_out_a_member_a_line():
    """No line is wider than it may be, and each member ends with a comma."""
    piece = literal({"names": ["a" * 30, "b" * 30, "c" * 30], "n": 1})

    assert piece is not None
    text = piece.laid_out(4, before=12)
    assert text.splitlines()[1] == '        "names": ['
    assert text.splitlines()[-2:] == ['        "n": 1,', "    }"]
    assert max(map(len, text.splitlines())) <= WIDTH
