"""Parameters that a pydantic model describes."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest

from pypedream import Pipeline
from pypedream.errors import DefinitionError, ParameterError
from pypedream.parameters import Parameter, Parameters

pydantic = pytest.importorskip("pydantic")
from pydantic import BaseModel, ConfigDict, Field, SecretStr  # noqa: E402


class Colour(Enum):
    RED = 1
    BLUE = 2


class Model(BaseModel):
    depth: int = Field(3, gt=0, le=20, description="levels")
    sizes: list[int] = [1, 2]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str
    rate: float = Field(0.5, gt=0, lt=1)
    step: int = Field(5, multiple_of=5)
    name: str = Field("x", pattern="^[a-z]+$", alias="the-name")
    kind: Literal["fast", "slow"] = "fast"
    colour: Colour = Colour.RED
    first_day: date | None = None
    model: Model = Model()
    token: SecretStr = SecretStr("hush")
    count: Annotated[int, Parameter(min=3, help="how many")] = 4
    tags: list[str] = Field(default_factory=list)

    @pydantic.field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return value.split("+") if isinstance(value, str) else value

    @pydantic.model_validator(mode="after")
    def _fits(self) -> Settings:
        if self.kind == "fast" and self.step > 10:
            raise ValueError("too large a step for fast")
        return self


def settings(**values: Any) -> Parameters:
    return Parameters.from_class(Settings).with_values({"source": "a", **values}, source="me")


def test_fields_become_parameters() -> None:
    """Type, default, limits, choices and description of a field are those of its parameter."""
    parameters = Parameters.from_class(Settings)

    rules = {name: each.rules for name, each in parameters.definitions.items()}
    assert parameters.missing == ("source",)
    assert rules == {
        "source": "str",
        "rate": "float, over 0, under 1",
        "step": "int, a multiple of 5",
        "name": "str, like '^[a-z]+$'",
        "kind": "one of fast, slow",
        "colour": "one of RED, BLUE",
        "first_day": "date | None",
        "model.depth": "int, 1 to 20",
        "model.sizes": "list[int]",
        "token": "str, secret",
        "count": "int, at least 3",
        "tags": "list[str]",
    }
    assert parameters.definitions["model.depth"].help == "levels"
    assert parameters.definitions["count"].help == "how many"


def test_the_instance_is_the_models() -> None:
    """What is set reaches the model, under its alias too, and its nested models."""
    changed = settings(rate=0.25, name="abc", model={"depth": 7}, first_day="2026-01-31")

    made = changed.instance()
    assert isinstance(made, Settings)
    assert (made.rate, made.name, made.model.depth) == (0.25, "abc", 7)
    assert made.first_day == date(2026, 1, 31)
    assert made.model.sizes == [1, 2]


def test_text_is_read_by_the_types() -> None:
    """The command line sets fields of a model as those of any class."""
    changed = settings().with_text({"rate": "0.4", "model.depth": "5"}, source="-p")

    assert (changed.rate, changed.model.depth) == (0.4, 5)
    assert changed.source("rate") == "-p"


@pytest.mark.parametrize(
    "values, line",
    [
        ({"rate": 2}, 'parameter "rate": 2.0 should be less than 1 (me)'),
        ({"step": 7}, 'parameter "step": 7 should be a multiple of 5 (me)'),
        ({"name": "A"}, "parameter \"name\": String should match pattern '^[a-z]+$' (me)"),
        ({"model.depth": 0}, 'parameter "model.depth": 0 is under the minimum 1 (me)'),
        ({"kind": "fas"}, "parameter \"kind\": 'fas' is not one of fast, slow; did you mean"),
        ({"step": 15}, "Settings: too large a step for fast (me)"),
        ({"rte": 1}, 'no parameter "rte"; did you mean "rate"? (me)'),
        ({"count": 1}, 'parameter "count": 1 is under the minimum 3 (me)'),
    ],
    ids=["lt", "multiple_of", "pattern", "gt", "Literal", "model", "unknown", "Parameter"],
)
def test_what_does_not_fit_is_refused(values: dict[str, Any], line: str) -> None:
    """A value that the parameter or the model does not take is one line with name and rule."""
    with pytest.raises(ParameterError) as caught:
        settings(**values)

    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_all_fields_that_a_model_refuses_are_named() -> None:
    """Two values that only the model refuses are two lines."""
    with pytest.raises(ParameterError) as caught:
        settings(rate=2, step=7)

    assert str(caught.value).splitlines() == [
        'parameter "rate": 2.0 should be less than 1 (me)',
        'parameter "step": 7 should be a multiple of 5 (me)',
    ]


def test_a_validator_before_the_type_makes_the_value() -> None:
    """The type of such a field is not checked before: the model makes the value."""
    assert settings(tags="a+b").instance().tags == ["a", "b"]


def test_secrets_stay_secret() -> None:
    """A SecretStr is hidden like a secret, and the model gets what is in it."""
    changed = settings(token="quiet")

    assert changed.instance().token.get_secret_value() == "quiet"
    assert changed.secrets() == ["quiet"]
    assert changed.redacted()["token"] == "***"
    assert "quiet" not in repr(changed)


def test_a_secret_that_is_refused_is_not_shown() -> None:
    """What the model says of a secret leaves its value out."""

    class Keyed(BaseModel):
        key: SecretStr = Field(SecretStr("long enough"), min_length=8)

    with pytest.raises(ParameterError) as caught:
        Parameters.from_class(Keyed).with_values({"key": "tiny"}, source="me")

    assert str(caught.value).startswith('parameter "key": ')
    assert "tiny" not in str(caught.value)


def test_an_instance_gives_the_defaults() -> None:
    """An instance stands for its class with its values as the defaults, secrets included."""
    given = Settings(source="b", rate=0.1, model=Model(depth=9), token=SecretStr("mine"))

    parameters = Parameters.from_class(given)

    assert parameters.missing == ()
    assert parameters.source("rate") == "default"
    assert (parameters.rate, parameters.model.depth) == (0.1, 9)
    assert parameters.instance().token.get_secret_value() == "mine"


def test_an_instance_sets_a_group() -> None:
    """A nested model is set by an instance of it, also one with a secret."""

    class Outer(BaseModel):
        inner: Settings = Settings(source="b")

    changed = Parameters.from_class(Outer).with_values(
        {"inner": Settings(source="c", token=SecretStr("new"))}, source="me"
    )

    assert changed.inner.source == "c"
    assert changed.inner.token.get_secret_value() == "new"


@pytest.mark.parametrize("given", [Model, Model(depth=4)], ids=["class", "instance"])
def test_a_pipeline_takes_a_model(given: Any) -> None:
    """A model is the parameters of a pipeline, and a run sets its fields."""
    flow = Pipeline("p", given, progress=False)

    @flow.stage
    def area(depth: int, sizes: list[int]) -> int:
        return depth * sum(sizes)

    assert flow.run()["area"] == (12 if given is not Model else 9)
    assert flow.run(depth=2)["area"] == 6


def test_a_list_of_one_run_is_not_that_of_the_next() -> None:
    """A mutable default is copied for each run."""
    flow = Pipeline("p", Model, progress=False)

    @flow.stage
    def grown(sizes: list[int]) -> int:
        sizes.append(3)
        return len(sizes)

    assert [flow.run()["grown"], flow.run()["grown"]] == [3, 3]


def test_a_model_as_the_value_of_one_parameter() -> None:
    """A mapping becomes a model where a parameter may be one; what it refuses is one line."""
    parameters = Parameters.define(model=Parameter(Model | None, None))

    assert parameters.with_values({"model": {"depth": 2}}, source="me").model == Model(depth=2)
    with pytest.raises(ParameterError, match=r"makes no Model: depth 0 should be greater than 0"):
        parameters.with_values({"model": {"depth": 0}}, source="me")


def test_a_default_that_breaks_its_rule_is_told() -> None:
    """As for every other class."""

    class Broken(BaseModel):
        depth: int = Field(3, le=2)

    with pytest.raises(DefinitionError, match='parameter "depth": 3 is over the maximum 2'):
        Parameters.from_class(Broken)


def test_a_default_made_of_other_fields_is_computed() -> None:
    """A factory that takes what is validated before it is called when that is known."""

    class Computed(BaseModel):
        width: int = 2
        area: int = Field(default_factory=lambda data: data["width"] ** 2)

    parameters = Parameters.from_class(Computed)

    assert parameters.area == 4
    assert parameters.with_values({"width": 3}, source="me").area == 9
