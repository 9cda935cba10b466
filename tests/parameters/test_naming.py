from __future__ import annotations

from dataclasses import dataclass

import pytest

from pypedream.errors import DefinitionError
from pypedream.parameters import Parameter, Parameters


@dataclass
class Model:
    depth: int = 3


@pytest.mark.parametrize(
    "parameters",
    [
        Parameters.define(model={"depth": 3, "rate": 0.1}),
        Parameters.define({"model.depth": 3, "model.rate": 0.1}),
        Parameters.define({"model": {"depth": 3}}, {"model.rate": 0.1}),
        Parameters.define({"model.depth": 3}, model={"rate": Parameter(float, 0.1)}),
    ],
    ids=["nested", "dotted", "two mappings", "mixed"],
)
def test_nested_names(parameters: Parameters) -> None:
    """Nested dicts and dotted names define the same parameters."""
    assert list(parameters.definitions) == ["model.depth", "model.rate"]
    assert parameters == {"model": {"depth": 3, "rate": 0.1}}


@pytest.mark.parametrize(
    "default", [{}, {1: "a"}, {"x-ray": 1}, {"a b": 1}], ids=["empty", "int", "dash", "blank"]
)
def test_dict_that_is_one_value(default: dict[object, object]) -> None:
    """A dict whose keys are no names, or that has none, is one value."""
    parameters = Parameters.define(table=default)

    assert list(parameters.definitions) == ["table"]
    assert parameters.table == default


def test_parameter_may_be_called_like_an_argument() -> None:
    """No name is taken by define itself."""
    assert Parameters.define(cls=1, self=2, required=3, defaults=4) == {
        "cls": 1,
        "self": 2,
        "required": 3,
        "defaults": 4,
    }


@pytest.mark.parametrize(
    "required, defaults, reason",
    [
        (["x"], {"x": 3}, 'parameter "x" is defined twice'),
        (["x", "x"], {}, 'parameter "x" is defined twice'),
        ([{"a": 3, "a.b": 4}], {}, 'parameter "a.b" is within "a", which has a value'),
        ([{"a.b": 4, "a": 3}], {}, 'parameter "a" is defined twice'),
        (["a b"], {}, "'a b' is no name of a parameter"),
        ([""], {}, "'' is no name of a parameter"),
        (["a..b"], {}, "'a..b' is no name of a parameter"),
        ([3], {}, "3 is no name of a parameter"),
        ([], {"n": Parameter(int, "x")}, "parameter \"n\": 'x' is not an int"),
        ([], {"a": {"n": Parameter(int, "x")}}, 'parameter "a.n"'),
    ],
    ids=lambda case: str(case)[:30],
)
def test_names_that_cannot_be(
    required: list[str], defaults: dict[str, object], reason: str
) -> None:
    """A name that is no name, or is defined twice, is an error that names it."""
    with pytest.raises(DefinitionError, match=reason):
        Parameters.define(*required, **defaults)


@pytest.mark.parametrize(
    "definition, depth",
    [(Parameter(Model), 3), (Parameter(Model, Model(5)), 5)],
    ids=["its own default", "an instance"],
)
def test_class_as_a_type_is_a_group(definition: Parameter, depth: int) -> None:
    """A dataclass as the type of a parameter makes its fields parameters."""
    parameters = Parameters.define(model=definition)

    assert parameters["model.depth"] == depth
    assert parameters.model == Model(depth)
    assert parameters.with_values({"model.depth": 7}, source="x").model == Model(7)


def test_optional_class_is_one_value() -> None:
    """A dataclass that may be None is one value, which a mapping can make."""
    parameters = Parameters.define(model=Parameter(Model, None))

    assert parameters.model is None
    assert parameters.with_values({"model": {"depth": 7}}, source="x").model == Model(7)
