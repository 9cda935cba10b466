"""A parameter as JSON schema, its default as JSON has it, and the values that come back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import Parameter, Parameters, Secret
from pypedream.errors import ExportError, ParameterError
from pypedream.export.json_form import loaded
from pypedream.export.outline import NO_DEFAULT
from pypedream.export.schema import param_of, params_of, values_from

NOON = datetime.fromisoformat("2026-01-31T12:00")


class Colour(Enum):
    RED = "r"
    BLUE = "b"


@attrs.frozen
class Model:
    depth: int = 3
    since: date = date(2026, 1, 31)


def defined(**parameters: Any) -> Parameter:
    (definition,) = Parameters.define(**parameters).definitions.values()
    return definition


SCHEMAS: list[tuple[Any, dict[str, Any]]] = [
    (3, {"type": "integer"}),
    (0.5, {"type": "number"}),
    (True, {"type": "boolean"}),
    ("a", {"type": "string"}),
    (date(2026, 1, 31), {"type": "string", "format": "date"}),
    (NOON, {"type": "string", "format": "date-time"}),
    (time(12), {"type": "string", "format": "time"}),
    (Path("data/rows.csv"), {"type": "string"}),
    (Decimal("1.10"), {"type": "string"}),
    ([1, 2], {"type": "array", "items": {"type": "integer"}}),
    (("a", "b"), {"type": "array", "items": {"type": "string"}}),
    ({1, 2}, {"type": "array", "items": {"type": "integer"}}),
    ([], {"type": "array"}),
    (None, {}),
    (Colour.RED, {"type": "string", "enum": ["RED", "BLUE"]}),
    (Parameter(dict, {"a": 1}), {"type": "object"}),
    (
        Parameter(dict[str, int], {"a": 1}),
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ),
    (Parameter(int, 3, min=1, max=20), {"type": "integer", "minimum": 1, "maximum": 20}),
    (
        Parameter(list[float], [1.0], min=0),
        {"type": "array", "items": {"type": "number", "minimum": 0}},
    ),
    (Parameter(int | None, None, min=1), {"type": ["null", "integer"], "minimum": 1}),
    (Parameter(date | None, None), {"type": ["null", "string"], "format": "date"}),
    (Parameter(int | str, 1), {"type": ["integer", "string"]}),
    (Parameter(tuple[int, str], (1, "a")), {"type": "array", "minItems": 2, "maxItems": 2}),
    (Parameter(Literal["fast", "slow"], "fast"), {"type": "string", "enum": ["fast", "slow"]}),
    (Parameter(Literal[1, "one"], 1), {"enum": [1, "one"]}),
    (Parameter(Colour | None, None), {"type": ["null", "string"], "enum": ["RED", "BLUE", None]}),
    (
        Parameter(list[Colour], [Colour.RED]),
        {"type": "array", "items": {"type": "string", "enum": ["RED", "BLUE"]}},
    ),
    (Parameter(choices=["a", "b"], default="a"), {"type": "string", "enum": ["a", "b"]}),
]


@pytest.mark.parametrize("default, schema", SCHEMAS, ids=[repr(each[0])[:40] for each in SCHEMAS])
def test_a_parameter_accepts_what_its_type_or_default_says(default, schema):
    """Types, choices and bounds become those of JSON; what may be None may be null."""
    assert dict(param_of(defined(x=default)).schema) == schema


@pytest.mark.parametrize("default", [each[0] for each in SCHEMAS], ids=lambda each: repr(each)[:40])
def test_a_default_comes_back_from_json_as_it_was(default):
    """Its type, too: a date does not become a text, nor a set a list."""
    definition = defined(x=default)

    text = json.dumps(param_of(definition).default)

    back = loaded(definition, json.loads(text))
    assert back == definition.default
    assert type(back) is type(definition.default)


SIMPLE = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.uuids()
    | st.sampled_from(Colour)
)


@given(
    SIMPLE
    | st.lists(st.integers())
    | st.sets(st.text())
    | st.lists(st.text()).map(tuple)
    | st.dictionaries(st.text(), st.integers()).map(lambda each: Parameter(dict, each))
    | st.lists(st.dates()).map(lambda each: Parameter(list[date], each))
)
def test_what_is_written_as_a_default_is_read_as_the_same(default):
    """So it is by `Parameter.load` too, for every default that is not refused."""
    definition = defined(x=default)

    form = json.loads(json.dumps(param_of(definition).default))

    assert definition.load(form) == definition.default
    assert loaded(definition, form) == definition.default


REFUSED = {
    "a span of time": (timedelta(days=1), "which JSON does not have"),
    "not a number": (float("nan"), "it has nan, which JSON does not have"),
    "bytes": (b"a", "which JSON does not have"),
    "keys that are no text": (Parameter(dict, {1: 2}), "it has the key 1"),
    "dates in a list of anything": ([date(2026, 1, 31)], "nothing makes the same again"),
    "a tuple in a list": ([(1, 2)], "nothing makes the same again"),
    "a type that JSON has nothing for": (Parameter(complex), "nothing in JSON is one"),
}


@pytest.mark.parametrize("default, why", REFUSED.values(), ids=REFUSED)
def test_a_default_that_json_cannot_hold_is_refused(default, why):
    """The message names the parameter, says why and what to do."""
    with pytest.raises(ExportError, match='parameter "x"') as caught:
        param_of(defined(x=default))

    assert why in str(caught.value)
    assert "in a stage" in str(caught.value)


def test_an_instance_whose_class_was_not_said_is_refused():
    """With the definition that says it."""
    with pytest.raises(ExportError, match=r"by Parameter\(Model, Model\(\.\.\.\)\)"):
        param_of(defined(x=Model()))


def test_a_parameter_of_which_nothing_is_said_accepts_anything():
    """That there is no default is no value of its own kind."""
    (bare,) = Parameters.define("bare").definitions.values()

    assert param_of(bare).schema == {}
    assert param_of(bare).default is NO_DEFAULT


def test_all_defaults_are_looked_at():
    """What cannot be written is listed, and everything else is there."""
    parameters = Parameters.define(a=1, b=timedelta(1), c=b"x")

    params, problems = params_of(parameters)

    assert list(params) == ["a"]
    assert [str(each).partition(":")[0] for each in problems] == ['parameter "b"', 'parameter "c"']


def test_a_secret_has_no_default_and_says_where_it_is_read():
    """A text whose name says that it is a secret is one, too, and a mask is no default either."""
    parameters = Parameters.define(
        token=Parameter(str, Secret("hunter2"), env="CO2_TOKEN"), password="hunter3"
    )

    params, problems = params_of(parameters)

    assert not problems
    assert "hunter" not in repr(params)
    assert [(each.default, each.read_by) for each in params.values()] == [
        (NO_DEFAULT, "CO2_TOKEN"),
        (NO_DEFAULT, "PYPEDREAM_PARAM_PASSWORD"),
    ]


def test_a_number_with_the_name_of_a_secret_is_none():
    """How many tokens there are may be known."""
    assert param_of(defined(token=3)).default == 3


def test_fields_of_a_class_are_parameters_and_what_it_computes_may_be_null():
    """Null leaves it to the class."""

    @attrs.frozen
    class Settings:
        depth: int = 3
        folder: Path = attrs.field(default="data", converter=Path)
        width: int = attrs.field(default=attrs.Factory(lambda self: self.depth * 2, True))

    parameters = Parameters.from_class(Settings)
    params, problems = params_of(parameters)

    assert not problems
    assert {name: param.default for name, param in params.items()} == {
        "depth": 3,
        "folder": "data",
        "width": None,
    }
    values = values_from(parameters, {"depth": 4, "folder": "other", "width": None})
    assert parameters.with_values(values, source="conf").as_dict() == {
        "depth": 4,
        "folder": Path("other"),
        "width": 8,
    }


def test_fields_of_a_pydantic_model_are_parameters():
    """An instance among them is the mapping that it is made from."""
    pydantic = pytest.importorskip("pydantic")

    class Step(pydantic.BaseModel):
        days: tuple[date, ...] = (date(2026, 1, 31),)

    class Settings(pydantic.BaseModel):
        depth: int = pydantic.Field(3, ge=1)
        steps: tuple[Step, ...] = (Step(),)

    params, problems = params_of(Parameters.from_class(Settings))

    assert not problems
    assert params["depth"].schema == {"type": "integer", "minimum": 1}
    assert params["steps"].default == [{"days": ["2026-01-31"]}]


def test_numbers_of_numpy_are_numbers():
    """What they become again is a number of Python's; an array is no default."""
    np = pytest.importorskip("numpy")

    assert param_of(defined(x=np.float64(0.5))).default == 0.5
    assert param_of(defined(x=np.int64(3))).schema == {"type": "integer"}
    with pytest.raises(ExportError, match="which JSON does not have"):
        param_of(defined(x=np.zeros(2)))


