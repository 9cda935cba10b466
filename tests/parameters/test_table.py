from __future__ import annotations

import copy
import json
import pickle
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import (
    DefinitionError,
    InvalidParameterException,
    ParameterError,
    UndefinedParameterException,
)
from pypedream.parameters import Parameter, Parameters, Secret


@pytest.fixture
def parameters() -> Parameters:
    return Parameters.define(
        "source",
        last_year=1990,
        model={"depth": Parameter(int, 3, min=1, max=20), "rate": 0.1},
        token=Secret("hunter2"),
    )


def test_values_by_item_and_attribute(parameters: Parameters) -> None:
    """A value is read as an item, as an attribute and by its dotted name."""
    assert parameters["last_year"] == parameters.last_year == 1990
    assert parameters["model.depth"] == parameters.model.depth == parameters["model"]["depth"] == 3


def test_is_a_mapping_of_top_level_names(parameters: Parameters) -> None:
    """Iteration and length are about the top-level names; a dotted name is contained too."""
    assert list(parameters) == ["source", "last_year", "model", "token"]
    assert len(parameters) == 4
    assert "model.depth" in parameters
    assert "source" in parameters
    assert "depth" not in parameters


def test_required_parameter_says_how_to_set_it(parameters: Parameters) -> None:
    """Reading a required parameter without a value says how to set it everywhere."""
    expected = (
        r'parameter "source" is not set: run\(source=\.\.\.\) in Python, -p source=\.\.\. on the '
        "command line, or PYPEDREAM_PARAM_SOURCE in the environment"
    )

    with pytest.raises(UndefinedParameterException, match=expected):
        parameters["source"]


def test_required_nested_parameter_says_how_to_set_it() -> None:
    """A dotted name is no keyword of Python, and the message knows it."""
    parameters = Parameters.define("model.depth")

    with pytest.raises(UndefinedParameterException, match=r'run\(\{"model\.depth": \.\.\.\}\)'):
        parameters["model"]


@pytest.mark.parametrize(
    "name, near",
    [("lst_year", "last_year"), ("model.dept", "model.depth"), ("depth", "model.depth")],
)
def test_unknown_name_has_a_nearest_one(parameters: Parameters, name: str, near: str) -> None:
    """Reading an unknown name names the nearest one, also inside a group."""
    with pytest.raises(InvalidParameterException, match=f'no parameter "{name}".*"{near}"'):
        parameters[name]


def test_unknown_attribute_is_an_attribute_error(parameters: Parameters) -> None:
    """Code that asks whether there is an attribute gets an answer, not an error."""
    assert not hasattr(parameters, "lst_year")
    assert not hasattr(parameters, "source_")
    assert parameters.get("source") is None
    with pytest.raises(AttributeError, match='did you mean "last_year"'):
        _ = parameters.lst_year


def test_unknown_attribute_of_a_group(parameters: Parameters) -> None:
    """A group knows its names too."""
    with pytest.raises(InvalidParameterException, match='did you mean "depth"'):
        _ = parameters.model.dept


def test_equals_a_dict_of_values(parameters: Parameters) -> None:
    """Parameters equal a dict of the values that are set, and other parameters like them."""
    values = {
        "last_year": 1990,
        "model": {"depth": 3, "rate": 0.1},
        "token": Secret("hunter2"),
    }

    assert parameters == values
    assert parameters.as_dict() == values
    assert parameters == parameters.fresh()
    assert parameters != {"last_year": 1990}
    assert parameters != 3


@pytest.mark.parametrize(
    "values",
    [
        {"model.depth": 5},
        {"model": {"depth": 5}},
        {"model": Parameters.define(depth=5)},
    ],
    ids=["dotted", "nested", "mapping"],
)
def test_nested_value_is_set(parameters: Parameters, values: dict[str, object]) -> None:
    """A nested value is set by its dotted name or in a mapping; the rest of the group stays."""
    changed = parameters.with_values(values, source="run(...)")

    assert changed.model == {"depth": 5, "rate": 0.1}
    assert parameters.model == {"depth": 3, "rate": 0.1}


def test_part_wins_over_the_whole(parameters: Parameters) -> None:
    """What is set by its dotted name wins over the group that is set beside it."""
    values = {"model.depth": 5, "model": {"depth": 4, "rate": 0.5}}

    assert parameters.with_values(values, source="x").model == {"depth": 5, "rate": 0.5}


