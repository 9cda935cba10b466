"""Starters: the files of a new folder, and a notebook for a folder that has none."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from pypedream.cli.locate import USUAL_FILE, pipeline_files, pipeline_names
from pypedream.cli.mistakes import Refused

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "analysis"
NOTEBOOK = f"{TITLE}.ipynb"
_SAMPLE = "data/sample.csv"
_IMPORT = "from pipeline import flow"

# From each file of a new folder to what it is made from.
TEMPLATES = {
    "csv": {
        USUAL_FILE: "table.py",
        NOTEBOOK: "script.ipynb",
        _SAMPLE: "sample.csv",
        "README.md": "script.md",
    },
    "plain": {USUAL_FILE: "plain.py", "README.md": "script.md"},
    "notebook": {NOTEBOOK: "notebook.ipynb", _SAMPLE: "sample.csv", "README.md": "notebook.md"},
}


def make(folder: Path, template: str) -> list[str]:
    """Write the files of a template and return their names.

    Raises
    ------
    Refused
        If one of them is there, or cannot be written.
    """
    for name, source in TEMPLATES[template].items():
        _write(folder, name, _entitled(_text(source), name, folder.resolve().name))
    return list(TEMPLATES[template])


def make_notebook(folder: Path) -> Path:
    """Write a notebook to start from, and return it.

    It imports the pipeline of the folder if there is one to choose; else it is a small analysis
    that runs, with a table to read.

    Raises
    ------
    Refused
        If it is there, or cannot be written.
    """
    own = own_pipeline(folder)
    if own is not None:
        text = _text("own.ipynb").replace("pipeline.py", f"{own[0]}.py")
        _write(folder, NOTEBOOK, text.replace(_IMPORT, f"from {own[0]} import {_as_flow(own[1])}"))
    else:
        if not (folder / _SAMPLE).exists():
            _write(folder, _SAMPLE, _text("sample.csv"))
        _write(folder, NOTEBOOK, _text("notebook.ipynb"))
    return folder / NOTEBOOK


def own_pipeline(folder: Path) -> tuple[str, str] | None:
    """Return module and name of the pipeline of a folder, if it has one and no choice of more."""
    found = pipeline_files(folder)
    usual = [path for path in found if path.name == USUAL_FILE]
    chosen = usual or found
    names = pipeline_names(chosen[0]) if len(chosen) == 1 else []
    if len(names) != 1 or not chosen[0].stem.isidentifier():
        return None
    return chosen[0].stem, names[0]


def _as_flow(name: str) -> str:
    return name if name == "flow" else f"{name} as flow"


def _text(source: str) -> str:
    return (files("pypedream.cli") / "templates" / source).read_text(encoding="utf-8")


def _write(folder: Path, name: str, text: str) -> None:
    path = folder.joinpath(*name.split("/"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror}") from None


def _entitled(text: str, name: str, title: str) -> str:
    """Put the name of the folder where the template has its own."""
    if name.endswith(".md"):
        return text.replace(f"# {TITLE}\n", f"# {title}\n", 1)
    quoted = json.dumps(title, ensure_ascii=False)
    if name.endswith(".py"):
        return text.replace(f'"{TITLE}"', quoted, 1)
    if name.endswith(".ipynb"):  # whose texts are JSON already
        inside = json.dumps(quoted, ensure_ascii=False)[1:-1]
        text = text.replace("# Analysis\\n", f"# {quoted[1:-1]}\\n", 1)
        return text.replace(f'\\"{TITLE}\\"', inside, 1)
    return text
