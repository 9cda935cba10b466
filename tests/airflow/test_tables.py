"""A pipeline of tables leaves under Airflow what it leaves here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.cases import Case
from tests.airflow.project import Project
from tests.airflow.venvs import VERSIONS

pl = pytest.importorskip("polars")
pytest.importorskip("pandera")

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.parametrize("version", VERSIONS),
    pytest.mark.parametrize(
        "case", [Case("registers:pipeline", is_compared=False)], ids=["tables"]
    ),
]


def left_in(folder: Path) -> list[dict[str, Any]]:
    """Return what each run has left, without ids and times."""
    return [left_by(path.parent) for path in folder.glob(".working/*/manifest.json")]


def left_by(run: Path) -> dict[str, Any]:
    """Return what a run has left: the tests of each version are for the same folder."""
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


def test_tasks_leave_what_a_run_here_leaves(
    report: dict[str, Any], project: Project, tmp_path: Path
) -> None:
    """Parquet files, rows that were taken out or rejected, and the account of steps are equal."""
    assert report.get("errors") is None
    assert report["state"] == "success"
    assert report["tasks"]["add-late-ones"] == "skipped"
    under_airflow = left_in(project.code)

    ignored = shutil.ignore_patterns(".working", ".persistent", ".astro", ".pypedream")
    here = Project.__new__(Project)
    here.code = Path(shutil.copytree(project.code, tmp_path / "code", ignore=ignored))
    here.pypedream("ingest", "inbox", "registers.py")
    here.pypedream("run", "registers.py")

    (expected,) = left_in(here.code)
    assert expected["status"] == "completed"
    assert under_airflow
    assert [each for each in under_airflow if each != expected] == []
