"""Where runs are recorded, for commands that read records and import nothing of the user's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict

if TYPE_CHECKING:
    from pypedream.engine.history import RecordedRun

USUAL_FOLDER = ".pypedream"
VARIABLE = "PYPEDREAM_WORKSPACE"


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
