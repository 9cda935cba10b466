"""Where runs are recorded, for commands that read records and import nothing of the user's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict

from pypedream.errors import StoreError

if TYPE_CHECKING:
    from pypedream.engine.history import RecordedRun

USUAL_FOLDER = ".pypedream"
VARIABLE = "PYPEDREAM_WORKSPACE"
_MOST_BATCHES = 3


def workspace_of(given: str | None) -> Path:
    """Return the workspace to read: the one that is given, or by environment, or the one here."""
    return Path(given or os.environ.get(VARIABLE) or USUAL_FOLDER)


def from_here(path: Path) -> Path:
    """Return a path as short as it can be written from the present folder."""
    whole, here = path.absolute(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def run_data(run: RecordedRun) -> dict[str, Any]:
    """Return what is known of a recorded run as what JSON can hold."""
    return {
        "run": run.id,
        "pipeline": run.pipeline,
        "state": run.state,
        "started": run.started,
        "duration_s": run.duration_s,
        "stages": list(run.stages),
        "ended": dict(run.ended),
        "parameters": dict(run.parameters),
        "folder": str(run.folder),
        "unreadable": list(run.unreadable),
        "batch": None if run.batch is None else asdict(run.batch),
    }


def unreadable_in(run: RecordedRun) -> list[str]:
    """Return a line for each file of a record that cannot be read."""
    return [f"run {run.id}: {name} cannot be read" for name in run.unreadable]


def of_batch(batch: str, runs: list[RecordedRun], folder: object) -> list[RecordedRun]:
    """Return the runs of the sweep with this id, or the beginning of one."""
    batches = dict.fromkeys(run.batch.id for run in runs if run.batch is not None)
    found = [each for each in batches if batch and each.startswith(batch.lower())]
    if len(found) == 1:
        return [run for run in runs if run.batch is not None and run.batch.id == found[0]]
    names = ", ".join((found or list(batches))[:_MOST_BATCHES])
    if found:
        raise StoreError(f'{len(found)} sweeps begin with "{batch}": {names}')
    last = f"; the last are {names}" if names else ", and none of any other sweep"
    raise StoreError(f'no run of a sweep "{batch}" in {folder}{last}')
