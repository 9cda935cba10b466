"""Whether a pipeline can run in another system, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

BAD = """
    from datetime import timedelta
    from pypedream import Parameter, Parameters, Pipeline

    flow = Pipeline("bad", Parameters.define(n=Parameter(int), span=timedelta(1)), cache="cached")

    @flow.stage
    def load(n, span):
        print("loading")
        return n
"""

MADE = """
    from pypedream import Pipeline

    NAME = "made"

    def build():
        flow = Pipeline(NAME)
        flow.stage(lambda: 1, name="one")
        return flow

    def nothing():
        return None
"""


def test_what_can_run_there_is_said_with_what_differs(invoke, flow):
    """It says where it is found; nothing is called and nothing is written."""
    before = {*Path().rglob("*")}

    result = invoke("plan", "--for", "airflow")

    assert result.exit_code == 0
    first, note = result.stdout.splitlines()
    assert first.startswith("sums: can run in Airflow, as ")
    assert note.startswith("  note: there is no store, so what stages give each other must be JSON")
    assert "loading" not in result.output
    assert {*Path().rglob("*")} == before


def test_all_reasons_are_listed_and_the_exit_code_says_so(invoke, write):
    """Each with its line."""
    write("bad.py", BAD)

    result = invoke(
        "plan", "bad.py", "--for", "prefect", "--schedule", "@daily", "--store", "s3://b"
    )

    assert result.exit_code == 2
    first, *reasons, note = result.stdout.splitlines()
    assert first == "bad: cannot run in Prefect as it is, for 2 reasons"
    assert reasons[0].startswith('  parameter "span": its default datetime.timedelta(days=1)')
    assert reasons[1].startswith('  parameter "n" has to be set')
    assert all(each.endswith("(bad.py:5)") for each in reasons)
    assert note.startswith("  note: cache= is not used there")


def test_json_has_reasons_warnings_and_parameters(result_of, flow):
    """The document holds what the text says, and the schema of each parameter."""
    document = result_of("plan", "--for", "airflow", "--store", "s3://bucket/sums")

    assert (document["reasons"], document["warnings"], document["varies"]) == ([], [], [])
    assert document["for"] == "airflow"
    assert document["parameters"]["a"] == {
        "schema": {"type": "integer"},
        "secret": False,
        "default": 1,
    }
    assert document["fingerprint"].startswith("plan ")


def test_options_of_another_system_need_one(invoke, flow):
    """They would mean nothing."""
    result = invoke("plan", "--store", "s3://bucket/sums")

    assert result.exit_code == 2
    assert "--store means something only with --for: add --for airflow" in result.stderr


def test_a_function_that_makes_the_pipeline_can_be_named(invoke, write):
    """In every command; also for another system."""
    write("made.py", MADE)

    assert invoke("plan", "made.py:build()").stdout.startswith("made: 1 of 1 stage will run")
    assert (
        "made: can run in Airflow, as made:build()"
        in invoke("plan", "made.py:build()", "--for", "airflow").stdout
    )


def test_a_function_that_makes_none_is_refused(invoke, write):
    """With the nearest name, or what it returned."""
    write("made.py", MADE)

    assert (
        'made.py has no function "biuld"; did you mean "build"?'
        in invoke("plan", "made.py:biuld()").stderr
    )
    assert (
        "returns no Pipeline but a value of type NoneType"
        in invoke("plan", "made.py:nothing()").stderr
    )


def test_a_project_root_is_where_modules_are_imported_from(invoke, write):
    """The name of the module is its place there."""
    write("flows/__init__.py", "")
    lines = ("from pypedream import Pipeline", "flow = Pipeline('inner')")
    write("flows/inner.py", "\n".join([*lines, "flow.stage(lambda: 1, name='a')"]))

    inner = invoke("plan", "flows/inner.py", "--for", "airflow")
    outer = invoke("plan", "flows/inner.py", "--for", "airflow", "--project-root", ".")

    assert inner.stdout.startswith("inner: can run in Airflow, as inner:flow")
    assert outer.stdout.startswith("inner: can run in Airflow, as flows.inner:flow")


def test_the_marked_cells_of_a_notebook_are_looked_at_as_a_module(invoke, write):
    """Reasons are told with their cells, and nothing is written."""
    cells = [
        "#| export\nfrom pypedream import Parameters, Pipeline",
        "#| export\nflow = Pipeline('cells', Parameters.define(b=b'x'))",
        "#| export\n@flow.stage\ndef load(b):\n    return 1",
    ]
    document = {"cells": [{"cell_type": "code", "source": each, "metadata": {}} for each in cells]}
    write("nb.ipynb", json.dumps(document))

    result = invoke("plan", "nb.ipynb:flow", "--for", "airflow")

    assert result.exit_code == 2
    assert result.stdout.startswith("cells: cannot run in Airflow as it is, for 1 reason\n")
    assert "(nb.ipynb, cell 2:2)" in result.stdout
    assert [path.name for path in Path().iterdir()] == ["nb.ipynb"]
