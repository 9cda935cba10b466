from __future__ import annotations

import os
from pathlib import Path

import pytest

from pypedream.steps.backends import StepPaths
from pypedream.steps.job_notes import FILE, job_of, live_jobs, note

submitit = pytest.importorskip("submitit")


@pytest.fixture
def paths(tmp_path: Path) -> StepPaths:
    return StepPaths(tmp_path, "Train-0123")


def job(folder: Path, number: int) -> object:
    """A job of this machine, as another process finds it."""
    from submitit.local.local import LocalJob

    return LocalJob(folder / "%j", str(number))


def test_the_last_job_of_an_item_is_found(paths: StepPaths, tmp_path: Path) -> None:
    """One that had it before is not; of an item that no job had there is none."""
    assert job_of(paths, "a") is None
    note(paths, job(tmp_path, 11), ["a", "b"])
    note(paths, job(tmp_path, 12), ["b"])

    assert job_of(paths, "a").job_id == "11"  # type: ignore[union-attr]
    assert job_of(paths, "b").job_id == "12"  # type: ignore[union-attr]
    assert job_of(paths, "c") is None


def test_a_line_that_is_half_written_is_left_out(paths: StepPaths, tmp_path: Path) -> None:
    """As when the machine was switched off."""
    note(paths, job(tmp_path, 11), ["a"])
    with (paths.step_folder / FILE).open("a") as file:
        file.write('{"kind": "LocalJob", "id": "12", "fol\n')
    note(paths, job(tmp_path, 13), ["b"])

    assert job_of(paths, "b").job_id == "13"  # type: ignore[union-attr]
    assert job_of(paths, "a").job_id == "11"  # type: ignore[union-attr]


def test_a_number_that_is_another_process_now_is_no_job(paths: StepPaths, tmp_path: Path) -> None:
    """Of the jobs of this machine only a process of submitit is at work."""
    note(paths, job(tmp_path, os.getpid()), ["a"])

    assert live_jobs(paths, ["a"]) == {}
