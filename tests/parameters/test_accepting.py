from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Protocol, TypedDict, TypeVar

import pytest

from pypedream.errors import ParameterError
from pypedream.parameters import Secret
from pypedream.parameters.accepting import accept

Metres = NewType("Metres", float)
T = TypeVar("T")


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Readable(Protocol):
    def read(self) -> str: ...


class Row(TypedDict):
    name: str


@dataclass
class Model:
    depth: int = 3


@pytest.mark.parametrize(
    "value, annotation",
    [
        (3, int),
        (3.5, float),
        (True, bool),
        ("a", str),
        (None, None),
        (None, int | None),
        (3, int | str),
        ("fast", Literal["fast", "slow"]),
        ([1, 2], list[int]),
        ([1, None], list[int | None]),
        ((1, "a"), tuple[int, str]),
        ((1, 2, 3), tuple[int, ...]),
        ({1}, set[int]),
        ({"a": 1.5}, dict[str, float]),
        ((1, 2), Sequence[int]),
        ({"a": 1}, Mapping[str, int]),
        ([[1]], list[list[int]]),
        (date(2026, 1, 31), date),
        (Colour.RED, Colour),
        (print, Callable[[str], None]),
        (Model(), Model),
        (object(), Any),
        (object(), Readable),
        ({"name": "a"}, Row),
        (object(), T),
        (1.5, Metres),
        (3, Annotated[int, "rows"]),
    ],
    ids=str,
)
def test_value_of_the_type_stays_as_it_is(value: object, annotation: object) -> None:
    """A value that fits is returned itself; what cannot be checked fits."""
    assert accept(value, annotation) is value


@pytest.mark.parametrize(
    "value, annotation, expected",
    [
        (3, float, 3.0),
        (3, complex, 3 + 0j),
        ("2026-01-31", date, date(2026, 1, 31)),
        (date(2026, 1, 31), datetime, datetime.fromisoformat("2026-01-31")),
        ("a/b", Path, Path("a/b")),
        ("0.1", Decimal, Decimal("0.1")),
        (0.1, Decimal, Decimal("0.1")),
        ("RED", Colour, Colour.RED),
        ("b", Colour, Colour.BLUE),
        ([1, 2], tuple[int, ...], (1, 2)),
        ((1, 2), list[int], [1, 2]),
        ([1, 1], set[int], {1}),
        (["2026-01-31"], list[date], [date(2026, 1, 31)]),
        ({"a": 1}, dict[str, float], {"a": 1.0}),
        ({"depth": 5}, Model, Model(5)),
        ([{"depth": 5}], list[Model], [Model(5)]),
        ("2026-01-31", date | None, date(2026, 1, 31)),
        ("a", Secret[str], Secret("a")),
    ],
    ids=str,
)
def test_value_is_converted(value: object, annotation: object, expected: object) -> None:
    """A value that stands for one of the type without loss is converted."""
    accepted = accept(value, annotation)

    assert accepted == expected
    assert type(accepted) is type(expected)


@pytest.mark.parametrize(
    "value, annotation, reason",
    [
        (True, int, "is not an int"),
        (1, bool, "is not a bool"),
        (3.0, int, "is not an int"),
        ("3", int, "is not an int"),
        (10**400, float, "is not a float"),
        (3, str, "is not a str"),
        (None, int, "is not an int"),
        ("a", int | None, "is not an int"),
        (1.5, int | str, r"is not an int \| str"),
        ("fsat", Literal["fast", "slow"], 'is not one of fast, slow; did you mean "fast"'),
        (True, Literal[1], "is not one of 1"),
        ("BLEU", Colour, 'is not one of RED, BLUE; did you mean "BLUE"'),
        ("31.1.2026", date, "is not a date such as 2026-01-31"),
        ("a", Decimal, "is not a Decimal"),
        (3, Path, "is not a Path"),
        ("ab", list[str], r"is not a list\[str\]"),
        ("ab", Sequence[str], r"is not a Sequence\[str\]"),
        ([1, "a"], list[int], r"does not fit: item 2 \('a'\) is not an int"),
        ({"a": "b"}, dict[str, int], r"does not fit: item 'a' \('b'\) is not an int"),
        ({1: 1}, dict[str, int], r"does not fit: key \(1\) is not a str"),
        ([1], tuple[int, int], "has 1 items in place of 2"),
        ([1, 2], tuple[int], "has 2 items in place of 1"),
        ([[1]], set[list[int]], r"is not a set\[list\[int\]\]"),
        (3, Callable[[], None], "is not a Callable"),
        ({"dept": 5}, Model, "makes no Model: .*'dept'"),
        (3, Model, "is not a Model"),
    ],
    ids=str,
)
def test_value_is_refused(value: object, annotation: object, reason: str) -> None:
    """A value of another type is refused with a reason that names the type."""
    with pytest.raises(ParameterError, match=reason):
        accept(value, annotation)


def test_iterator_is_not_used_up() -> None:
    """An iterator is accepted as an Iterable without looking into it."""
    numbers = iter([1, 2])

    assert accept(numbers, Iterable[int]) is numbers
    assert list(numbers) == [1, 2]


def test_numpy_scalar_is_the_number_it_stands_for() -> None:
    """A numpy scalar is accepted as int, float, bool or str, and becomes that."""
    numpy = pytest.importorskip("numpy")

    assert type(accept(numpy.int64(3), int)) is int
    assert type(accept(numpy.float32(0.5), float)) is float
    assert type(accept(numpy.bool_(True), bool)) is bool
    assert accept(numpy.str_("fast"), Literal["fast"]) == "fast"
    with pytest.raises(ParameterError, match="is not an int"):
        accept(numpy.array([1, 2]), int)
