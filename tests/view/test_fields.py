from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import NOTHING, Factory, define
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import ParameterError
from pypedream.parameters import Parameter, Parameters, Secret
from pypedream.view.fields import Field, fields_of

try:
    import numpy as np
except ImportError:  # it is no requirement of the package
    NUMPY: list[Any] = []
else:
    NUMPY = [(np.float64(0.1), "text", "0.1"), (np.zeros(3), "fixed", "ndarray float64 (3,)")]


class Colour(Enum):
    RED = 1
    BLUE = 2


@define
class Settings:
    depth: int = 3
    leaves: int = Factory(lambda self: 2**self.depth, takes_self=True)


def field_of(definition: Any) -> Field:
    (only,) = fields_of(Parameters.define(x=definition))
    return only


@pytest.mark.parametrize(
    "definition, kind, initial",
    [
        (True, "check", True),
        (3, "text", "3"),
        (Parameter(int, 3, min=1, max=20), "text", "3"),
        (2**60, "text", str(2**60)),
        (Parameter(int), "text", ""),
        (Parameter(int | None, 3), "text", "3"),
        (0.1, "text", "0.1"),
        (Parameter(float, 3), "text", "3.0"),
        (float("inf"), "text", "inf"),
        (Parameter(float | None, None), "text", ""),
        ("abc", "text", "abc"),
        ("two\nlines", "lines", "two\nlines"),
        (Path("a/b"), "text", str(Path("a/b"))),
        (Decimal("0.10"), "text", "0.10"),
        (date(2026, 1, 31), "date", date(2026, 1, 31)),
        (Parameter(date | None, None), "date", None),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "text", "2026-01-31 12:00:00+00:00"),
        (Parameter(Literal["a", "b"], "b"), "choice", 1),
        (Parameter(default="b", choices=["a", "b"]), "choice", 1),
        (Parameter(Colour, Colour.BLUE), "choice", 1),
        (Colour.BLUE, "choice", 1),
        (Parameter(Colour), "choice", None),
        (Parameter(bool), "choice", None),
        (Parameter(bool | None, None), "choice", 0),
        (Parameter(Colour | None, None), "choice", 0),
        ([1, 2], "lines", "1, 2"),
        (["a,b", "c"], "lines", '["a,b", "c"]'),
        (Parameter(list[Colour], [Colour.RED]), "lines", "RED"),
        ((1.5, 2.0), "lines", "1.5, 2.0"),
        (Parameter(dict, {"a": 1}), "lines", '{"a": 1}'),
        (Secret("hunter2"), "hidden", ""),
        (Parameter(default="a", choices=["a", "b"], secret=True), "hidden", ""),
        (len, "fixed", "<built-in function len>"),
        *NUMPY,
    ],
)
def test_the_field_fits_the_type(definition, kind, initial):
    """Each parameter has the field that its type, its rules and its value ask for."""
    one = field_of(definition)

    assert (one.kind, one.initial) == (kind, initial)
    assert type(one.initial) is type(initial)


@pytest.mark.parametrize("value", [len, "a", [1, "x", None], {1: object()}, Secret("x"), 2**70])
def test_a_field_that_is_left_gives_the_very_value(value):
    """Nothing is read or copied, so what nobody could type survives a form."""
    one = field_of(Parameter(default=value))

    assert one.read(one.initial) is one.value


@pytest.mark.parametrize(
    "definition, entered, value",
    [
        (True, False, False),
        (Parameter(int, 3, max=20), "20", 20),
        (Parameter(float, 0.1), " 2e-3", 0.002),
        (Parameter(int | None, 3), "", None),
        (Parameter(int | None, None), "5", 5),
        (Parameter(int), " 5", 5),
        (Parameter(Colour, Colour.RED), 1, Colour.BLUE),
        (Parameter(Colour | None, Colour.RED), 0, None),
        (Parameter(bool), 0, True),
        (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 1)),
        (Parameter(date | None, date(2026, 1, 31)), None, None),
        (Path("a"), "b/c", Path("b/c")),
        ([1, 2], "3\n4,\n\n5, 6\n", [3, 4, 5, 6]),
        ([1, 2], "[3, 4]", [3, 4]),
        ([1, 2], "", []),
        (["a"], "one, two\nthree four", ["one", "two", "three four"]),
        (Parameter(dict[str, int], {"a": 1}), "b=2\nc=3", {"b": 2, "c": 3}),
        ("two\nlines", "three\nlines, no?", "three\nlines, no?"),
        (Secret("a"), "hunter2", Secret("hunter2")),
        ("abc", "", ""),
    ],
)
def test_what_is_entered_is_read_by_the_type(definition, entered, value):
    """Lines and commas part members, JSON is JSON, and an empty field is None where that may be."""
    assert field_of(definition).read(entered) == value


@pytest.mark.parametrize(
    "definition, entered",
    [
        (Parameter(int), " "),
        (Parameter(str), ""),
        (date(2026, 1, 31), None),
        (Parameter(Colour), None),
    ],
)
def test_an_emptied_field_has_no_value(definition, entered):
    """A parameter that must be set is not set by nothing."""
    assert field_of(definition).read(entered) is NOTHING


def test_what_a_class_computes_may_be_left_empty():
    """An empty field leaves it to the class, which has said how."""
    _, leaves = fields_of(Parameters.from_class(Settings))

    assert (leaves.kind, leaves.initial, leaves.hint) == ("text", "", "computed")
    assert (leaves.read(""), leaves.read(" "), leaves.read("7")) == (NOTHING, NOTHING, 7)


@pytest.mark.parametrize(
    "definition, entered", [(Parameter(float, 0.1), "0,5"), (Parameter(int, 3), "1.5"), (3, "")]
)
def test_no_number_is_made_of_what_is_none(definition, entered):
    """What browsers have for numbers would take 5, 15, and what stood there before."""
    with pytest.raises(ParameterError, match=r"is not an? (float|int)"):
        field_of(definition).read(entered)


def test_what_is_wrong_is_refused_in_the_words_of_the_parameter():
    """The form has no rules of its own."""
    with pytest.raises(ParameterError, match=r'^parameter "x": 300 is over the maximum 20$'):
        field_of(Parameter(int, 3, max=20)).read("300")


@pytest.mark.parametrize(
    "definition, about",
    [
        (Parameter(int, 3, min=1, max=20, help="levels"), "levels · int, 1 to 20"),
        (Parameter(bool, True, help="smooth it"), "smooth it"),
        (Parameter(str, "a"), ""),
        (Parameter(Colour, Colour.RED), ""),
        (Parameter(default=len, help="a loss"), "a loss · set in Python"),
    ],
)
def test_a_field_says_what_it_is_for_and_what_it_takes(definition, about):
    """What the field itself shows already is not said again."""
    assert field_of(definition).about == about


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(_VALUES)
def test_what_stands_in_a_field_means_its_value(value):
    """Typing again what stands there gives the value, whatever it is."""
    one = field_of(Parameter(default=value))

    if one.kind in ("text", "lines") and value is not None:
        typed = Field(one.definition, one.kind, NOTHING, None)
        assert typed.read(one.initial) == value
