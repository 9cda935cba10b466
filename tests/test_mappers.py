"""Mappers: what is taken from a source, and what a return value is called."""

from __future__ import annotations

import copy
import pickle
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import (
    CHILL,
    PRESERVE,
    STRICT,
    WARN_UNEXPECTED,
    DependencyInputMapper,
    KeyedInputMapper,
    KeyedOutputMapper,
    Parameters,
    SequentialOutputMapper,
    Variables,
)
from pypedream.errors import DefinitionError, UndefinedInputException
from pypedream.mappers import names_of, outputs_of
from pypedream.outputs import NOT_GIVEN

NAMES = st.lists(st.text("abcdef", min_size=1), unique=True, min_size=1, max_size=5)


def test_a_keyed_input_mapper_takes_what_is_under_its_key():
    """Any mapping will do: parameters, variables, a dict."""
    mapper = KeyedInputMapper("rate")

    assert mapper({"rate": 3}) == 3
    assert mapper(Parameters.define(rate=3)) == 3
    assert mapper(Variables.define(rate=3).start()) == 3


def test_a_dotted_key_reaches_into_nested_parameters():
    """The key is a name of the parameters, and those may be nested."""
    assert KeyedInputMapper("model.depth")(Parameters.define(model={"depth": 3})) == 3


@pytest.mark.parametrize(
    "mapper, is_required",
    [
        (KeyedInputMapper("rate"), True),
        (KeyedInputMapper("rate", default=None), False),
        (KeyedInputMapper("rate", required=False), False),
        (KeyedInputMapper("rate", default=3, required=True), True),
        (DependencyInputMapper("load"), True),
        (DependencyInputMapper("load", default=None), False),
        (DependencyInputMapper("load", required=False), False),
    ],
    ids=repr,
)
def test_a_missing_value_is_an_error_unless_there_is_a_default(mapper, is_required):
    """None is a default like any other, and required= has the last word."""
    assert mapper.is_required is is_required
    if is_required:
        with pytest.raises(UndefinedInputException, match=r"rate|load"):
            mapper({})
    else:
        assert mapper({}) is mapper.default


def test_a_mapper_without_default_leaves_the_argument_out():
    """What is not required and not there is "not given", which is no value and false."""
    assert KeyedInputMapper("rate", required=False)({}) is NOT_GIVEN
    assert not NOT_GIVEN
    assert repr(NOT_GIVEN) == "NOT_GIVEN"


@pytest.mark.parametrize(
    "through", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda f: f.__name__
)
def test_not_given_is_one_object_everywhere(through):
    """A copy of "not given" is "not given", also in another process."""
    made = through(NOT_GIVEN)

    assert (pickle.loads(made) if isinstance(made, bytes) else made) is NOT_GIVEN


@pytest.mark.parametrize(
    "mapper, source, message",
    [
        (KeyedInputMapper("rtae"), {"rate": 1}, 'nothing under "rtae"; did you mean "rate"?'),
        (KeyedInputMapper("rate"), None, 'nothing under "rate"'),
        (KeyedInputMapper("rate"), Parameters.define("rate"), 'parameter "rate" is not set'),
        (DependencyInputMapper("lod"), {"load": {}}, 'stage "lod"; did you mean "load"?'),
        (
            DependencyInputMapper("load", "tran"),
            {"load": {"return": 1, "train": 2}},
            'stage "load" has no output "tran"; did you mean "train"?',
        ),
    ],
    ids=["key", "no-mapping", "not-set", "stage", "output"],
)
def test_what_is_missing_is_named_with_the_nearest(mapper, source, message):
    """The error says what is not there, and what was probably meant."""
    with pytest.raises(UndefinedInputException) as caught:
        mapper(source)

    assert message in str(caught.value)


def test_a_falsy_value_is_a_value():
    """0, None and an empty list are taken, not replaced by the default."""
    for value in (0, None, [], ""):
        assert KeyedInputMapper("rate", default=3)({"rate": value}) is value
        assert DependencyInputMapper("load", default=3)({"load": {"return": value}}) is value


def test_a_dependency_input_mapper_takes_an_output():
    """The return value unless an output is named."""
    stages = MappingProxyType({"split": {"return": [1, 2], "train": 1}})

    assert DependencyInputMapper("split")(stages) == [1, 2]
    assert DependencyInputMapper("split", "train")(stages) == 1


@given(NAMES, st.data())
def test_a_sequential_mapper_names_members_in_order(names, data):
    """As many values as names: each name has its value, whatever the behaviour."""
    values = data.draw(st.lists(st.integers(), min_size=len(names), max_size=len(names)))
    for behaviour in (STRICT, CHILL, PRESERVE):
        outputs = SequentialOutputMapper(names, behaviour)(values)

        assert list(outputs.items()) == list(zip(names, values, strict=True))


@given(NAMES, st.lists(st.integers(), max_size=8))
def test_a_sequential_mapper_loses_nothing_when_it_preserves(names, values):
    """With PRESERVE the values can be put together again from the outputs."""
    outputs = SequentialOutputMapper(names, PRESERVE)(values)

    extra = outputs.pop("_extra", [])
    assert [*outputs.values(), *extra] == values
    assert list(outputs) == names[: len(values)]


@pytest.mark.parametrize("returned", [[1], [1, 2, 3]], ids=["fewer", "more"])
def test_a_strict_sequential_mapper_wants_the_length(returned):
    """More or fewer values than names fail the stage."""
    with pytest.raises(ValueError, match=f'returned {len(returned)} values for "a", "b"'):
        SequentialOutputMapper(["a", "b"])(returned)


