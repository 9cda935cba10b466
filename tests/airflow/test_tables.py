"""A pipeline of tables leaves under Airflow what it leaves here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.airflow.project import Project
from tests.airflow.tables_left import TABLES, left_here, left_in
from tests.airflow.venvs import VERSIONS

pytest.importorskip("polars")
pytest.importorskip("pandera")

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.parametrize("version", VERSIONS),
    pytest.mark.parametrize("case", [TABLES], ids=["tables"]),
]


def test_tasks_leave_what_a_run_here_leaves(
    report: dict[str, Any], project: Project, tmp_path: Path
) -> None:
    """Parquet files, rows that were taken out or rejected, and the account of steps are equal."""
    assert report.get("errors") is None
    assert report["state"] == "success"
    assert report["tasks"]["add-late-ones"] == "skipped"
    under_airflow = left_in(project.code)

    expected = left_here(project, tmp_path)
    assert expected["status"] == "completed"
    assert under_airflow
    assert [each for each in under_airflow if each != expected] == []
