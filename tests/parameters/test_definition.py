from __future__ import annotations

import pickle
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Literal

import pytest

from pypedream.errors import DefinitionError, ParameterError
from pypedream.parameters import Parameter, Parameters, Secret


class Colour(Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    "definition, value, line",
    [
        (Parameter(int, max=20), 300, 'parameter "x": 300 is over the maximum 20'),
        (Parameter(int, min=1), 0, 'parameter "x": 0 is under the minimum 1'),
        (Parameter(float, min=0), -1, 'parameter "x": -1 is under the minimum 0'),
        (Parameter(int), "a", "parameter \"x\": 'a' is not an int"),
        (Parameter(min=1), "a", "parameter \"x\": 'a' cannot be compared with the limit 1"),
        (
            Parameter(float, min=0),
            float("nan"),
            'parameter "x": nan cannot be compared with the limit 0',
        ),
        (
            Parameter(choices=["fast", "slow"]),
            "fsat",
            'parameter "x": \'fsat\' is not one of fast, slow; did you mean "fast"?',
        ),
        (Parameter(choices=range(100)), 100, "is not one of 0, 1, 2, 3, 4, 5, 6, 7, ... 92 more"),
        (Parameter(list[int], min=0), [1, -1], 'parameter "x": -1 is under the minimum 0'),
        (Parameter(list[str], choices=["a"]), ["b"], "parameter \"x\": 'b' is not one of a"),
        (
            Parameter(date, min="2026-01-01"),
            "2025-12-31",
            "parameter \"x\": '2025-12-31' is under the minimum 2026-01-01",
        ),
        (Parameter(list[int]), ["a" * 500], 'parameter "x": [\'aaaaa'),
    ],
    ids=lambda case: str(case)[:40],
)
def test_wrong_value_is_one_line(definition: Parameter, value: object, line: str) -> None:
    """A refusal names the parameter, the value and the rule, in one line of bounded length."""
    with pytest.raises(ParameterError) as caught:
        definition.named("x").check(value)

    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_limits_are_inclusive() -> None:
    """The minimum and the maximum themselves are accepted."""
    definition = Parameter(int, min=1, max=20).named("x")

    assert [definition.check(1), definition.check(20)] == [1, 20]


def test_type_of_a_default_refuses_nothing() -> None:
    """A type that is only inferred from a default never refuses a Python value."""
    definition = Parameter(default=3).named("x")

    assert definition.check("a") == "a"
    assert definition.check(None) is None


def test_type_of_a_default_reads_text() -> None:
    """Text is read as the type of the default, and the message says whose type that is."""
    definition = Parameter(default=3).named("x")

    assert definition.parse("4") == 4
    with pytest.raises(ParameterError, match=r"'0\.5' is not an int, like its default 3"):
        definition.parse("0.5")


def test_choices_read_text() -> None:
    """Without a type and a default, text is read as what the choices are."""
    assert Parameter(choices=["1", "2"]).named("x").parse("1") == "1"
    assert Parameter(choices=[1, 2]).named("x").parse("1") == 1


def test_huge_value_is_refused_quickly() -> None:
    """A huge text that is no choice is not compared with each of them."""
    with pytest.raises(ParameterError, match=r"is not one of fast$"):
        Parameter(choices=["fast"]).named("x").check("f" * 10**6)


def test_unnamed_parameter_refuses_too() -> None:
    """A parameter that is in no table yet refuses without a name."""
    with pytest.raises(ParameterError, match=r"^'a' is not an int$"):
        Parameter(int).check("a")


def test_default_of_none_allows_none() -> None:
    """A default of None means that None is a value, whatever the type and the limits."""
    definition = Parameter(int, None, min=3, choices=[3, 4]).named("x")

    assert definition.check(None) is None
    assert definition.parse("none") is None


def test_array_is_compared_with_no_choice() -> None:
    """A value without a truth value is not one of the choices, and that is all."""
    numpy = pytest.importorskip("numpy")

    with pytest.raises(ParameterError, match=r"ndarray int64 .* is not one of 1, 2"):
        Parameter(choices=[1, 2]).named("x").check(numpy.array([[1, 2]], dtype="int64"))


