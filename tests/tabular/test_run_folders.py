from __future__ import annotations

from datetime import date

import pytest

from pypedream.errors import NoTableRun
from pypedream.tabular.manifest import Manifest, RunStatus, StepState, StepStatus, write_manifest
from pypedream.tabular.run_folders import (
    choose_run,
    damaged_runs,
    find_run,
    new_run_id,
    runs_in,
)

HELD = {"check": StepState(StepStatus.QUARANTINED)}


def make(folder, run_id, status, day=1, steps=()):
    run = folder / ".working" / run_id
    run.mkdir(parents=True)
    made = f"2024-06-{day:02}T10:00:00+00:00"
    write_manifest(Manifest(run_id, "x", date(2024, 6, 1), made, status, {}, dict(steps)), run)


def test_an_id_is_five_lower_case_letters_and_digits(tmp_path):
    """And no run has it."""
    ids = {new_run_id(tmp_path) for _ in range(200)}

    assert len(ids) > 190
    assert all(len(each) == 5 and each.isalnum() and each == each.lower() for each in ids)


@pytest.mark.parametrize(
    "there, chosen",
    [
        (["completed", "quarantined", "ingested", "failed+"], "r1"),
        (["completed", "failed+", "ingested", "failed"], "r1"),
        (["ingested", "ingested", "failed", "completed"], "r1"),
        (["completed", "failed", "completed", "completed"], "r1"),
        (["quarantined", "quarantined", "ingested"], "r1"),
    ],
    ids=["quarantined", "failed with rows", "ingested", "failed", "latest of equals"],
)
def test_the_run_to_go_on_with_is_the_one_that_waits_for_somebody(tmp_path, there, chosen):
    """Quarantined, then failed with rows in quarantine, then ingested, then failed."""
    for number, status in enumerate(there):
        steps = HELD if "+" in status else {}
        make(tmp_path, f"r{number}", RunStatus(status.rstrip("+")), number + 1, steps)

    assert choose_run(tmp_path).run_id == chosen


def test_nothing_ingested_says_how_to_ingest(tmp_path):
    """In Python and on the command line."""
    with pytest.raises(NoTableRun, match=r"nothing was ingested.*pipeline\.ingest\(FOLDER\)"):
        choose_run(tmp_path)


def test_a_completed_run_is_chosen_only_to_repeat_steps(tmp_path):
    """The message says how."""
    make(tmp_path, "ab12c", RunStatus.COMPLETED)

    with pytest.raises(NoTableRun, match=r'"ab12c" is completed.*run_id="ab12c", from_='):
        choose_run(tmp_path)
    assert choose_run(tmp_path, is_repeat=True).run_id == "ab12c"


def test_a_run_that_cannot_be_read_is_named_where_there_is_no_other(tmp_path):
    """Nobody is told that nothing was ingested, as that run may be the one to go on with."""
    damaged = tmp_path / ".working" / "zz99z"
    damaged.mkdir(parents=True)
    (damaged / "manifest.json").write_text("{")

    with pytest.raises(NoTableRun, match=r"^the manifest .*zz99z.* cannot be read: .*; to remove"):
        choose_run(tmp_path)
    make(tmp_path, "ab12c", RunStatus.COMPLETED)
    with pytest.raises(NoTableRun, match=r'"ab12c" is completed.*\n.*zz99z.* cannot be read'):
        choose_run(tmp_path)


def test_a_run_is_found_by_what_has_its_id_too(tmp_path):
    """What else is no id is told in a line, however long it is."""
    make(tmp_path, "ab12c", RunStatus.INGESTED)

    assert find_run(tmp_path, find_run(tmp_path, "ab12c")).run_id == "ab12c"
    with pytest.raises(NoTableRun, match=r"^run_id= is the id of a run, .* \[0, 1, .{,80}$"):
        find_run(tmp_path, list(range(1000)))


@pytest.mark.parametrize("name", ["ab12d", "../x", "", "."])
def test_a_run_that_is_not_there_is_told_with_those_that_are(tmp_path, name):
    """What would lead out of the folder is no run."""
    make(tmp_path, "ab12c", RunStatus.INGESTED)

    with pytest.raises(NoTableRun, match="ab12c"):
        find_run(tmp_path, name)


def test_what_cannot_be_read_hides_no_other_run(tmp_path):
    """And is told of on its own."""
    make(tmp_path, "ab12c", RunStatus.INGESTED)
    make(tmp_path, "zz99z", RunStatus.INGESTED)
    (tmp_path / ".working" / "zz99z" / "manifest.json").write_text("{")
    (tmp_path / ".working" / ".tmp-ingest").mkdir()

    assert [each.run_id for each in runs_in(tmp_path)] == ["ab12c"]
    assert len(damaged_runs(tmp_path)) == 1
