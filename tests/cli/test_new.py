from __future__ import annotations

import json
from pathlib import Path

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


@pytest.mark.parametrize("template, count", [("csv", 4), ("notebook", 6)])
def test_the_cells_of_a_new_notebook_run(invoke, monkeypatch, template, count):
    """The notebook is well-formed, and its code works from top to bottom."""
    invoke("new", "fresh", "--template", template)
    monkeypatch.chdir("fresh")
    monkeypatch.syspath_prepend(".")
    notebook = json.loads(Path("analysis.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code"]

    names: dict[str, object] = {}
    for cell in cells:
        exec(compile(cell, "cell", "exec"), names)

    assert len(cells) == count
    assert names["run"].outputs["summary"]["return"] == {"harbour": 4.33, "hill": 1.43}


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
    assert screen.splitlines()[-1] == "next: python -m jupyter lab mine/analysis.ipynb"


def test_json_says_what_was_made(result_of):
    """Folder, files and next command."""
    assert result_of("new", "fresh", "--template", "plain") == {
        "folder": "fresh",
        "files": ["pipeline.py", "README.md"],
        "next": "python -m pypedream run fresh/pipeline.py",
    }