def test_values_of_json_become_what_a_run_takes():
    """A whole number is a float where one is wanted, and a text the date that it stands for."""
    parameters = Parameters.define(
        rate=0.5,
        rates=Parameter(list[float], []),
        n=3,
        day=date(2026, 1, 31),
        colours={"a"},
        colour=Colour.RED,
        model={"depth": 3, "rate": 0.1},
    )

    values = values_from(
        parameters,
        {
            "rate": 2,
            "rates": [1, 2],
            "n": 2.0,
            "day": "2026-02-01",
            "colours": ["b", "c"],
            "colour": "BLUE",
            "model": {"depth": 4},
            "model.rate": 1,
        },
    )

    assert values == {
        "rate": 2.0,
        "rates": [1.0, 2.0],
        "n": 2,
        "day": date(2026, 2, 1),
        "colours": {"b", "c"},
        "colour": Colour.BLUE,
        "model.depth": 4,
        "model.rate": 1.0,
    }
    assert [type(values[name]) for name in ("rate", "n", "model.rate")] == [float, int, float]


def test_a_moment_gets_no_zone_where_the_default_has_none():
    """Forms of other systems give every moment one, and Python compares no two of both kinds."""
    naive, aware = NOON, NOON.replace(tzinfo=UTC)
    parameters = Parameters.define(naive=naive, aware=aware)
    given = "2026-02-01T01:00:00+01:00"

    values = values_from(parameters, {"naive": given, "aware": given})

    assert values["naive"] == datetime.fromisoformat("2026-02-01T00:00")
    assert values["aware"] == datetime(2026, 2, 1, tzinfo=UTC)


def test_all_mistakes_in_values_are_named_at_once():
    """Names that there are not, with the nearest one, and values that are refused."""
    parameters = Parameters.define(n=Parameter(int, 3, min=1), day=date(2026, 1, 31), rate=0.5)

    with pytest.raises(ParameterError) as caught:
        values_from(
            parameters, {"nn": 1, "n": 0, "day": "yesterday", "rate": "fast"}, source="conf"
        )

    assert str(caught.value).splitlines() == [
        'no parameter "nn"; did you mean "n"? (conf)',
        'parameter "n": 0 is under the minimum 1 (conf)',
        (
            "parameter \"day\": 'yesterday' is not a date such as 2026-01-31, like its default"
            " 2026-01-31 (conf)"
        ),
        "parameter \"rate\": 'fast' is not a float, like its default 0.5 (conf)",
    ]


def test_a_secret_is_not_taken_from_where_others_can_read_it():
    """The value is not in the message either."""
    parameters = Parameters.define(token=Parameter(str, secret=True, env="CO2_TOKEN"))

    with pytest.raises(ParameterError, match="set CO2_TOKEN where the stages are called") as caught:
        values_from(parameters, {"token": "hunter2"})

    assert "hunter2" not in str(caught.value)