@pytest.mark.parametrize(
    "type_, choices", [(Literal["a", "b"], ("a", "b")), (Colour, (Colour.RED, Colour.BLUE))]
)
def test_choices_come_from_the_type(type_: object, choices: object) -> None:
    """A Literal and an Enum are choices, which a command line can offer."""
    assert Parameter(type_).named("x").choices == choices


@pytest.mark.parametrize(
    "definition, default",
    [
        (Parameter(Path, "a.csv"), Path("a.csv")),
        (Parameter(date, "2026-01-31"), date(2026, 1, 31)),
        (Parameter(Colour, "RED"), Colour.RED),
        (Parameter(float, 1), 1.0),
    ],
    ids=["path", "date", "enum", "float"],
)
def test_default_is_converted(definition: Parameter, default: object) -> None:
    """A default is a value of the declared type, like any other value."""
    assert definition.named("x").default == default


@pytest.mark.parametrize(
    "definition, reason",
    [
        (Parameter(int, "a"), "parameter \"x\": 'a' is not an int"),
        (Parameter(int, 30, max=20), 'parameter "x": 30 is over the maximum 20'),
        (Parameter(default=3, choices=[1, 2]), 'parameter "x": 3 is not one of 1, 2'),
        (Parameter(int, min=3, max=1), 'parameter "x": 3 is over the maximum 1'),
        (Parameter(int, choices=["a"]), "parameter \"x\": 'a' is not an int"),
        (Parameter(choices="abc"), 'parameter "x": choices are a list of values'),
        (Parameter(choices=[]), 'parameter "x": choices are a list of values'),
        (Parameter(date, min="soon"), "parameter \"x\": 'soon' is not a date"),
    ],
    ids=[
        "type of default",
        "default over maximum",
        "default no choice",
        "minimum over maximum",
        "type of choice",
        "text of choices",
        "no choices",
        "type of minimum",
    ],
)
def test_definition_that_cannot_be_right(definition: Parameter, reason: str) -> None:
    """Rules that contradict each other, or the default, are an error when they are defined."""
    with pytest.raises(DefinitionError, match=reason):
        definition.named("x")


def test_value_in_the_place_of_the_type() -> None:
    """A value given as the type is a slip that the message puts right."""
    with pytest.raises(DefinitionError, match=r"write Parameter\(default=3\)"):
        Parameter(3)


@pytest.mark.parametrize(
    "definition",
    [
        Parameter(Secret),
        Parameter(Secret[str]),
        Parameter(str, secret=True),
        Parameter(secret=True),
        Parameter(default=Secret("old")),
        Parameter(Secret | None, None),
    ],
    ids=["type", "generic type", "flag", "flag alone", "default", "optional"],
)
def test_secret_is_wrapped(definition: Parameter) -> None:
    """However a parameter says that it is secret, its values are Secrets."""
    named = definition.named("token")

    assert named.secret
    assert named.check("hunter2") == Secret("hunter2")
    assert named.check(Secret("hunter2")) == Secret("hunter2")
    assert named.parse("12345") == Secret("12345")


@pytest.mark.parametrize(
    "definition, value",
    [
        (Parameter(Secret[int]), "hunter2"),
        (Parameter(str, secret=True, choices=["abc", "def"]), "hunter2"),
        (Parameter(str, secret=True, max="a"), "hunter2"),
        (Parameter(list[int], secret=True), ["hunter2"]),
        (Parameter(list[Secret[int]]), ["hunter2"]),
        (Parameter(int), Secret("hunter2")),
        (Parameter(int, Secret(1), choices=[1]), "hunter2"),
    ],
    ids=["type", "choices", "maximum", "member", "secret member", "given secret", "default"],
)
def test_refused_secret_is_not_shown(definition: Parameter, value: object) -> None:
    """A message about a secret shows neither the value nor the choices."""
    with pytest.raises(ParameterError, match=r"\*\*\*") as caught:
        definition.named("token").check(value)

    assert "hunter2" not in str(caught.value)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "definition",
    [Parameter(list[int], secret=True), Parameter(list[Secret[int]])],
    ids=["secret", "members"],
)
def test_secret_text_is_not_shown(definition: Parameter) -> None:
    """Text that cannot be read as a secret's type is not shown either."""
    with pytest.raises(ParameterError, match=r"\*\*\* is not a list\[") as caught:
        definition.named("pins").parse("hunter2")

    assert "hunter2" not in str(caught.value)


