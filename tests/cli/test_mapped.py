"""Mapped stages on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

FLOW = """
    from pypedream import Parameters, Pipeline

    flow = Pipeline("maps", Parameters.define(ns=range(300), k=1))

    @flow.stage(over={"n": "ns"}, on_error="collect")
    def square(n, k):
        if n == 100:
            raise ValueError("no square")
        return n * n * k
"""


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "pipeline.py"
    path.write_text(dedent(FLOW))
    return path


@pytest.mark.usefixtures("file")
def test_a_plan_says_what_is_mapped_over(invoke):
    """And how many items that are."""
    text = invoke("plan", "pipeline.py").stdout

    assert 'square  run    map over ns, 300 items: cache="off"' in text


@pytest.mark.usefixtures("file")
def test_a_pipeline_shows_what_is_mapped_over(invoke):
    """Before the arguments that all items share."""
    text = invoke("show", "pipeline.py").stdout

    assert 'square  map over n <- parameter "ns"; k <- parameter' in text


@pytest.mark.usefixtures("file")
def test_a_run_and_its_record_count_the_items(invoke):
    """With those that failed."""
    ran = invoke("run", "pipeline.py").stdout
    shown = invoke("show", "last").stdout

    assert "(300 items, 1 failed)" in ran
    assert re.search(r"^ok in .*, 1 stage, 1 item failed; log: ", ran, re.MULTILINE)
    assert re.search(r"square +ok .*300 items, 1 failed", shown)


@pytest.mark.usefixtures("file")
def test_a_run_says_which_item_failed(invoke):
    """With its error, though the stage and the run are ok."""
    ran = invoke("run", "pipeline.py")

    assert ran.exit_code == 0
    assert re.search(r"^square\[100\] +\| failed: ValueError: no square$", ran.stdout, re.MULTILINE)


@pytest.mark.usefixtures("file")
def test_the_document_of_a_run_counts_its_items(invoke):
    """By state, as far as they were called."""
    data = json.loads(invoke("run", "pipeline.py", "--json").stdout)

    assert data["stages"]["square"]["items"] == {"ok": 299, "failed": 1}


@pytest.mark.usefixtures("file")
def test_the_log_has_every_item(invoke):
    """Those that failed by name, small ones many in a line."""
    invoke("run", "pipeline.py")

    log = invoke("log").stdout

    assert re.search(r"square\[100\] +\| failed: ValueError: no square", log)
    many = [int(count) for count in re.findall(r"square +\| (\d+) items? in", log)]
    single = re.findall(r"square\[\d+\] +\| ok in", log)
    assert sum(many) + len(single) == 299
