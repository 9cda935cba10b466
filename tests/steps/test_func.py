from __future__ import annotations

from typing import TYPE_CHECKING

import pydantic
import pytest
from pydantic_core import PydanticSerializationError

from pypedream.steps import Chain, Func, Step

if TYPE_CHECKING:
    from fractions import Fraction


class Plain(Step):
    def _run(self, value: float) -> float:
        return value


async def later(x: float) -> float:
    return x


def scale(x: float, factor: float = 2.0) -> float:
    return x * factor


def pair(a, b):
    return a, b


def start(value: int = 5) -> int:
    return value


def reserved(x, function=None):
    return x


def first(x, /, n=1):
    return x + n


def lazily(x: Fraction, n: int = 1) -> int:
    return int(x) * n


def test_one_parameter_is_the_input_and_the_others_are_fields():
    """The one without a default, or the one that is named."""
    assert Func(function=scale, factor=3).run(5) == 15
    assert Func(function=start).run() == 5
    assert Func(function=start, value=7).run() == 7
    assert Func(function=start, input_param="value").run(9) == 9
    assert Func(function=pair, input_param="b", a=1).run(2) == (1, 2)
    assert Func(function=first, n=2).run(1) == 3
    assert Func(function=lazily, n=2).run(3) == 6
    assert Func(function=lambda x: x + 1).run(1) == 2


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"function": pair, "aa": 1, "b": 2}, 'pair has no parameter "aa"; did you mean "a"'),
        ({"function": max}, "max does not say what parameters it has: call it in a function of"),
        ({"function": pair}, 'pair has 2 required parameters, a, b: say .* input_param="a"'),
        (
            {"function": scale, "facter": 1},
            'scale has no parameter "facter"; did you mean "factor"',
        ),
        ({"function": scale, "x": 1}, '"x" takes the input, so it cannot be set as well'),
        ({"function": scale, "factor": "much"}, "scale: factor='much' does not fit: .*number"),
        ({"function": scale, "input_param": "y"}, 'input_param: scale has no parameter "y"'),
        ({"function": reserved}, "reserved has a parameter function, which is a field of Func"),
        ({"function": "math.sqr"}, 'function "math.sqr": there is no "sqr"; did you mean "sqrt"'),
        ({"function": "math.pi"}, 'function "math.pi" is float, which cannot be called'),
        ({"function": "nowhere.at"}, 'function "nowhere.at": there is no module "nowhere"'),
        ({"function": later}, "later is async, and nobody awaits a step: make it a def"),
        ({"function": Plain()}, "Plain is a step: it needs no Func around it"),
        ({"function": Plain}, "Plain is a step: it needs no Func around it"),
        ({"function": 3}, 'function must be a function or "package.module.name", not 3'),
    ],
    ids=lambda one: None if isinstance(one, str) else "-".join(map(str, one.values())),
)
def test_a_mistake_is_told_when_the_step_is_made(fields, said):
    """Against the signature of the function."""
    with pytest.raises(pydantic.ValidationError, match=said):
        Func(**fields)


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("facter", 1, 'scale has no parameter "facter"; did you mean "factor"'),
        ("factor", "much", "scale: factor='much' does not fit: .*number"),
        ("function", first, 'first has no parameter "factor"'),
        ("input_param", "factor", '"factor" takes the input, so it cannot be set as well'),
    ],
)
def test_what_is_assigned_must_fit_the_function_as_well(name, value, said):
    """In a copy, too; what is refused changes nothing."""
    step = Func(function=scale, factor=3)

    for change in (lambda: setattr(step, name, value), lambda: copied(step, name, value)):
        with pytest.raises(pydantic.ValidationError, match=said):
            change()
    assert step == Func(function=scale, factor=3)
    assert step.run(5) == 15


def copied(step, name, value):
    return step.model_copy(update={name: value})


def test_another_function_has_an_input_of_its_own():
    """By its own name."""
    step = Func(function=first)
    step.function = pair_up = lambda ys, by=1: [(y, by) for y in ys]

    assert (step.run([1]), step.function) == ([(1, 1)], pair_up)
    step.input_param = "by"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'ys'"):
        step.run(1)


def test_an_input_that_does_not_fit_is_told():
    """Too few as well as too many."""
    with pytest.raises(TypeError, match="needs an input for x: run"):
        Func(function=scale).run()
    with pytest.raises(TypeError, match="takes no input; say which parameter takes it"):
        Func(function=start).run(1)


def test_a_function_with_a_place_goes_into_a_file_and_back():
    """By its full name."""
    step = Func(function="math.sqrt")
    written = Chain(steps=[step, Func(function=scale, factor=3)]).model_dump(mode="json")

    assert written["steps"][0]["function"] == "math.sqrt"
    assert written["steps"][1]["function"] == f"{__name__}.scale"
    assert Chain.model_validate(written).run(4) == 6


def test_what_a_function_gives_is_kept(tmp_path):
    """By its code and its arguments, not by how they are said."""
    calls = []

    def count(x, n=1):
        calls.append(x)
        return x + n

    infra = {"folder": tmp_path}
    assert [Func(function=count, infra=infra).run(1) for _ in range(2)] == [2, 2]
    assert Func(function=count, n=2, infra=infra).run(1) == 3
    assert calls == [1, 1]


def test_the_class_is_found_where_others_have_it():
    """Besides its own place."""
    from pypedream.steps.helpers import Func as Other

    assert Other is Func


def test_a_function_without_a_name_cannot_be_written_to_a_file():
    """The error says so, and what to do."""
    step = Func(function=lambda x: x)

    with pytest.raises(PydanticSerializationError, match=r"<lambda> .*define it at the top of a"):
        step.model_dump_json()

    assert step.model_dump()["function"] is step.function
