from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import ParameterError
from pypedream.parameters import Secret
from pypedream.parameters.reading import read


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Model:
    depth: int = 3


@pytest.mark.parametrize(
    "text, annotation, expected",
    [
        ("3", int, 3),
        (" 3 ", int, 3),
        ("3", float, 3.0),
        ("1e-3", float, 0.001),
        ("1+2j", complex, 1 + 2j),
        (" a b ", str, " a b "),
        ("3", str, "3"),
        ("none", int | None, None),
        ("NULL", int | None, None),
        ("", str | None, None),
        ("3", int | None, 3),
        ("3", int | str, 3),
        ("a", str | int, "a"),
        ("3", str | int, 3),
        ("2026-01-31", date, date(2026, 1, 31)),
        ("2026-01-31T12:30", datetime, datetime.combine(date(2026, 1, 31), time(12, 30))),
        ("12:30", time, time(12, 30)),
        ("a/b.csv", Path, Path("a/b.csv")),
        ("0.10", Decimal, Decimal("0.10")),
        ("RED", Colour, Colour.RED),
        ("2", Colour, Colour.BLUE),
        ("slow", Literal["fast", "slow"], "slow"),
        ("2", Literal[1, 2], 2),
        ("1, 2", list[int], [1, 2]),
        ("[1, 2]", list[int], [1, 2]),
        ("", list[int], []),
        ("a,b", list[str], ["a", "b"]),
        ("1,a", list, [1, "a"]),
        ("1,2", tuple[int, ...], (1, 2)),
        ("1,a", tuple[int, str], (1, "a")),
        ("a,b,a", set[str], {"a", "b"}),
        ("1,2", Sequence[int], [1, 2]),
        ("2026-01-31", list[date], [date(2026, 1, 31)]),
        ('{"a": 1}', dict[str, int], {"a": 1}),
        ("a=1,b=2", dict[str, int], {"a": 1, "b": 2}),
        ('["2026-01-31"]', list[date], [date(2026, 1, 31)]),
        ('{"depth": 5}', Model, Model(5)),
        ("12345678123456781234567812345678", UUID, UUID("12345678123456781234567812345678")),
        ("123", Secret, Secret("123")),
        ("123", Secret[int], Secret(123)),
        ("3", Annotated[int, "rows"], 3),
        ("3", Any, 3),
        ("[1, 2]", None, [1, 2]),
        ("true", None, True),
        ("a word", None, "a word"),
        ("NaN", None, "NaN"),
    ],
    ids=str,
)
def test_text_is_read_by_type(text: str, annotation: object, expected: object) -> None:
    """The same text is another value for another type; of no type, it is JSON or itself."""
    value = read(text, annotation)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("text", ["true", "YES", "1", "on", " True "])
def test_words_for_true(text: str) -> None:
    """Yes, on, 1 and true are true, in any case."""
    assert read(text, bool) is True


@pytest.mark.parametrize("text", ["false", "No", "0", "OFF"])
def test_words_for_false(text: str) -> None:
    """No, off, 0 and false are false, in any case."""
    assert read(text, bool) is False


@pytest.mark.parametrize(
    "text, annotation, reason",
    [
        ("3.5", int, "is not an int"),
        ("9" * 5000, int, "is not an int"),
        ("x", float, "is not a float"),
        ("maybe", bool, "is not true or false"),
        ("x", int | None, "is not an int"),
        ("x", int | float, r"is not an int \| float"),
        ("31.1.2026", date, "is not a date such as 2026-01-31"),
        ("x", Decimal, "is not a Decimal"),
        ("RDE", Colour, 'is not one of RED, BLUE; did you mean "RED"'),
        ("fsat", Literal["fast"], 'is not one of fast; did you mean "fast"'),
        ("1,x", list[int], "does not fit: 'x' is not an int"),
        ("[1,", list[int], "is not JSON"),
        ('["x"]', list[int], "does not fit: item 1"),
        ("1,2", tuple[int, int, int], "has 2 items in place of 3"),
        ("a", dict[str, int], "is not JSON and not of the form key=value"),
        ("deep", Model, "is not a Model"),
    ],
    ids=str,
)
def test_text_is_refused(text: str, annotation: object, reason: str) -> None:
    """Text that is nothing of the type is refused with a reason."""
    with pytest.raises(ParameterError, match=reason):
        read(text[:5000], annotation)


@given(st.integers() | st.floats(allow_nan=False) | st.booleans() | st.dates())
def test_text_of_a_value_reads_as_the_value(value: object) -> None:
    """Reading what str() makes of a value gives the value back."""
    assert read(str(value), type(value)) == value


@given(st.lists(st.integers()))
def test_members_with_commas_read_as_the_list(value: list[int]) -> None:
    """A list of numbers is its members with commas between them."""
    assert read(",".join(map(str, value)), list[int]) == value


@given(st.text())
def test_text_without_a_type_is_never_refused(text: str) -> None:
    """When nothing is known of a type, any text is a value."""
    read(text)
