"""What a newcomer gets wrong about files, as the terminal says it: what, where and the fix."""

from __future__ import annotations

import re

import pytest

HEAD = """\
from typing import Annotated, TypedDict
import pydantic
from pypedream import Pipeline
from pypedream.files import *
flow = Pipeline("p")
"""
GIVES = '-> Annotated[dict, Out("o.json", JSON())]:\n    return {}\n'
TABLE = """\
class O(TypedDict):
    c: Annotated[dict, {}]
def f({}) -> O:
    return {}
flow.register(f)
"""

# From a name to the text below the head, and what is told of it (a regular expression).
DEFINITIONS = {
    "lambda": ("flow.register(lambda: 1)", r'a lambda has no name.*add name="\.\.\."'),
    "closure": (
        (
            'def make():\n    def g(x: Annotated[dict, Dep("a.json", JSON())]): ...\n    return g\n'
            "flow.register(make())"
        ),
        r'stage "g": cannot pickle a function.*move it to the top of its module',
    ),
    "placeholder": (
        "def f(x: Annotated[dict, PlaceholderDep(JSON())]) " + GIVES + "flow.register(f)",
        r'argument "x": PlaceholderDep requires override: write register\(\.\.\., dep_path_over',
    ),
    "incremental": (
        TABLE.format(
            'IncrementalOut("a.json", JSON())',
            'c: Annotated[dict, IncrementalOut("b.json", JSON())]',
            "c",
        ),
        r"IncrementalOut path mismatch.*use the same path in both annotations",
    ),
    "folder": (
        TABLE.format('DirectoryOut("a", JSON())', "", "{}"),
        r"DirectoryOut path must end with '/': write \"a/\"",
    ),
    "no loader": (
        TABLE.format('Out("a.json")', "", "{}"),
        r'loader is required: write Out\("a.json", JSON\(\)\)',
    ),
    "field": (
        (
            "class O(TypedDict):\n    b: dict\n"
            'def f(x: Annotated[dict, Dep("a.json", JSON())]) -> O: ...\nflow.register(f)'
        ),
        r'field "b": TypedDict field missing Out annotation: write b: Annotated',
    ),
    "clash": (
        "def f() " + GIVES + "other = Pipeline('o')\nother.register(f)\nflow.register(f)\n"
        "flow.include(other)",
        r'stage "f" already exists: include "o" with a prefix, or give one.*another name=',
    ),
    "itself": ("flow.include(flow)", r'pipeline "p" cannot include itself'),
    "factory": (
        "class P(StageParams):\n    x: list[str] = pydantic.Field(default_factory=list)\n"
        "def f(params: P) " + GIVES + "flow.register(f)",
        r'P\.x has a default_factory.*write "= \[\]"',
    ),
    "local table": (
        (
            "def make():\n    class O(TypedDict):\n"
            '        a: Annotated[dict, Out("a.json", JSON())]\n    return O\nO = make()\n'
            "def f() -> O: ...\nflow.register(f)"
        ),
        r"the TypedDict O is defined inside a function: move it to the top",
    ),
    "outside": (
        'def f(x: Annotated[dict, Dep("../a.json", JSON())]) ' + GIVES + "flow.register(f)",
        r'"\.\./a\.json" cannot be a path of the project',
    ),
}

# The same for what is known only when a stage has run.
RUNS = {
    "key": (
        TABLE.format('DirectoryOut("a/", JSON())', "", '{"c": {"task": {}, "../x": {}}}'),
        r'DirectoryOut key must have extension: "task"; use "task\.json"; DirectoryOut key "\.\./x',
    ),
    "empty": (
        TABLE.format('DirectoryOut("a/", JSON())', "", '{"c": {}}'),
        r'DirectoryOut dict must not be empty: "a/" would hold no file',
    ),
    "fields": (
        TABLE.format('Out("a.json", JSON())', "", '{"d": {}}'),
        r'it returned no "c"; it returned "d", which has no file',
    ),
    "nothing": (
        TABLE.format('Out("a.json", JSON())', "", '{"c": None}'),
        r'it returned None for "c", and its annotation says dict',
    ),
    "value": (
        TABLE.format('Out("a.json", JSON())', "", '{"c": {"a": {1}}}'),
        r"FormatError: a\.json cannot be written as JSON: .* is of type set, which JSON lacks",
    ),
}


