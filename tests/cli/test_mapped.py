"""Mapped stages on the command line."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from textwrap import dedent

import pytest

from pypedream import Pipeline, context

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
    assert "\nsquare[100] failed: ValueError: no square\n" in shown


@pytest.mark.usefixtures("file")
def test_a_run_says_which_item_failed(invoke):
    """With its error, though the stage and the run are ok."""
    ran = invoke("run", "pipeline.py")

    assert ran.exit_code == 0
    assert re.search(r"^square\[100\] +\| failed: ValueError: no square$", ran.stdout, re.MULTILINE)


def test_a_stage_that_fails_says_by_which_item(invoke, folder):
    """On the screen and in the record, with the user's own line and not those of a library."""
    text = FLOW.replace('on_error="collect"', "chunk=1")
    text = text.replace('raise ValueError("no square")', 'json.loads("no square")')
    (folder / "pipeline.py").write_text(f"import json\n{dedent(text)}")

    ran, shown = invoke("run", "pipeline.py"), invoke("show", "last")

    said = "square[100] failed: JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
    assert ran.stderr.startswith(f"{said}\n  pipeline.py:10 in square\n")
    lines = shown.stdout.splitlines()
    place = lines.index(said)
    assert re.fullmatch(r'  File ".*pipeline.py", line 10, in square', lines[place + 1])
    assert lines[place + 2] == '    json.loads("no square")'
    after = [line for line in lines[place + 3 :] if line.strip("~^ ")]  # 3.13 marks what raised
    assert after[0].startswith("to go on: fix it, then ")


def test_every_item_that_failed_is_said_with_its_own_error(invoke, folder):
    """Where the others are called all the same."""
    text = FLOW.replace("collect", "continue").replace("n == 100", "n % 100 == 0")
    (folder / "pipeline.py").write_text(dedent(text).replace('"no square"', "n"))

    ran, shown = invoke("run", "pipeline.py"), invoke("show", "last")

    assert "\nalso failed: square[100]: ValueError: 100\n" in ran.stderr
    assert "\nalso failed: square[200]: ValueError: 200\n" in ran.stderr
    assert "\nsquare[200] failed: ValueError: 200\n" in shown.stdout


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


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    "options", [["--stage", "square[100]"], ["--item", "100"]], ids=["as it is called", "apart"]
)
def test_the_log_of_one_item(invoke, options):
    """What it said and how it ended, and nothing of others."""
    invoke("run", "pipeline.py")

    log = invoke("log", *options).stdout

    lines = [line[11:] for line in log.splitlines()[1:]]
    assert lines[0].startswith("square[100] | failed: ValueError: no square")
    assert {line.split(" | ")[0] for line in lines} == {"square[100]"}


@pytest.mark.usefixtures("file")
def test_the_log_of_a_small_item_is_the_line_that_counts_it(invoke):
    """It has none of its own."""
    invoke("run", "pipeline.py")

    log = invoke("log", "--item", "7").stdout

    [line] = log.splitlines()[1:]
    first, last = re.search(r"items? in .*: (\d+) \.\. (\d+)$", line).groups()
    assert int(first) <= 7 <= int(last)


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    "options, said",
    [
        (["--stage", "square[10o]"], 'nothing of an item "10o"; did you mean "10'),
        (["--item", "300"], 'nothing of an item "300"'),
        (["--stage", "sqare[3]"], 'no stage "sqare"; did you mean "square"?'),
    ],
    ids=["near", "past the end", "stage"],
)
def test_an_item_that_is_not_there_is_a_mistake(invoke, options, said):
    """With the nearest name, and not an empty log."""
    invoke("run", "pipeline.py")

    result = invoke("log", *options)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_stage_that_goes_on_shows_how_far_it_was(invoke, folder):
    """What it said last; without a total where there is none."""
    gate = threading.Event()
    flow = Pipeline("far", workspace=folder / ".pypedream", progress=False)

    @flow.stage
    def walk():
        context.progress(3, text="of many")
        gate.wait(20)

    handle = flow.start()
    while "progress 3" not in (shown := invoke("show", "last").stdout) and not handle.done:
        threading.Event().wait(0.02)
    said = invoke("log").stdout
    gate.set()
    handle.wait()

    assert re.search(r"walk +running +progress 3 of many\n", shown)
    assert re.search(r"walk \| progress 3 of many\n", said)
