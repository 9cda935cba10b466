"""Worker processes from a real Jupyter kernel: what is defined in cells goes along."""

from __future__ import annotations

import sys

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")
pytest.importorskip("cloudpickle")

CELLS = (
    """
from dataclasses import dataclass
from pypedream import Parameters, Pipeline, context
FACTOR = 10
@dataclass
class Sample:
    size: int
def scaled(n):
    return n * FACTOR
flow = Pipeline("cells", Parameters.define(numbers=[1, 2, 3]))
""",
    """
@flow.stage(over={"n": "numbers"})
def samples(n):
    print("sampling", n)
    return Sample(scaled(n))

@flow.stage
def total(samples):
    return sum(sample.size for sample in samples)
""",
    """
run = flow.run(executor="processes", workers=2)
print(run["total"], all(type(sample) is Sample for sample in run["samples"]))
print(sorted((each.item, each.event) for each in run.events if each.kind == "print"))
""",
    """
def scaled(n):
    return n / 0
""",
    """
flow.run(executor="processes", workers=2, progress=False)
""",
    """
print(flow.last_run.failure.item, flow.last_run.failure.place)
""",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each cell says: its streams as one text, and its error."""
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    client = nbclient.NotebookClient(
        notebook,
        timeout=120,
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}},
    )
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable
    client.execute()
    found = []
    for cell in notebook.cells:
        streams = [out for out in cell.outputs if out.output_type == "stream"]
        errors = [out for out in cell.outputs if out.output_type == "error"]
        found.append(("".join(out.text for out in streams), errors))
    return found


def test_functions_classes_and_constants_of_cells_go_along(outputs):
    """A helper, a constant and a class of other cells are there; the class stays the same."""
    text, errors = outputs[2]

    assert not errors
    assert text.splitlines()[0] == "60 True"


def test_what_a_worker_prints_is_with_its_stage_and_item(outputs):
    """Nothing of it is left in the cell."""
    text, _ = outputs[2]

    assert text.splitlines()[1:] == [str([(place, f"sampling {place + 1}") for place in range(3)])]


def test_an_error_shows_the_lines_of_the_cells(outputs):
    """The stage's own line and the helper's, with their cells, and how to go on."""
    _, errors = outputs[4]

    shown = "\n".join(errors[0].traceback)
    assert errors[0].ename == "ZeroDivisionError"
    assert "return n / 0" in shown
    assert "Cell In[4], line 2 in scaled" in shown
    assert "flow.resume()" in shown


def test_the_failure_names_its_item_and_its_cell(outputs):
    """Whoever looks at it afterwards finds the place."""
    text, _ = outputs[5]

    assert text.split("\n")[0] in {f"{item} Cell In[2], line 4" for item in range(3)}
