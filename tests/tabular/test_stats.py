from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import pypedream
from pypedream.tabular import StatisticsRecorder, StatisticsStore, StatRecord, StatScope

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> StatisticsStore:
    return StatisticsStore(tmp_path)


@pytest.fixture
def stats(store: StatisticsStore) -> StatisticsRecorder:
    return StatisticsRecorder("ab12c", store)


def noted(store: StatisticsStore) -> list[tuple[Any, ...]]:
    return [(each.scope, each.subject, each.action, each.value) for each in store.records()]


def test_numbers_are_noted_of_a_run_of_files_and_of_steps(
    store: StatisticsStore, stats: StatisticsRecorder
) -> None:
    """Each is kept, and is a line of the log."""
    with capture_logs() as logs:
        stats.record_run("files_ingested", 2)
        stats.record_file("schools", "row_count", 1_204)
        stats.for_step("match").record_step("share", 0.5)

    assert noted(store) == [
        (StatScope.FILE, "schools", "row_count", 1204.0),
        (StatScope.RUN, None, "files_ingested", 2.0),
        (StatScope.STEP, "match", "share", 0.5),
    ]
    common = {"event": "STAT", "log_level": "info", "run": "ab12c"}
    assert logs == [
        {**common, "scope": "run", "subject": "-", "action": "files_ingested", "value": 2},
        {**common, "scope": "file", "subject": "schools", "action": "row_count", "value": 1204},
        {**common, "scope": "step", "subject": "match", "action": "share", "value": 0.5},
    ]


def test_the_line_belongs_to_the_stage_that_notes_the_number(stats: StatisticsRecorder) -> None:
    """Within a run it is an event of it, as all that the stage says."""
    flow = pypedream.Pipeline("numbers")

    @flow.stage
    def count() -> None:
        stats.record_run("steps", 1)

    events = [event for event in flow.run().events if event.event == "STAT"]

    assert [(event.stage, event.data["action"]) for event in events] == [("count", "steps")]


def test_the_same_number_noted_again_is_replaced(
    store: StatisticsStore, stats: StatisticsRecorder
) -> None:
    """A step that is called again leaves one number."""
    for value in (1, 2):
        stats.for_step("match").record_step("matched", value)
        stats.record_run("matched", value)

    assert noted(store) == [
        (StatScope.RUN, None, "matched", 2.0),
        (StatScope.STEP, "match", "matched", 2.0),
    ]


def test_a_recorder_of_a_step_may_note_for_another(
    store: StatisticsStore, stats: StatisticsRecorder
) -> None:
    """The recorder of the run stays without a step."""
    of_step = stats.for_step("match")
    of_step.record_step("rows", 1, step_id="other")

    assert noted(store) == [(StatScope.STEP, "other", "rows", 1.0)]
    assert (of_step.step_id, stats.step_id) == ("match", None)


@pytest.mark.parametrize(
    "note, problem",
    [
        (lambda stats: stats.record_run("", 1), "'' is no name for it"),
        (lambda stats: stats.record_run(" ", 1), "' ' is no name for it"),
        (lambda stats: stats.record_run("rows", "1"), "\"rows\" is '1', which is no number"),
        (lambda stats: stats.record_run("rows", None), '"rows" is None, which is no number'),
        (lambda stats: stats.record_run("rows", True), '"rows" is True, which is no number'),
        (lambda stats: stats.record_run("rows", float("nan")), '"rows" is nan'),
        (lambda stats: stats.record_file("", "rows", 1), "needs the name of the file, not ''"),
        (lambda stats: stats.record_step("rows", 1), "needs the name of the step, not None"),
        (lambda stats: stats.record_run(1, "rows"), "1 is no name for it"),
        (lambda stats: stats.record_file(7, "rows", 1), "needs the name of the file, not 7"),
    ],
    ids=[
        "no action",
        "blank",
        "text",
        "none",
        "truth",
        "nan",
        "no file",
        "no step",
        "other way round",
        "no name",
    ],
)
def test_what_is_no_number_of_anything_is_refused(
    store: StatisticsStore, stats: StatisticsRecorder, note: Any, problem: str
) -> None:
    """Nothing is kept of it."""
    with pytest.raises(ValueError, match=problem):
        note(stats)

    assert not store.path.exists()


def test_a_record_is_what_the_seed_says() -> None:
    """It can be made by hand and is read as a line."""
    record = StatRecord("ab12c", StatScope.RUN, None, "duration_ms", 12.5, NOW)

    assert str(record) == "STAT run=ab12c scope=run subject=- action=duration_ms value=12.5"
    assert [str(scope) for scope in StatScope] == ["run", "file", "step"]
    with pytest.raises(ValueError, match="a number of a run needs no name, not 'x'"):
        StatRecord("ab12c", StatScope.RUN, "x", "rows", 1, NOW)