@pytest.fixture(autouse=True)
def needed(project):
    pytest.importorskip("pydantic")


@pytest.mark.parametrize("text, said", DEFINITIONS.values(), ids=DEFINITIONS)
def test_a_definition_that_cannot_be_is_one_line(write, invoke, text, said):
    """With the file and the line, and the fix."""
    write("pipeline.py", HEAD + text)

    result = invoke("repro")

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: cannot load pipeline.py: ")
    assert re.search(said, line)
    assert re.search(r"\(pipeline\.py:\d+\)", line)


@pytest.mark.parametrize("text, said", RUNS.values(), ids=RUNS)
def test_a_value_that_cannot_be_written_is_one_line(project, write, invoke, text, said):
    """With the function's place, and without that of files which nobody knows."""
    write("pipeline.py", HEAD + text)

    result = invoke("repro")

    assert result.exit_code == 1
    first, second, *_ = result.stderr.splitlines()
    assert re.search(f"^f failed: .*{said}.* \\(pipeline\\.py:8\\)$", first)
    assert second.startswith("record: ")
    assert ".tmp-" not in result.stderr
    assert not list(project.glob("a*"))


def test_a_file_that_cannot_be_read_is_one_line(write, invoke):
    """With the line of the file; where we found out helps nobody."""
    path = write("in.csv", '"a')
    read = 'def f(x: Annotated[dict, Dep("in.csv", CSV())]) '
    write("pipeline.py", HEAD + read + GIVES + "flow.register(f)")

    first, second, third, *_ = invoke("repro").stderr.splitlines()

    assert first.startswith(f"f failed: FormatError: {path} cannot be read as CSV: ")
    assert second == '  x = file "in.csv", read by CSV   <- file "in.csv"'
    assert third.startswith("record: ")


@pytest.mark.parametrize("words", [[], ["--workspace", "loop"]], ids=["usual", "like the file"])
def test_where_runs_are_recorded_is_no_matter_of_a_file_that_cannot_be_read(
    write, invoke, folder, words
):
    """Another workspace would not help, whatever its name."""
    (folder / "loop.json").symlink_to("loop.json")
    read = 'def f(x: Annotated[dict, Dep("loop.json", JSON())]) '
    write("pipeline.py", HEAD + read + GIVES + "flow.register(f)")

    (line,) = invoke("repro", *words).stderr.splitlines()

    assert line == f"error: cannot read {folder}/loop.json: Too many levels of symbolic links"


def test_a_path_among_parameters_is_noted_when_its_stage_is_called(write, invoke):
    """What is in the file would not count; a run that calls nothing says nothing."""
    write(
        "pipeline.py",
        HEAD
        + 'class P(StageParams):\n    source: str = "data/in.csv"\n'
        + "def f(params: P) "
        + GIVES
        + "flow.register(f)",
    )

    note = "note: stage \"f\": params.source is a path, 'data/in.csv': write it as Dep or Out"
    assert note in invoke("repro").stderr
    assert "note:" not in invoke("repro").stderr


@pytest.mark.parametrize(
    "path, loader, said",
    [
        (
            "a.csv",
            "JSON()",
            'note: stage "f", field "c": "a.csv" is written as JSON: write CSV(), or',
        ),
        ("a.txt", "JSON()", ""),
        ("a.json", "Text()", ""),
        ("a.yaml", "JSON()", ""),
    ],
)
def test_an_output_that_ends_as_another_format_is_noted(write, invoke, path, loader, said):
    """Where no program could read it; a text may be anything, and JSON is YAML."""
    text = TABLE.format(f'Out("{path}", {loader})', "", "{'c': 'x'}")
    write("pipeline.py", HEAD + text)

    told = invoke("repro").stderr

    assert said in told if said else "note:" not in told


def test_several_mistakes_are_a_line_each(write, invoke):
    """All at once."""
    text = TABLE.format('Out("a.json")', 'x: Annotated[dict, Dep("/a.json", JSON())]', "{}")
    write("pipeline.py", HEAD + text)

    head, *lines = invoke("repro").stderr.splitlines()

    assert head == "error: cannot load pipeline.py: 2 mistakes"
    assert [re.sub(r": .*", "", line) for line in lines] == [
        '  stage "f", argument "x"',
        '  stage "f", field "c"',
    ]
