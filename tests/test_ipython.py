"""What a person at an IPython prompt or in a notebook sees."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("IPython")

CELLS = [
    """
    from pypedream import Parameters, Pipeline
    flow = Pipeline("demo", Parameters.define(b=0), progress=False)

    @flow.stage
    def load():
        return 2

    @flow.stage
    def divide(load, b):
        return load / b
    """,
    "flow.run()",
    """
    @flow.stage
    def divide(load, b):
        return load / (b + 1)
    """,
    "print(flow.resume().stages['load'].state, flow.last_run['divide'])",
    """
    @flow.stage
    def model(laod):
        return 1
    """,
    "flow.run()",
]


@pytest.fixture(scope="module")
def shown() -> list[str]:
    """What each cell showed."""
    code = f"""
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance(colors="nocolor")
        for cell in {[textwrap.dedent(cell).strip() for cell in CELLS]!r}:
            print("=== cell", flush=True)
            shell.run_cell(cell, store_history=True)
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.split("=== cell\n")[1:]


def test_a_failure_is_shown_in_a_few_lines_of_the_users(shown):
    """The whole of it: what failed, the cell and line, the values, the next step."""
    assert shown[1].splitlines() == [
        "divide failed: ZeroDivisionError: division by zero",
        "  Cell In[1], line 10 in divide",
        "    return load / b",
        '  load = 2   <- stage "load"',
        '  b = 0      <- parameter "b" (default)',
        "to go on: fix it, then pipeline.resume()",
    ]


def test_a_fixed_cell_is_resumed(shown):
    """Running the cell again replaces the stage, and resume goes on from there."""
    assert shown[3] == "reused 2.0\n"


def test_a_mistake_is_shown_at_its_cell(shown):
    """A pipeline that cannot run says what and where, without a traceback."""
    text = shown[5]

    assert 'nothing gives its argument "laod" a value; did you mean "load"' in text
    assert "Cell In[5], line 1" in text
    assert "Traceback" not in text
    assert len(text.splitlines()) == 2
