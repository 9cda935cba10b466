from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NewType

import pytest

from pypedream.parameters import Secret
from pypedream.parameters import annotations as types

Metres = NewType("Metres", float)


class Colour(Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    "annotation, expected",
    [
        (int, int),
        (None, type(None)),
        (Annotated[int, "rows"], int),
        (Final[int], int),
        (Annotated[Metres, "long"], float),
    ],
    ids=str,
)
def test_plain_type(annotation: object, expected: object) -> None:
    """Annotated, Final and NewType are taken off a type."""
    assert types.plain(annotation) is expected


@pytest.mark.parametrize(
    "annotation, name",
    [
        (int, "int"),
        (None, "None"),
        (Any, "any"),
        (int | None, "int | None"),
        (list[int], "list[int]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (dict[str, list[date]], "dict[str, list[date]]"),
        (Mapping[str, int], "Mapping[str, int]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, "rows"], "int"),
        (Secret, "Secret"),
        (Colour, "Colour"),
    ],
    ids=str,
)
def test_name_of_a_type(annotation: object, name: str) -> None:
    """A type is named as a user writes it, without the modules."""
    assert types.name_of(annotation) == name


def test_name_of_a_callable_type() -> None:
    """Even a type whose arguments are a list has a name."""
    assert "Callable" in types.name_of(Callable[..., int])


@pytest.mark.parametrize(
    "default, expected",
    [
        (3, int),
        (True, bool),
        ("a", str),
        (date(2026, 1, 31), date),
        (Path("a"), Path),
        (Decimal(1), Decimal),
        (Colour.RED, Colour),
        ([1, 2], list[int]),
        ([1, "a"], list),
        ([], list),
        ((1.5,), tuple[float, ...]),
        ({"a"}, set[str]),
        ({"a": 1}, dict),
        (None, None),
        (object(), None),
    ],
    ids=str,
)
def test_type_inferred_from_a_default(default: object, expected: object) -> None:
    """A default says how text is read, if its type is one that text can be read as."""
    assert types.inferred(default) == expected


@pytest.mark.parametrize(
    "annotation, expected",
    [
        (Literal["a", "b"], ("a", "b")),
        (Literal["a"] | None, ("a",)),
        (Colour, (Colour.RED, Colour.BLUE)),
        (int, None),
        (Literal["a"] | int, None),
    ],
    ids=str,
)
def test_choices_of_a_type(annotation: object, expected: object) -> None:
    """A Literal and an Enum have choices, also when None is allowed beside them."""
    assert types.choices_of(annotation) == expected


@pytest.mark.parametrize(
    "annotation, expected",
    [(Secret, True), (list[Secret[str]], True), (Secret | None, True), (str, False)],
    ids=str,
)
def test_secret_in_a_type(annotation: object, *, expected: bool) -> None:
    """A secret is found at any depth of a type."""
    assert types.mentions_secret(annotation) is expected


@pytest.mark.parametrize(
    "annotation, expected",
    [(list[int], list), (Sequence[int], list), (Mapping[str, int], dict), (tuple, tuple)],
    ids=str,
)
def test_container_of_a_type(annotation: object, expected: object) -> None:
    """An abstract container type stands for the builtin that is made of its members."""
    assert types.container_of(annotation) is expected
