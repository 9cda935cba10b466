"""Stage: what a function can be called with, and what a description of it holds."""

from __future__ import annotations

import inspect
import re
from functools import lru_cache, partial, wraps
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import Pipeline, SequentialOutputMapper, Stage, param
from pypedream.engine.links import place_of
from pypedream.errors import DefinitionError
from pypedream.places import Place
from pypedream.stage import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    USUAL,
    Policy,
    arguments_of,
    code_flags,
)


def through(function):
    """A decorator as people write them."""

    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Scaler:
    """A callable object, a method and a class in one."""

    def __init__(self, factor=2):
        self.factor = factor

    def __call__(self, rows, *, offset=0):
        return [row * self.factor + offset for row in rows]

    def scale(self, rows):
        return self(rows)

    @classmethod
    def usual(cls, rows):
        return cls()(rows)


def plain(a, b=1, /, c=2, *, d, e=3): ...


def variadic(a, *args, b=1, **kwargs): ...


def test_a_stage_is_called_as_its_function():
    """Outside a pipeline a stage is the function that it was made of."""
    assert Stage(Scaler(3))([1, 2], offset=1) == [4, 7]


@pytest.mark.parametrize(
    "function, name",
    [
        (plain, "plain"),
        (through(plain), "plain"),
        (Scaler, "Scaler"),
        (Scaler(), "Scaler"),
        (Scaler().scale, "scale"),
        (partial(plain, 1), "partial"),
        (len, "len"),
    ],
    ids=["function", "wrapped", "class", "object", "method", "partial", "builtin"],
)
def test_a_stage_is_called_like_its_function_unless_named(function, name):
    """The function's own name is the key, and a given name comes before it."""
    assert Stage(function).name == name
    assert Stage(function, name="other").name == "other"


@pytest.mark.parametrize(
    "function, names, positional, takes_any",
    [
        (plain, {"a": False, "b": True, "c": True, "d": False, "e": True}, ("a", "b"), False),
        (variadic, {"a": False, "b": True}, (), True),
        (through(plain), {"a": False, "b": True, "c": True, "d": False, "e": True}, None, False),
        (Scaler, {"factor": True}, (), False),
        (Scaler(), {"rows": False, "offset": True}, (), False),
        (Scaler().scale, {"rows": False}, (), False),
        (Scaler.usual, {"rows": False}, (), False),
        (lru_cache(Scaler.usual), {"rows": False}, (), False),
        (lambda: 0, {}, (), False),
    ],
    ids=[
        "plain",
        "variadic",
        "wrapped",
        "class",
        "object",
        "method",
        "classmethod",
        "cached",
        "none",
    ],
)
def test_arguments_are_read_from_anything_that_can_be_called(
    function, names, positional, takes_any
):
    """Names, whether each has a default, which go by position, and whether others are taken."""
    found = arguments_of(function)

    assert found.names == names
    assert positional is None or found.positional == positional
    assert found.takes_any is takes_any


def test_what_a_partial_has_settled_is_not_bound_again():
    """A keyword of a partial is decided: a parameter of that name does not replace it."""
    assert arguments_of(partial(variadic, b=5)).names == {"a": False}
    assert arguments_of(partial(plain, 1, 2)).names == {"c": True, "d": False, "e": True}


def test_a_builtin_that_does_not_say_takes_anything():
    """Some builtins have no signature; inputs may then name any argument."""
    found = arguments_of(dict)

    assert (found.names, found.takes_any) == ({}, True)


@st.composite
def signatures(draw):
    """Draw the text of a function's arguments."""
    kinds = st.sampled_from(["positional", "usual", "keyword"])
    drawn = draw(st.lists(st.tuples(kinds, st.booleans()), max_size=6))
    parts, is_optional = [], False
    for kind in ("positional", "usual"):
        members = [has_default for each, has_default in drawn if each == kind]
        for has_default in members:
            is_optional = is_optional or has_default
            parts.append(f"x{len(parts)}" + "=0" * is_optional)
        if kind == "positional" and members:
            parts.append("/")
    parts.append(draw(st.sampled_from(["*", "*args"])))
    keywords = [has_default for each, has_default in drawn if each == "keyword"]
    if parts[-1] == "*" and not keywords:
        parts.pop()
    parts += [f"k{number}" + "=0" * has_default for number, has_default in enumerate(keywords)]
    parts += draw(st.sampled_from([[], ["**kwargs"]]))
    return ", ".join(parts)


@given(signatures())
def test_reading_the_code_agrees_with_inspection(arguments):
    """The quick way to the arguments gives what `inspect.signature` gives."""
    function = eval(f"lambda {arguments}: None")
    expected = inspect.signature(function).parameters.values()
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

    found = arguments_of(function)

    assert found.names == {
        one.name: one.default is not one.empty for one in expected if one.kind not in variadic
    }
    assert list(found.names) == [one.name for one in expected if one.kind not in variadic]
    assert found.positional == tuple(
        one.name for one in expected if one.kind is inspect.Parameter.POSITIONAL_ONLY
    )
    assert found.takes_any == any(one.kind is inspect.Parameter.VAR_KEYWORD for one in expected)


