"""A module from the cells of a real Jupyter kernel."""

from __future__ import annotations

import sys

import pytest

from .conftest import python

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")
pytest.importorskip("cloudpickle")

CELLS = (
    """
%config InlineBackend.figure_format = "svg"
import asyncio
import pathlib
from dataclasses import dataclass
from pypedream import Parameters, Pipeline, logger
!echo a shell command
""",
    """
# how much of a sample is left
FACTOR = 10

@dataclass
class Sample:
    size: int

def scaled(n):
    return n + FACTOR
""",
    """
flow = Pipeline("cells", Parameters.define(numbers=[1, 2, 3]))

@flow.stage(over={"n": "numbers"})
def samples(n):
    print("sampling", n)
    display(n)
    return Sample(scaled(n))
""",
    """
def scaled(n):
    return n * FACTOR

answer = await asyncio.sleep(0, 42)
""",
    """
@flow.stage
def total(samples):
    # of all
    logger.info("adding")
    return answer + sum(sample.size for sample in samples)
""",
    """
run = flow.run(progress=False)
""",
    """
flow.to_module("flow.py")
""",
    """
@flow.stage
def bad(total):
    files = !ls
    return files
flow.to_module("flow.py")
""",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the notebook runs."""
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def outputs(folder):
    """What each cell has: the texts of its results and streams, and its error."""
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    resources = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(notebook, timeout=240, allow_errors=True, resources=resources)
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable
    client.execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_cell_shows_what_was_written_and_proved(outputs):
    """One result, without anything that the stages print or display."""
    (output,) = outputs[6]

    head, proof, run = output["data"]["text/plain"].splitlines()
    assert head.startswith('flow.py: pipeline "cells" with 2 stages, ')
    assert proof == "  proof: 2 of 2 stages gave equal results in fresh interpreters"
    assert run == "  to run it: python -m pypedream run flow.py"


def test_the_module_is_what_the_cells_mean_now(outputs, folder):
    """Comments, the last of two definitions and the value of what was awaited; no magic."""
    text = (folder / "flow.py").read_text(encoding="utf-8")

    assert text.rpartition("\n\n\n")[0] == (
        '''"""Pipeline "cells"."""

from dataclasses import dataclass

from IPython.display import display
from pypedream import Parameters, Pipeline, logger

# how much of a sample is left
FACTOR = 10

answer = 42


@dataclass
class Sample:
    size: int


def scaled(n):
    return n * FACTOR


flow = Pipeline("cells", Parameters.define(numbers=[1, 2, 3]))


@flow.stage(over={"n": "numbers"})
def samples(n):
    print("sampling", n)
    display(n)
    return Sample(scaled(n))


@flow.stage
def total(samples):
    # of all
    logger.info("adding")
    return answer + sum(sample.size for sample in samples)'''
    )


def test_the_module_runs_without_the_notebook(outputs, folder):
    """The command that was shown gives the result."""
    done = python(folder, "-m", "pypedream", "run", "flow.py", "--no-workspace", "--json")

    assert done.returncode == 0, done.stderr
    assert '"total"' in done.stdout


def test_a_refusal_is_shown_without_a_traceback(outputs, folder):
    """The reason, the cell and line, and the module that was there stays."""
    (output,) = outputs[7]

    shown = output["traceback"]
    assert (
        "the shell command !ls works only in IPython: use subprocess.run (Cell In[8], line 3)"
        in ("\n".join(shown))
    )
    assert "Traceback" not in "\n".join(shown)
    assert "answer = 42" in (folder / "flow.py").read_text(encoding="utf-8")
