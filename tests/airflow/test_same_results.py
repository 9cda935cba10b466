"""What a workflow gives under Airflow is what it gives here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.airflow.cases import CASES, SMOKE, Case
from tests.airflow.venvs import VERSIONS

pytestmark = pytest.mark.airflow
MOST_BYTES = 2048
EACH_VERSION = pytest.mark.parametrize("version", VERSIONS)


def only(target: str) -> pytest.MarkDecorator:
    """Let a test have one case."""
    return pytest.mark.parametrize("case", [Case(target)], ids=[target])


def runs() -> list[Any]:
    """Each case on each version, with a mark for those that say most."""
    return [
        pytest.param(
            version,
            case,
            marks=[pytest.mark.smoke] if version == VERSIONS[0] and case in SMOKE else [],
            id=f"{version}-{case.name}",
        )
        for version in VERSIONS
        for case in CASES
    ]


@pytest.mark.parametrize("version,case", runs())
def test_stages_give_what_they_give_here(case: Case, report: dict[str, Any]):
    """Each stage has the same value, of the same type, or is skipped or fails as it does here."""
    assert report.get("errors") is None
    assert report.get("differences", []) == []
    assert report["state"] == case.state


@EACH_VERSION
@only("kinds:values")
def test_large_values_are_not_in_airflows_database(report: dict[str, Any]):
    """What is handed on of 5 MB is a handle of a few hundred bytes."""
    assert 0 < report["largest"] < MOST_BYTES


@EACH_VERSION
@only("conditions:flaky")
def test_airflow_repeats_what_failed(report: dict[str, Any]):
    """A stage with retries that fails once is called once more by Airflow, not by the engine."""
    assert report["calls"]["once"] == 2


@EACH_VERSION
@only("conditions:hopeless")
def test_airflow_does_not_repeat_what_cannot_get_better(report: dict[str, Any]):
    """An exception that the stage names no retry for fails its task at the first attempt."""
    assert report["calls"]["wrong"] == 1


@EACH_VERSION
@only("maps:many")
def test_no_more_tasks_are_made_than_airflow_allows(report: dict[str, Any]):
    """Of 2,500 items with a limit of 20 tasks become 20 tasks of 125 items."""
    assert report["counts"]["square"] == 20
