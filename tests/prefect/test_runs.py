"""Flow files as Prefect runs them: each stage gives what it gives here, type included."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.test_seed_readme import FUNCTIONS, PIPELINE

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect")]
# Warnings of Prefect and of what it needs are not ours to mend.
pytestmark.append(pytest.mark.filterwarnings("default"))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def assert_same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert {*found} == {*expected}
    for key, value in expected.items():
        assert (found[key], type(found[key])) == (value, type(value)), key


@pytest.mark.parametrize("given", [{}, {"source1": "x"}], ids=["defaults", "set"])
def test_the_readme_gives_what_it_gives_here(
    modules: Callable[[str], Any],
    exported: Callable[..., Any],
    tmp_path: Path,
    given: dict[str, Any],
) -> None:
    """Its lambda mapper and its date of today included."""
    (tmp_path / "of_readme.py").write_text(FUNCTIONS + PIPELINE)
    pipeline = modules("of_readme").pipeline

    assert_same(exported(pipeline)(**given), pipeline.run(given, progress=False))


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "defaults": ({}, {}),
    "no items": ({"prep_size": 0}, {"prep.size": 0}),
    "false condition": ({"deep": False}, {"deep": False}),
    "text from a form": (
        {"day": "2025-02-03", "mode": "EXACT", "prep_size": "5"},
        {"day": date(2025, 2, 3), "mode": "EXACT", "prep.size": 5},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_stages_give_what_they_give_here(
    modules: Callable[[str], Any], exported: Callable[..., Any], case: str
) -> None:
    """Maps over lists, dicts and iterators, conditions, classes of the user's; without a store."""
    far, here = CASES[case]
    module = modules("features")
    values = {**here, "mode": module.Mode[here.get("mode", "FAST")]}

    assert_same(exported(module.flow)(**far), module.flow.run(values, progress=False))


def test_values_can_go_through_a_store(
    modules: Callable[[str], Any], exported: Callable[..., Any], tmp_path: Path
) -> None:
    """In pieces of several items, and several stages as one task."""
    flow, store = modules("features").flow, tmp_path / "store"
    far = exported(flow, store=str(store), map_chunk=2, group_as_task=["prep"])

    found = far(prep_size=5)

    assert_same(found, flow.run({"prep.size": 5}, progress=False))
    assert [*store.iterdir()]


def test_tasks_can_run_in_processes(
    modules: Callable[[str], Any], exported: Callable[..., Any]
) -> None:
    """Values are pickled then, and no store is needed."""
    runners = pytest.importorskip("prefect.task_runners")
    if not hasattr(runners, "ProcessPoolTaskRunner"):
        pytest.skip("this version has none")
    flow = modules("features").flow
    far = exported(flow).with_options(task_runner=runners.ProcessPoolTaskRunner(max_workers=2))

    assert_same(far(), flow.run(progress=False))


def test_a_failed_stage_is_repeated(
    modules: Callable[[str], Any], exported: Callable[..., Any], notes: Path
) -> None:
    """By Prefect, as often as the stage says."""
    found = exported(modules("features").flow)(state=str(notes))

    assert found["flaky"] == 20
    assert notes.read_text() == "xxx"


@pytest.mark.parametrize(
    "how, error, attempts",
    [("worth it", ConnectionError, 3), ("hopeless", KeyError, 1)],
    ids=["worth it", "hopeless"],
)
def test_the_flow_fails_with_what_the_stage_raised(
    modules: Callable[[str], Any],
    exported: Callable[..., Any],
    notes: Path,
    how: str,
    error: type[Exception],
    attempts: int,
) -> None:
    """What is not worth another attempt has none; what does not need the stage runs."""
    far = exported(modules("faults").flow)

    with pytest.raises(error) as raised:
        far(notes=str(notes), how=how)

    assert notes.read_text() == "x" * attempts
    assert 'stage "fails" failed' in raised.value.__notes__[0]


def test_a_stage_that_takes_too_long_fails(
    modules: Callable[[str], Any], exported: Callable[..., Any], notes: Path
) -> None:
    """After as many attempts as it has."""
    far = exported(modules("faults").flow)

    with pytest.raises(TimeoutError):
        far(notes=str(notes), how="slow")

    assert notes.read_text() == "xxx"


def test_a_stage_that_ends_the_run_is_no_failure(
    modules: Callable[[str], Any], exported: Callable[..., Any], notes: Path
) -> None:
    """What needs it is skipped."""
    found = exported(modules("faults").flow)(notes=str(notes), how="ends")

    assert {*found} == {"alone", "tells"}


def test_a_secret_is_read_where_the_stage_is_called(
    modules: Callable[[str], Any],
    exported: Callable[..., Any],
    notes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the environment, or else from a Secret block; the flow itself is not told."""
    from prefect.blocks.system import Secret

    far = exported(modules("faults").flow)
    Secret(value="sixsix").save("pypedream-param-token", overwrite=True)
    from_block = far(notes=str(notes))["tells"]
    monkeypatch.setenv("PYPEDREAM_PARAM_TOKEN", "five5")

    assert (from_block, far(notes=str(notes))["tells"]) == (6, 5)


def test_a_changed_pipeline_is_refused(
    modules: Callable[[str], Any], exported: Callable[..., Any], tmp_path: Path
) -> None:
    """Nobody runs what the file does not show."""
    text = "from pypedream import Pipeline\nflow = Pipeline('changes')\n"
    stage = "\n@flow.stage\ndef one():\n    return {}\n"
    (tmp_path / "changing.py").write_text(text + stage.format(1))
    far = exported(modules("changing").flow)
    (tmp_path / "changing.py").write_text(text + stage.format("2 + 3"))
    modules("changing")

    with pytest.raises(ValueError, match="no longer matches the flow file"):
        far()


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What is logged of tasks."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("prefect.task_runs")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def test_what_stages_print_is_in_the_log_of_their_tasks(
    modules: Callable[[str], Any], exported: Callable[..., Any], lines: list[str]
) -> None:
    """Each line once."""
    exported(modules("features").flow)()

    said = [each for each in lines if "loading" in each or "squaring" in each]
    assert sorted(said) == ["[0] squaring 0", "[1] squaring 2", "[2] squaring 4", "loading 3"]
