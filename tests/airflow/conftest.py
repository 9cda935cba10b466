"""The versions of Airflow under test; each needs an environment, which `venvs` makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.airflow.cases import Case
from tests.airflow.home import Home
from tests.airflow.project import Project

collect_ignore = ["workflows", "harness.py", "drive.py", "reading.py"]  # for other interpreters

Reports = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a DAG file for each workflow that tests ask for."""
    made = Project(tmp_path_factory.mktemp("project"))
    files = {case.dag_id: case for _, case in cases_of(request.session)}
    for name, case in files.items():
        grouped = ["--group-as-task", case.grouped] if case.grouped else []
        made.export(case.target, *grouped, dag_id=name)
    return made


@pytest.fixture(scope="session")
def reports_of(
    request: pytest.FixtureRequest, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Reports]:
    """Run all cases that tests of a version ask for, once; return what came of each, by name."""

    @cache  # a fixture with versions as parameters would be made anew at each change of version
    def carried_out(version: str) -> Reports:
        home = Home.of(version, tmp_path_factory.mktemp(f"airflow-{version}"), project)
        home.make_database()
        asked = {case.name: case for known, case in cases_of(request.session) if known == version}
        return home.test(list(asked.values()))

    return carried_out


@pytest.fixture
def report(version: str, case: Case, reports_of: Callable[[str], Reports]) -> dict[str, Any]:
    """What came of a case under a version of Airflow."""
    return reports_of(version)[case.name]


def cases_of(session: pytest.Session) -> Iterator[tuple[str, Case]]:
    """Give the cases that tests ask for, each with the version."""
    for item in session.items:
        given = getattr(getattr(item, "callspec", None), "params", {})
        if "case" in given and "version" in given:
            yield given["version"], given["case"]
