"""Parameters in paths."""

from __future__ import annotations

from datetime import date
from enum import Enum
from pathlib import PurePosixPath

import pytest

from pypedream.errors import DefinitionError
from pypedream.files import spec_of
from pypedream.files.templates import filled, names_in
from pypedream.parameters import Parameters, Secret


class Kind(Enum):
    RAW = "raw"


@pytest.mark.parametrize(
    "value, text",
    [
        ("raw", "raw"),
        (3, "3"),
        (0.1, "0.1"),
        (True, "True"),
        (date(2026, 1, 31), "2026-01-31"),
        (Kind.RAW, "raw"),
        (PurePosixPath("a/b"), "a/b"),
    ],
    ids=repr,
)
def test_values_that_are_part_of_a_path(value, text):
    """What has a plain text is put in place of its name."""
    assert filled("data/{x}.csv", {"x": value}) == f"data/{text}.csv"


@pytest.mark.parametrize(
    "value",
    [None, "", [1], {"a": 1}, (1,), {1}, Secret("hush"), object()],
    ids=lambda x: str(type(x)),
)
def test_values_that_are_none(value):
    """What has no plain text, or must not be seen, is refused by name."""
    with pytest.raises(
        DefinitionError, match=r'^"data/{x}.csv": x is .*no part of a path$'
    ) as caught:
        filled("data/{x}.csv", {"x": value})

    assert "hush" not in str(caught.value)


def test_braces():
    """Two stand for one; a path without any stays as it is."""
    assert filled("{{x}}/{x}.csv", {"x": 1}) == "{x}/1.csv"
    assert names_in("{{x}}/{y.z}/{y.z}.csv") == ("y.z",)


def test_several_paths():
    """A list stays a list and a tuple a tuple."""
    assert filled(("{x}.csv", "b.csv"), {"x": "a"}) == ("a.csv", "b.csv")
    assert filled(["{x}.csv"], {"x": "a"}) == ["a.csv"]
    assert filled(["{x}.csv"], {"x": "*"}) == ["*.csv"]


def test_names_of_groups():
    """A dotted name is looked up in parameters, mappings and objects."""
    parameters = Parameters.define(model={"kind": "tree"})

    assert filled("{model.kind}.pkl", parameters) == "tree.pkl"
    assert filled("{model.kind}.pkl", {"model": {"kind": "tree"}}) == "tree.pkl"
    assert filled("{model.kind}.pkl", {"model": parameters.model}) == "tree.pkl"


@pytest.mark.parametrize(
    "values, message",
    [
        ({"rate": 1}, '"{rte}.csv": no parameter "rte"; did you mean "rate"?'),
        ({}, '"{rte}.csv": no parameter "rte"; there is none'),
        (
            {"rte": "../../x"},
            '"{rte}.csv": "../../x.csv" cannot be a path of the project: a part is',
        ),
        ({"rte": "/etc/x"}, '"{rte}.csv": "/etc/x.csv" cannot be a path of the project: it is abs'),
        (
            {"rte": "[a]"},
            '"{rte}.csv": "[a].csv" would be a pattern, and one file is meant: choose',
        ),
    ],
    ids=["near", "none", "traversal", "absolute", "pattern"],
)
def test_paths_that_cannot_be_made(values, message):
    """A name that is not there, and a value that leaves the project."""
    with pytest.raises(DefinitionError) as caught:
        filled("{rte}.csv", values)

    assert str(caught.value).startswith(message)


CODE = """
class Outputs(TypedDict):
    a: Annotated[dict, Out("{kind}/a.json", JSON())]
    b: Annotated[dict, Out("{other}/a.json", JSON())]

def f(x: Annotated[list, Dep(["{source}", "{kind}/*.csv"], CSV())]) -> Outputs: ...
"""


def test_a_spec_knows_its_names_and_is_filled(define):
    """All paths of a stage are filled at once; the spec itself stays as it is."""
    spec = spec_of(define(CODE))

    done = spec.filled({"kind": "raw", "other": "new", "source": "in/x.csv"})

    assert spec.names == ("source", "kind", "other")
    assert done.deps["x"].paths == ["in/x.csv", "raw/*.csv"]
    assert [out.path for out in done.outs.values()] == ["raw/a.json", "new/a.json"]
    assert (done.names, spec.deps["x"].paths[0]) == ((), "{source}")


def test_a_parameter_that_is_not_set(define):
    """Its path says how to set it; one that no path needs may be missing."""
    spec = spec_of(define("def f(x: Annotated[Any, Dep('{kind}.json', JSON())]): ..."))

    done = spec.filled(Parameters.define("other", kind="raw"))

    assert done.deps["x"].paths == "raw.json"
    with pytest.raises(
        DefinitionError, match=r'"\{kind\}\.json": parameter "kind" is not set: run\('
    ):
        spec.filled(Parameters.define("kind"))


def test_paths_that_clash_when_they_are_filled(define):
    """What are two paths by name may be one by value."""
    spec = spec_of(define(CODE))

    with pytest.raises(DefinitionError, match=r'field "a" and field "b" both write "raw/a\.json"'):
        spec.filled({"kind": "raw", "other": "raw", "source": "x.csv"})


def test_all_names_that_are_missing(define):
    """One line for each path."""
    with pytest.raises(DefinitionError) as caught:
        spec_of(define(CODE)).filled({"source": "x.csv"})

    assert str(caught.value).splitlines() == [
        'argument "x": "{kind}/*.csv": no parameter "kind"; there is only source',
        'field "a": "{kind}/a.json": no parameter "kind"; there is only source',
        'field "b": "{other}/a.json": no parameter "other"; there is only source',
    ]