def test_all_mistakes_in_one_error(parameters: Parameters) -> None:
    """One error lists all mistakes, a line each, and nothing is set."""
    wrong = {
        "lst_year": 1,
        "model.depth": 300,
        "model": {"rat": 1},
        "zzz": 1,
        3: 4,
    }

    with pytest.raises(ParameterError) as caught:
        parameters.with_values(wrong, source="run(...)")

    known = "source, last_year, model.depth, model.rate, token"
    assert str(caught.value).splitlines() == [
        'no parameter "lst_year"; did you mean "last_year"? (run(...))',
        'no parameter "model.rat"; did you mean "model.rate"? (run(...))',
        f'no parameter "zzz"; there are {known} (run(...))',
        f'no parameter "3"; there are {known} (run(...))',
        'parameter "model.depth": 300 is over the maximum 20 (run(...))',
    ]


def test_group_set_to_a_plain_value(parameters: Parameters) -> None:
    """A group is no value; the message says what may be set."""
    expected = (
        r'parameter "model": 3 is not a mapping; its parts can be set alone, '
        r'such as "model\.depth" \(-p\)'
    )

    with pytest.raises(ParameterError, match=expected):
        parameters.with_values({"model": 3}, source="-p")


def test_name_of_a_dict_that_is_open() -> None:
    """A new key for a dict is an unknown name; the message says how to take any key."""
    parameters = Parameters.define(renames={"old": "new"})

    with pytest.raises(ParameterError, match=r"if renames may be any dict, .* Parameter\(dict"):
        parameters.with_values({"renames": {"x-ray": "xray"}}, source="run(...)")


def test_dict_as_one_value() -> None:
    """A dict is replaced as a whole if it is declared as one value."""
    parameters = Parameters.define(renames=Parameter(dict, {"old": "new"}))

    assert parameters.with_values({"renames": {"a": "b"}}, source="x").renames == {"a": "b"}


def test_text_is_read_by_type(parameters: Parameters) -> None:
    """Text is read by the declared type or that of the default; JSON sets a group."""
    texts = {"last_year": "2000", "model": '{"depth": 7}', "source": "[1, 2]", "token": "123"}

    changed = parameters.with_text(texts, source="-p")

    assert changed == {
        "source": [1, 2],
        "last_year": 2000,
        "model": {"depth": 7, "rate": 0.1},
        "token": Secret("123"),
    }


def test_wrong_text(parameters: Parameters) -> None:
    """Text that cannot be read is a mistake like any other."""
    with pytest.raises(ParameterError) as caught:
        parameters.with_text({"last_year": "x", "model": "deep", "nope": "1"}, source="-p")

    assert len(str(caught.value).splitlines()) == 3
    assert "'x' is not an int, like its default 1990 (-p)" in str(caught.value)


def test_source_of_each_value(parameters: Parameters) -> None:
    """Each value knows who set it last; a group names all who set a part of it."""
    changed = parameters.with_text({"model.depth": "5"}, source="params.toml")
    changed = changed.with_values({"model.depth": 6}, source="run(...)")

    assert changed.source("model.depth") == "run(...)"
    assert changed.source("last_year") == "default"
    assert changed.source("source") == "not set"
    assert changed.source("model") == "run(...), default"
    assert changed.settings == {"model.depth": 6}
    with pytest.raises(InvalidParameterException, match='did you mean "last_year"'):
        changed.source("lastyear")


def test_missing_names_the_required_without_a_value() -> None:
    """Missing are the required parameters that nobody set, with dotted names."""
    parameters = Parameters.define("a", "model.b", c=3)

    assert parameters.missing == ("a", "model.b")
    assert parameters.with_values({"a": None}, source="x").missing == ("model.b",)


def test_definitions_by_dotted_name(parameters: Parameters) -> None:
    """Definitions carry what a form needs, by dotted name, and cannot be changed."""
    definition = parameters.definitions["model.depth"]

    assert list(parameters.definitions) == [
        "source",
        "last_year",
        "model.depth",
        "model.rate",
        "token",
    ]
    assert (definition.name, definition.type, definition.default) == ("model.depth", int, 3)
    assert (definition.min, definition.max) == (1, 20)
    assert parameters.definitions["source"].is_required
    assert parameters.definitions["token"].secret


def test_definitions_can_be_defined_again(parameters: Parameters) -> None:
    """The definitions of one table are defaults of another: so tables are joined."""
    joined = Parameters.define(parameters.definitions, extra=1)

    assert list(joined) == ["source", "last_year", "model", "token", "extra"]
    assert joined.missing == ("source",)


def test_parameters_are_fixed(parameters: Parameters) -> None:
    """Neither a parameter nor a group of them can be set in place."""
    with pytest.raises(AttributeError, match=r"parameters are fixed: set one with run\(last_year"):
        parameters.last_year = 3
    with pytest.raises(TypeError, match="item assignment"):
        parameters["last_year"] = 3  # type: ignore[index]
    with pytest.raises(TypeError, match="parameters are fixed while a run lasts"):
        parameters.model["depth"] = 3
    with pytest.raises(TypeError, match="parameters are fixed while a run lasts"):
        parameters.model.update(depth=3)