def test_a_chill_sequential_mapper_maps_what_it_can():
    """Surplus values are dropped, missing ones make no output."""
    mapper = SequentialOutputMapper(["a", "b"], CHILL)

    assert mapper([1]) == {"a": 1}
    assert mapper([1, 2, 3]) == {"a": 1, "b": 2}


@pytest.mark.parametrize("returned", [3, None, {"a": 1}], ids=["int", "none", "mapping"])
def test_a_sequential_mapper_refuses_what_has_no_order(returned):
    """The keys of a mapping are no sequence of outputs."""
    with pytest.raises(TypeError, match=f"type {type(returned).__name__}, no sequence"):
        SequentialOutputMapper(["a"], CHILL)(returned)


def test_a_sequential_mapper_takes_any_iterable():
    """A generator is read once."""
    assert SequentialOutputMapper(["a", "b"])(iter([1, 2])) == {"a": 1, "b": 2}


@given(st.dictionaries(st.text("abc", min_size=1), st.integers()))
def test_a_keyed_mapper_renames_every_entry(returned):
    """Under other names, the entries are the same."""
    mapper = KeyedOutputMapper({key: f"{key}!" for key in returned})

    assert mapper(returned) == {f"{key}!": value for key, value in returned.items()}


@pytest.mark.parametrize("returned", [{}, {"m": 1, "n": 2}], ids=["fewer", "more"])
def test_a_strict_keyed_mapper_wants_the_keys(returned):
    """Other keys than the ones it renames fail the stage."""
    with pytest.raises(ValueError, match=r'returned keys .* for "m"'):
        KeyedOutputMapper({"m": "mean"})(returned)


def test_a_chill_keyed_mapper_maps_what_it_can():
    """Other keys are dropped, missing ones make no output."""
    mapper = KeyedOutputMapper({"m": "mean", "s": "sum"}, CHILL)

    assert mapper({"m": 1, "n": 2}) == {"mean": 1}


def test_a_preserving_keyed_mapper_keeps_other_keys():
    """What it has no name for stays under its own key."""
    assert KeyedOutputMapper({"m": "mean"}, PRESERVE)({"m": 1, "n": 2}) == {"mean": 1, "n": 2}


def test_a_preserved_key_does_not_replace_an_output():
    """Two values for one output are an error, not a silent loss."""
    with pytest.raises(ValueError, match='also names of outputs: "mean"'):
        KeyedOutputMapper({"m": "mean"}, PRESERVE)({"m": 1, "mean": 2})


@pytest.mark.parametrize("returned", [3, [("m", 1)]], ids=["int", "pairs"])
def test_a_keyed_mapper_refuses_what_has_no_keys(returned):
    """Pairs are no mapping."""
    with pytest.raises(TypeError, match="no mapping"):
        KeyedOutputMapper({"m": "mean"}, CHILL)(returned)


@pytest.mark.parametrize("behaviour", [CHILL, PRESERVE], ids=["chill", "preserve"])
def test_warn_unexpected_warns_and_goes_on(behaviour):
    """The warning says what came; the outputs are those of the behaviour alone."""
    loud = SequentialOutputMapper(["a"], behaviour | WARN_UNEXPECTED)

    with pytest.warns(UserWarning, match='returned 2 values for "a"'):
        outputs = loud([1, 2])

    assert outputs == SequentialOutputMapper(["a"], behaviour)([1, 2])


@pytest.mark.parametrize(
    "behaviour",
    [STRICT | CHILL, CHILL | PRESERVE, WARN_UNEXPECTED, STRICT & CHILL, "strict", None],
    ids=str,
)
def test_a_behaviour_is_one_of_three(behaviour):
    """Contradictions and what is no behaviour are refused when the mapper is made."""
    with pytest.raises(DefinitionError, match="STRICT, CHILL and PRESERVE"):
        KeyedOutputMapper({"m": "mean"}, behaviour)


@pytest.mark.parametrize(
    "mapper, known",
    [
        (None, ()),
        (SequentialOutputMapper(["a", "b"]), ("a", "b")),
        (SequentialOutputMapper(["a"], PRESERVE), ("a", "_extra")),
        (KeyedOutputMapper({"m": "mean"}), ("mean",)),
        (KeyedOutputMapper({"m": "mean"}, PRESERVE), None),
        (lambda value: {"a": value}, None),
    ],
    ids=["none", "sequential", "sequential-preserve", "keyed", "keyed-preserve", "function"],
)
def test_the_outputs_of_a_mapper_are_known_or_not(mapper, known):
    """A plan knows the outputs only where no value can add to them."""
    assert outputs_of(mapper) == known


def test_the_names_of_a_mapper_are_those_it_was_given():
    """Names are kept as they are written, twice if they are there twice."""
    assert names_of(SequentialOutputMapper(["a", "a"])) == ("a", "a")
    assert names_of(KeyedOutputMapper({"m": "a", "n": "a"}, PRESERVE)) == ("a", "a")
    assert names_of(len) == ()


def test_mappers_are_values():
    """Two mappers that say the same are equal, hashable where they can be, and pickle."""
    first, second = (DependencyInputMapper("load", "train") for _ in range(2))

    assert first == second
    assert hash(first) == hash(second)
    for mapper in (first, KeyedInputMapper("a", 3), KeyedOutputMapper({"a": "b"}, PRESERVE)):
        assert pickle.loads(pickle.dumps(mapper)) == mapper
