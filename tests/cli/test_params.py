from __future__ import annotations

import tomllib
from datetime import date
from enum import Enum
from pathlib import Path

import pytest

from pypedream import Parameter, Parameters
from pypedream.cli.toml import toml_lines

FLOW = """
    from pathlib import Path
    from pypedream import Parameter, Parameters, Pipeline

    flow = Pipeline("much", Parameters.define(
        "who",
        n=Parameter(int, default=2, min=1, help="how many"),
        data=Path("data") / "in.csv",
        model={"depth": 3, "rate": 0.1},
        token=Parameter(str, default="hunter22", secret=True),
    ))
"""


class Colour(Enum):
    RED = "r"


def test_the_table_says_what_there_is_to_set(invoke, write):
    """Name, what is accepted, the value, who set it, and what it is for."""
    write("pipeline.py", FLOW)

    result = invoke("params", "-p", "model.depth=4")

    assert result.stdout.splitlines() == [
        "name         accepts          value        from            help",
        "who          any                           has to be set",
        "n            int, at least 1  2            default         how many",
        "data         Path             data/in.csv  default",
        "model.depth  int              4            -p (default 3)",
        "model.rate   float            0.1          default",
        "token        str, secret      ***          default",
    ]


def test_a_pipeline_without_parameters_says_so(invoke, write):
    """An empty table would be a riddle."""
    write("pipeline.py", 'from pypedream import Pipeline\nflow = Pipeline("bare")\n')

    assert invoke("params").stdout == 'pipeline "bare" has no parameters\n'


def test_json_has_rules_and_defaults(result_of, write):
    """The document is enough to draw a form."""
    write("pipeline.py", FLOW)

    n = result_of("params", "-p", "n=5")["parameters"][1]

    assert n == {
        "name": "n",
        "accepts": "int, at least 1",
        "required": False,
        "default": 2,
        "value": 5,
        "source": "-p",
        "help": "how many",
        "secret": False,
        "environment": "PYPEDREAM_PARAM_N",
    }


def test_json_is_strict(result_of, write):
    """A number that JSON does not have is a text."""
    write(
        "pipeline.py",
        """
        from pypedream import Parameters, Pipeline

        flow = Pipeline("odd", Parameters.define(gap=float("nan"), far=[float("inf")]))
        """,
    )

    gap, far = result_of("params")["parameters"]

    assert (gap["value"], far["value"]) == ("nan", ["inf"])


def test_a_file_to_start_from_can_be_used(invoke, write):
    """What --toml prints is what --params reads."""
    write("pipeline.py", FLOW)
    write("my.toml", invoke("params", "--toml", "-p", "who=über", "-p", "n=7").stdout)

    result = invoke("params", "--params", "my.toml")

    assert "über         my.toml" in result.stdout
    assert "7            my.toml (default 2)" in result.stdout
    assert "hunter22" not in Path("my.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "value",
    [
        True,
        -3,
        1.5,
        float("inf"),
        "",
        'quote " and \\ and \n and \x7f and 😀',
        Path("a") / "b",
        date(2026, 1, 31),
        Colour.RED,
        [1, 2],
        [[], ["a"]],
        Parameter(dict, {"a b": 1, "c": [True]}),
        {"depth": 3, "deeper": {"rate": 0.1}},
    ],
    ids=repr,
)
def test_toml_holds_any_value_of_a_parameter(tmp_path, value):
    """Reading the file gives the values back."""
    parameters = Parameters.define(first=1, value=value, last=2)
    file = tmp_path / "set.toml"
    file.write_text("\n".join(toml_lines(parameters)), encoding="utf-8")

    assert parameters.with_file(file) == parameters
    assert parameters.with_file(file).source("value") == str(file)


def test_toml_leaves_out_what_it_cannot_hold():
    """A value that only Python has, and None, stand in a comment."""
    parameters = Parameters.define("who", gap=None, shape=object)

    lines = list(toml_lines(parameters))

    assert tomllib.loads("\n".join(lines)) == {}
    assert "# who = ...  has to be set" in lines
    assert "# gap = ...  now None" in lines