def test_none_is_no_secret() -> None:
    """None for a secret, such as a missing environment variable, is refused."""
    with pytest.raises(ParameterError, match="None is no secret"):
        Parameter(Secret).named("token").check(None)


def test_secret_default_is_not_shown() -> None:
    """The repr of a definition does not show a secret default."""
    assert "hunter2" not in repr(Parameter(str, "hunter2", secret=True))
    assert Parameter(str, "hunter2", secret=True).default == Secret("hunter2")


def test_secret_given_to_an_open_parameter_stays_secret() -> None:
    """A Secret keeps its wrapping in a parameter that is not declared secret."""
    assert Parameter(default="dev").named("token").check(Secret("a")) == Secret("a")


@pytest.mark.parametrize(
    "definition, rules",
    [
        (Parameter(), "any"),
        (Parameter(int, min=1, max=20), "int, 1 to 20"),
        (Parameter(default=0.5, min=0), "float, at least 0"),
        (Parameter(date, max="2026-01-31"), "date, at most 2026-01-31"),
        (Parameter(choices=["fast", "slow"]), "one of fast, slow"),
        (Parameter(Colour), "one of RED, BLUE"),
        (Parameter(str, secret=True, choices=["abc"]), "str, secret"),
        (Parameter(Secret), "Secret"),
        (Parameter(int | None, None), "int | None"),
    ],
    ids=str,
)
def test_rules_in_words(definition: Parameter, rules: str) -> None:
    """What a parameter accepts can be said in a few words."""
    assert definition.named("x").rules == rules


@pytest.mark.parametrize(
    "default, value, expected",
    [
        (date(2026, 1, 1), "2026-01-31", date(2026, 1, 31)),
        (Path("a"), "b", Path("b")),
        ((1, 2), [3, 4], (3, 4)),
        (Colour.RED, "BLUE", Colour.BLUE),
        (3, "4", "4"),
        (date(2026, 1, 1), 3, 3),
    ],
    ids=["date", "path", "tuple", "enum", "int stays text", "other value"],
)
def test_file_values_follow_the_default(default: object, value: object, expected: object) -> None:
    """A file has no dates, paths or tuples, so what it has is made like the default."""
    assert Parameter(default=default).named("x").load(value) == expected


def test_file_text_that_is_not_like_the_default() -> None:
    """Text of a file that should be a date and is none is refused."""
    with pytest.raises(ParameterError, match="'soon' is not a date"):
        Parameter(default=date(2026, 1, 1)).named("day").load("soon")


def test_environment_name() -> None:
    """A parameter is set by its own variable, or by its name in capitals with __ for a dot."""
    assert Parameter().named("model.depth").environment_name == "PYPEDREAM_PARAM_MODEL__DEPTH"
    assert Parameter(env="API_KEY").named("token").environment_name == "API_KEY"


def test_definition_travels() -> None:
    """A definition can be pickled, for a stage in another process."""
    definition = Parameter(int, 3, min=1, help="levels").named("depth")

    there = pickle.loads(pickle.dumps(definition))

    assert repr(there) == repr(definition)
    assert there.check(5) == 5


@pytest.mark.parametrize(
    "definition, kind",
    [
        (Parameter(int), int),
        (Parameter(int, None), int | None),
        (Parameter(default=[1, 2]), list[int]),
        (Parameter(Secret, "a"), str),
        (Parameter(), None),
    ],
)
def test_it_says_what_text_is_read_as(definition, kind):
    """The declared type, else that of the default; None where nothing is known."""
    assert definition.read_as == kind


def test_choices_in_a_set_have_one_order() -> None:
    """A set itself has another one in each process."""
    parameters = Parameters.define(x=Parameter(str, "a", choices={"d", "a", "c", "b"}))

    assert parameters.definitions["x"].choices == ("a", "b", "c", "d")