def test_nothing_to_set_gives_the_same(parameters: Parameters) -> None:
    """Setting nothing makes no new parameters."""
    assert parameters.with_values({}, source="run(...)") is parameters
    assert parameters.with_environment({"PATH": "/bin"}) is parameters


def test_fresh_containers_and_shared_leaves() -> None:
    """Fresh parameters share no list, dict or set with others, but share the leaves."""
    leaf = object()
    parameters = Parameters.define(
        rows=[[1], leaf], table=Parameter(dict, {"a": [1]}), model={"sizes": [1]}
    )

    fresh = parameters.fresh()
    fresh.rows[0].append(2)
    fresh.table["a"].append(2)
    fresh.model.sizes.append(2)

    assert parameters == {"rows": [[1], leaf], "table": {"a": [1]}, "model": {"sizes": [1]}}
    assert fresh.rows[1] is leaf


def test_secrets_are_the_texts_to_hide() -> None:
    """The texts of all secrets are found, also of numbers and inside containers."""
    parameters = Parameters.define(
        token=Secret("hunter2"),
        pin=Secret(1234),
        empty=Secret(""),
        keys=[Secret("key-1"), {"a": Secret("key-2")}],
        login=Secret({"user": "me", "password": "pass-3"}),
        db={"password": Parameter(str, "nested", secret=True)},
        open="seen",
    )

    secrets = parameters.secrets()

    assert {"hunter2", "1234", "key-1", "key-2", "pass-3", "nested"} <= set(secrets)
    assert "" not in secrets
    assert "seen" not in secrets


def test_redacted_is_plain_data() -> None:
    """Redacted values can be written as JSON: stars for secrets, short text for objects."""
    parameters = Parameters.define(
        "missing",
        token=Secret("hunter2"),
        day=date(2026, 1, 31),
        path=Path("a.csv"),
        rate=Decimal("0.1"),
        sizes=(1, 2),
        keys=[Secret("key-1")],
        frame=object(),
        model={"depth": 3},
    )

    redacted = parameters.redacted()

    assert redacted == {
        "token": "***",
        "day": "2026-01-31",
        "path": "a.csv",
        "rate": "0.1",
        "sizes": [1, 2],
        "keys": ["***"],
        "frame": "<object object>",
        "model": {"depth": 3},
    }
    assert json.loads(json.dumps(redacted)) == redacted


def test_repr_is_a_table(parameters: Parameters) -> None:
    """The repr is a table of names, values, rules, sources and help, without the secrets."""
    changed = Parameters.define(
        "source", depth=Parameter(int, 3, min=1, help="levels"), token=Secret("hunter2")
    ).with_values({"depth": 5}, source="run(...)")

    assert repr(changed).splitlines() == [
        "name    value       accepts          source    help",
        "source  (required)  any              not set",
        "depth   5           int, at least 1  run(...)  levels",
        "token   ***         str, secret      default",
    ]
    assert repr(Parameters.define()) == "Parameters()"


def test_completion_knows_the_names(parameters: Parameters) -> None:
    """A notebook completes names as attributes and dotted names as keys."""
    assert "last_year" in dir(parameters)
    assert "model.depth" in parameters._ipython_key_completions_()


@pytest.mark.parametrize(
    "travel",
    [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_parameters_travel(parameters: Parameters, travel: object) -> None:
    """Parameters can be copied and pickled with all they know."""
    assert callable(travel)
    changed = parameters.with_values({"source": "a"}, source="run(...)")

    there = travel(changed)

    assert there == changed
    assert there.source("source") == "run(...)"
    assert there.with_values({"model.depth": 5}, source="x").model.depth == 5


def test_name_of_a_method_is_an_item() -> None:
    """A parameter with the name of a method is read as an item."""
    parameters = Parameters.define(source="a", values=[1])

    assert parameters["source"] == "a"
    assert parameters["values"] == [1]


def test_unlike_kinds_have_no_instance(parameters: Parameters) -> None:
    """Only parameters of a class have an instance of it."""
    with pytest.raises(DefinitionError, match="from_class"):
        parameters.instance()


names = st.sampled_from(["a", "b", "c.d", "c.e"])
values = st.dictionaries(names, st.integers() | st.text() | st.none())


@given(values, values)
def test_what_is_set_last_wins(first: dict[str, object], second: dict[str, object]) -> None:
    """Setting two tables in turn is setting the second over the first."""
    parameters = Parameters.define({"a": 0, "b": 0, "c.d": 0, "c.e": 0})

    in_turn = parameters.with_values(first, source="1").with_values(second, source="2")

    assert in_turn == parameters.with_values({**first, **second}, source="3")
    assert in_turn.settings == {**first, **second}