async def waited(): ...


async def waited_for_many():
    yield 1


def many():
    yield 1


class Waited:
    async def __call__(self): ...


@pytest.mark.parametrize(
    "function, flag",
    [
        (waited, COROUTINE),
        (partial(waited), COROUTINE),
        (partial(partial(waited)), COROUTINE),
        (Waited(), COROUTINE),
        (Waited().__call__, COROUTINE),
        (many, GENERATOR),
        (waited_for_many, ASYNC_GENERATOR),
        (plain, 0),
        (len, 0),
        (Scaler, 0),
    ],
    ids=range(10),
)
def test_the_kind_of_a_function_is_known(function, flag):
    """Coroutines and generators are told apart, also inside partials, methods and objects."""
    assert code_flags(function) & (COROUTINE | GENERATOR | ASYNC_GENERATOR) == flag


def test_an_object_that_answers_to_every_name_can_be_a_stage():
    """What makes up attributes on demand, as a mock does, is called and nothing else."""
    answer = Mock(return_value=3)
    flow = Pipeline("mocked", progress=False)

    flow.stage(answer, name="it")

    assert not code_flags(answer) & (COROUTINE | GENERATOR | ASYNC_GENERATOR)
    assert flow.plan().stages["it"].decision == "run"
    assert flow.run() == {"it": 3}
    answer.assert_called_once_with()


def test_the_place_of_a_stage_is_its_function():
    """Decorators and partials are seen through."""
    expected = Place.of_function(plain)

    assert expected is not None
    for function in (plain, through(through(plain)), partial(plain), partial(partial(plain))):
        assert place_of(Stage(function)) == expected


@pytest.mark.parametrize(
    "function", [len, Scaler(), inspect.getdoc], ids=["builtin", "object", "library"]
)
def test_the_place_is_where_the_stage_was_made_if_the_function_is_not_the_users(function):
    """What has no line of the user's is placed where the user made a stage of it."""
    place = place_of(Stage(function, [param("rate", "x")]))

    assert place is not None
    assert Path(place.file).name == "test_stage.py"


def test_what_is_not_said_is_usual():
    """Stages without options share one policy."""
    assert Stage(len).policy is USUAL
    assert Stage(len, retries=2).policy == Policy(retries=2)


def test_a_policy_shows_what_is_not_usual():
    """Of two dozen options few are set."""
    stage = Stage(len, retries=2, retry_delay_s=0.0, after="load")

    assert repr(USUAL) == "Policy()"
    assert repr(stage.policy) == "Policy(retries=2, after=('load',))"


@pytest.mark.parametrize("option", ["after", "tags"])
def test_one_name_is_a_list_of_one(option):
    """after= and tags= take a name or several."""
    for names in ("load", ["load"], ("load",), iter(["load"])):
        assert getattr(Stage(len, **{option: names}).policy, option) == ("load",)


def test_with_inputs_changes_nothing_else():
    """A stage with other inputs is otherwise the same one."""
    mapper = SequentialOutputMapper(["a"])
    stage = Stage(plain, [], mapper, name="other", tags="slow")

    changed = stage.with_inputs([param("a")])

    assert [one.as_arg for one in changed.inputs] == ["a"]
    assert (changed.function, changed.output_mapper, changed.name) == (plain, mapper, "other")
    assert (changed.policy, changed.place) == (stage.policy, stage.place)
    assert stage.inputs == ()


def test_a_stage_is_a_description_that_does_not_change():
    """What a stage says is said once."""
    stage = Stage(plain)

    with pytest.raises(AttributeError, match=r"set|assign"):
        stage.name = "other"


@pytest.mark.parametrize(
    "keyword, near",
    [
        ("retry", '"retries"?'),
        ("outputs", '"output_mapper"?'),
        ("map", '"over"?'),
        ("input", '"inputs"?'),
        ("param", '"params", of register()?'),
        ("params", '"params", of register()?'),
    ],
)
def test_a_mistake_in_a_stage_names_it(keyword, near):
    """An unknown option is refused with the nearest one, also of what is no policy."""
    said = f'stage "plain": no option "{keyword}"; did you mean {near}'

    with pytest.raises(DefinitionError, match=re.escape(said)):
        Stage(plain, **{keyword: 3})


def test_names_in_a_set_have_one_order():
    """A set itself has another one in each process, and a DAG file compares stages."""
    names = {"gpu", "db", "net", "disk", "api"}

    policy = Stage(lambda: 1, name="load", after=names, uses=names, tags=frozenset(names)).policy

    assert policy.after == policy.uses == policy.tags == ("api", "db", "disk", "gpu", "net")
