"""Airflow itself, with its scheduler and processes of its own, carries out what was triggered."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.cases import SECRETS, UNKNOWN, Case
from tests.airflow.home import Home
from tests.airflow.project import Project
from tests.airflow.tables_left import TABLES, left_here, left_in
from tests.airflow.venvs import VERSIONS

pytestmark = pytest.mark.airflow

SAME = (
    Case("mymodule:pipeline", {"source1": "x"}),
    Case("maps:squares"),
    Case("conditions:flaky"),
    Case("kinds:now", only=("same",)),
)
TALKING = Case("talking:flow")
FAR = Case("talking:far")
SLOW = Case("talking:slow", state="failed", is_compared=False)
REFUSED = Case("shapes:linear", {"n": "three"}, is_compared=False)
DRIFTED = Case("drifted:flow", state="failed", is_compared=False)
HAS_TABLES = find_spec("polars") is not None and find_spec("pandera") is not None
ALL = (*SAME, TALKING, FAR, SLOW, REFUSED, UNKNOWN, DRIFTED, *([TABLES] if HAS_TABLES else []))
EVENTS = [
    ("info", "line 1: print"),
    ("warning", "line 2: logging of a library"),
    ("info", "line 3: structlog"),
    ("error", "line 4: pypedream"),
    ("warning", "line 5: warning"),
    ("info", "line 6: stderr"),
    ("info", "line 7: two parts of a line"),
    ("info", "line 8: the key is ***"),
    ("warning", "line 9: the key is ***"),
    ("info", "line 10: no end"),
]


@pytest.fixture(scope="module", params=VERSIONS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which Airflow has carried out what was triggered."""
    project = Project(tmp_path_factory.mktemp("scheduled"))
    file = project.code / "drifted.py"
    text = (project.code / "shapes.py").read_text(encoding="utf-8").replace("linear", "flow")
    file.write_text(text, encoding="utf-8")
    for target in sorted({case.target for case in ALL}):
        project.export(target)
    file.write_text(text.replace("number**2", "number**3"), encoding="utf-8")
    made = Home.of(str(request.param), tmp_path_factory.mktemp(f"run-{request.param}"), project)
    made.make_database()
    return made


@pytest.fixture(scope="module")
def jobs(running: Home) -> dict[str, dict[str, Any]]:
    """What came of each case."""
    return dict(zip((case.name for case in ALL), running.carry_out(ALL), strict=True))


@pytest.fixture(scope="module")
def reports(running: Home, jobs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What Airflow's database has of the runs, compared with runs here."""
    return running.compare([each for each in jobs.values() if each["run_id"]])


@pytest.mark.parametrize("case", [*SAME, TALKING, FAR], ids=lambda case: case.name)
def test_stages_give_what_they_give_here(case: Case, reports: dict[str, dict[str, Any]]):
    """What processes of Airflow's give is what a run here gives."""
    report = reports[case.name]

    assert report.get("errors") is None
    assert report["differences"] == []
    assert report["state"] == "success"


def test_tasks_of_tables_leave_what_a_run_here_leaves(
    running: Home, reports: dict[str, dict[str, Any]], tmp_path: Path
):
    """Each task is a process of its own, which takes the run and lets go of it."""
    pytest.importorskip("polars")
    pytest.importorskip("pandera")
    report = reports[TABLES.name]

    assert report.get("errors") is None
    assert report["state"] == "success"
    assert report["tasks"]["add-late-ones"] == "skipped"
    assert left_in(running.project.code) == [left_here(running.project, tmp_path)]


def test_a_param_that_its_schema_refuses_is_refused_at_once(jobs: dict[str, dict[str, Any]]):
    """Airflow refuses a text for a number when the run is triggered, and says which it is."""
    assert jobs[REFUSED.name]["status"] == 400
    assert (
        "Invalid input for param n: 'three' is not of type 'integer'"
        in jobs[REFUSED.name]["answer"]
    )


def test_an_unknown_param_is_refused_by_the_first_task(
    running: Home, jobs: dict[str, dict[str, Any]]
):
    """What the pipeline does not know, which Airflow lets pass, fails a task with its name."""
    assert jobs[UNKNOWN.name]["ended"] == "failed"
    text = running.log(jobs[UNKNOWN.name], "numbers").replace('\\"', '"')  # as JSON has it
    assert 'no parameter "m"' in text


def test_a_stage_that_takes_too_long_is_stopped_and_repeated(
    jobs: dict[str, dict[str, Any]], reports: dict[str, dict[str, Any]]
):
    """A stage with a timeout and a retry fails after two attempts; what needs it is not called."""
    assert jobs[SLOW.name]["ended"] == "failed"
    assert reports[SLOW.name]["tries"]["wait"] == 2
    assert reports[SLOW.name]["tasks"] == {"wait": "failed", "after": "upstream_failed"}


def test_a_workflow_that_was_changed_is_refused(running: Home, jobs: dict[str, dict[str, Any]]):
    """A module that is not what it was when the DAG file was written fails and says what to do."""
    assert jobs[DRIFTED.name]["ended"] == "failed"
    assert "export it again" in running.log(jobs[DRIFTED.name], "numbers")


def test_all_that_a_stage_says_is_in_its_log_once_and_in_order(
    running: Home, jobs: dict[str, dict[str, Any]]
):
    """Prints, loggers and warnings are there with their levels, as they came, and no secret."""
    text = running.log(jobs[TALKING.name], "talk")
    said = [line for line in text.splitlines() if "line " in line and "talking.py line" not in line]

    assert len(said) == len(EVENTS)
    for line, (level, event) in zip(said, EVENTS, strict=True):
        if text.startswith("{"):
            found = json.loads(line)
            assert (found["level"], found["event"]) == (level, event)
            assert [found[name] for name in ("pipeline", "stage", "attempt")] == [
                "talking",
                "talk",
                1,
            ]
        else:
            assert f" {level.upper()} - " in line
            assert event in line
    assert not any(secret in text for secret in SECRETS.values())


def test_a_stage_in_a_process_of_its_own_is_heard(running: Home, jobs: dict[str, dict[str, Any]]):
    """What is said where the executor of a stage calls it is in the log of the task, once."""
    text = running.log(jobs[FAR.name], "talk_there")
    said = [line for line in text.splitlines() if "line " in line and "talking.py line" not in line]

    assert len(said) == 3
    assert ["print" in said[0], "logging" in said[1], "thread" in said[2]] == [True] * 3
    assert all("talk_there" in line for line in said)


def test_airflows_own_lines_are_as_they_were(running: Home, jobs: dict[str, dict[str, Any]]):
    """What Airflow writes itself after the stage is there, and has none of our fields."""
    text = running.log(jobs[TALKING.name], "talk")

    (done,) = [line for line in text.splitlines() if "Returned value not shown" in line]
    assert "pipeline" not in done
