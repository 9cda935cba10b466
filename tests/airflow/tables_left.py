"""What a pipeline of tables leaves: under Airflow, and after a run here of the same files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.cases import Case
from tests.airflow.project import Project

TABLES = Case("registers:pipeline", is_compared=False)


def left_here(project: Project, folder: Path) -> dict[str, Any]:
    """Return what a run in another folder leaves, without Airflow."""
    ignored = shutil.ignore_patterns(".working", ".persistent", ".astro", ".pypedream")
    here = Project.__new__(Project)
    here.code = Path(shutil.copytree(project.code, folder / "code", ignore=ignored))
    here.pypedream("ingest", "inbox", "registers.py")
    here.pypedream("run", "registers.py")
    (left,) = left_in(here.code)
    return left


def left_in(folder: Path) -> list[dict[str, Any]]:
    """Return what each run has left, without ids and times."""
    return [left_by(path.parent) for path in folder.glob(".working/*/manifest.json")]


def left_by(run: Path) -> dict[str, Any]:
    """Return what a run has left: the tests of each version are for the same folder."""
    pl = pytest.importorskip("polars")
    manifest = json.loads((run / "manifest.json").read_text())
    frames = {
        path.relative_to(run).as_posix(): pl.read_parquet(path).drop("canonical_id", strict=False)
        for path in run.rglob("*.parquet")
        if "identities" not in path.parts
    }
    rows = {name: (frame.schema, frame.rows()) for name, frame in frames.items()}
    steps = {key: (each["status"], each["files"]) for key, each in manifest["steps"].items()}
    rejects = (run / "rejects" / "schools.csv").read_text(encoding="utf-8")
    return {"status": manifest["status"], "rows": rows, "steps": steps, "rejects": rejects}
