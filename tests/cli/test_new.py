from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("name", ["my_analysis", "über uns", "2026"])
@pytest.mark.parametrize("template", ["csv", "plain"])
def test_a_new_pipeline_runs_at_once(invoke, name, template):
    """The command that is printed is the one to type, and it works."""
    made = invoke("new", name, "--template", template)
    run = invoke("run", str(Path(name) / "pipeline.py"))

    quoted = f"'{name}/pipeline.py'" if " " in name else f"{name}/pipeline.py"
    assert made.stdout.splitlines()[-1] == f"next: python -m pypedream run {quoted}"
    assert run.exit_code == 0, run.stderr
    assert run.stdout.count("✓") == (3 if template == "csv" else 2)
    assert f'"{name}",' in text_of(name)


def text_of(name: str) -> str:
    return (Path(name) / "pipeline.py").read_text(encoding="utf-8")


@pytest.fixture
def cells(invoke, monkeypatch):
    """The code of the cells of a new notebook, in whose folder one is."""

    def of(template: str) -> list[str]:
        invoke("new", "fresh", "--template", template)
        monkeypatch.chdir("fresh")
        monkeypatch.syspath_prepend(".")
        notebook = json.loads(Path("analysis.ipynb").read_text(encoding="utf-8"))
        return ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]

    return of


def test_the_cells_beside_a_new_file_run(cells):
    """The notebook imports the pipeline, runs it and has a form."""
    names: dict[str, Any] = {}

    for cell in cells("csv"):
        exec(compile(cell, "cell", "exec"), names)

    assert names["run"]["summary"] == {"harbour": 4.33, "hill": 1.43}
    assert names["form"].values["coldest"] == -50


def test_the_cells_of_a_new_notebook_fail_once_and_go_on(cells):
    """One run fails as tables do, the function is mended, and what had finished is kept."""
    names: dict[str, Any] = {}
    failed = []

    for number, cell in enumerate(cells("notebook")):
        try:
            exec(compile(cell, f"cell {number}", "exec"), names)
        except ValueError as error:
            failed.append((cell, str(error)))

    assert failed == [("flow.run()", "could not convert string to float: ''")]
    assert names["run"].stages["load"].state == "reused"
    assert names["run"]["summary"] == {"harbour": 4.33, "hill": 1.43}


@pytest.mark.parametrize("template", ["csv", "notebook"])
def test_a_new_notebook_runs_in_a_kernel(invoke, template):
    """All of it, as "Run All Cells" does; what fails is meant to, and is said in a few lines."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    invoke("new", "fresh", "--template", template)
    notebook = nbformat.read(Path("fresh", "analysis.ipynb"), as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": "fresh"}}
    )
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable

    client.execute()

    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    errors = ["\n".join(one["traceback"]) for one in outputs if one["output_type"] == "error"]
    assert [error.splitlines()[0] for error in errors] == [
        "clean failed: ValueError: could not convert string to float: ''"
    ] * (template == "notebook")
    assert "{'harbour': 4.33, 'hill': 1.43}" in [
        one["data"]["text/plain"] for one in outputs if "data" in one
    ]


@pytest.mark.parametrize("name", ["my_analysis", "über 'uns'"])
def test_a_new_notebook_bears_the_name_of_its_folder(invoke, name):
    """In its heading and in its pipeline."""
    invoke("new", name, "--template", "notebook")

    text = Path(name, "analysis.ipynb").read_text(encoding="utf-8")
    first = json.loads(text)["cells"][0]["source"][0]
    assert first == f"# {name}\n"
    assert f'flow = Pipeline(\\n",\n    "    \\"{name}\\",' in text


def test_the_usual_template_has_all_that_one_needs(invoke):
    """Pipeline, notebook, data and a few lines to read."""
    result = invoke("new", "fresh")

    assert result.stdout.splitlines()[0] == (
        "made fresh: pipeline.py, analysis.ipynb, data/sample.csv, README.md"
    )
    assert (Path("fresh") / "data" / "sample.csv").is_file()
    assert (Path("fresh") / "README.md").read_text(encoding="utf-8").startswith("# fresh\n")


def test_an_empty_folder_is_filled(invoke):
    """It may have been made with a click."""
    Path("fresh").mkdir()

    assert invoke("new", "fresh").exit_code == 0


def test_nothing_is_overwritten(invoke):
    """A second time the folder is left as it is."""
    invoke("new", "fresh")
    (Path("fresh") / "pipeline.py").write_text("mine", encoding="utf-8")

    result = invoke("new", "fresh")

    assert result.exit_code == 2
    assert text_of("fresh") == "mine"


def test_a_person_is_asked_for_name_and_template(typed):
    """At a terminal nothing needs to be known."""
    code, screen = typed("new", answers=["mine", "notebook"])

    assert code == 0
    assert "name of the new folder [analysis]: " in screen
    assert screen.splitlines()[-1] == "next: python -m pypedream ui mine/analysis.ipynb"


def test_json_says_what_was_made(result_of):
    """Folder, files and next command."""
    assert result_of("new", "fresh", "--template", "plain") == {
        "folder": "fresh",
        "files": ["pipeline.py", "README.md"],
        "next": "python -m pypedream run fresh/pipeline.py",
    }
