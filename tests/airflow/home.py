"""A home of one version of Airflow: its settings, its database and the logs of its tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.cases import SECRETS, Case
from tests.airflow.project import HERE, PACKAGE, Project
from tests.airflow.venvs import is_made, python_with

LONGEST_S = 900.0


class Home:
    """A folder for one version of Airflow, which works on a project.

    Parameters
    ----------
    version
        The version of Airflow.
    folder
        Where it keeps everything.
    project
        Whose DAG files it runs.
    """

    def __init__(self, version: str, folder: Path, project: Project) -> None:
        self.version = version
        self.folder = folder
        self.project = project
        (folder / "calls").mkdir()

    @classmethod
    def of(cls, version: str, folder: Path, project: Project) -> Home:
        """Return a home; a test of a version that is not here is skipped, and fails with ``CI``."""
        if not is_made(version):
            miss = pytest.fail if "CI" in os.environ else pytest.skip
            miss(f"no Airflow {version}: python -m tests.airflow.venvs {version}")
        return cls(version, folder, project)

    def run(self, *command: str, given: str = "", has_pypedream: bool = True) -> str:
        """Run the interpreter with Airflow, and return what it wrote to standard output.

        What it wrote to standard error is appended to ``log.txt``.

        Parameters
        ----------
        has_pypedream
            Whether pypedream can be imported.
        """
        with (self.folder / "log.txt").open("a") as log:
            ended = subprocess.run(
                [str(python_with(self.version)), *command],
                input=given,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=False,
                timeout=LONGEST_S,
                cwd=self.folder,
                env=self._environment(has_pypedream=has_pypedream),
            )
        assert ended.returncode == 0, (self.folder / "log.txt").read_text()[-4000:]
        return ended.stdout

    def make_database(self) -> None:
        """Make Airflow's database."""
        self.run("-m", "airflow", "db", "migrate")

    def test(self, cases: Sequence[Case]) -> dict[str, dict[str, Any]]:
        """Run cases by ``dag.test()`` in one process; return what came of each, by name."""
        return self._reports("harness.py", [job(case) for case in cases])

    def compare(self, jobs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Compare runs that Airflow has carried out already."""
        return self._reports("harness.py", jobs)

    def carry_out(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Start Airflow itself, alone if that can be, trigger runs and wait for their ends."""
        alone = ["--alone"] if can_be_alone() else []
        jobs = json.dumps([job(case) for case in cases])
        found = self.run(str(HERE / "drive.py"), *alone, given=jobs)
        return [dict(each) for each in json.loads(found)]

    def log(self, job: dict[str, Any], task: str) -> str:
        """Return the log of the last attempt of a task in a run."""
        place = f"dag_id={job['dag_id']}/run_id={job['run_id']}/task_id={task}"
        files = sorted((self.folder / "logs" / place).glob("attempt=*.log"))
        return files[-1].read_text(encoding="utf-8")

    def _reports(self, script: str, jobs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        lines = self.run(str(HERE / script), given=json.dumps(jobs)).splitlines()
        return {found["name"]: found for found in map(json.loads, lines)}

    def _environment(self, *, has_pypedream: bool) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        path = {"PYTHONPATH": str(PACKAGE)} if has_pypedream else {}
        return {
            **own,
            **path,
            **SECRETS,
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.project.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__MAX_MAP_LENGTH": "20",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "SCARF_ANALYTICS": "false",
            "PYPEDREAM_STORE": (self.folder / "store").as_uri(),
            "CALLS": str(self.folder / "calls"),
        }


def job(case: Case) -> dict[str, Any]:
    """Return a case as it goes to another process."""
    return {**case._asdict(), "name": case.name, "dag_id": case.dag_id}


def can_be_alone() -> bool:
    """Whether a process may take itself away from the network."""
    if not sys.platform.startswith("linux"):
        return False
    command = ["unshare", "-n", "ip", "link", "set", "lo", "up"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
