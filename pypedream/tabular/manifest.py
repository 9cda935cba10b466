"""Manifest: what is known of one run of tables, in one file that is replaced in one step.

A step has been carried out when the manifest says so, and not before. Whoever goes on after a kill
finds in it the file that each step is to begin with.
"""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import Factory, evolve, fields_dict, frozen

from pypedream.errors import ManifestError
from pypedream.tabular.versions import new_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "FileRows",
    "FileState",
    "Manifest",
    "RunStatus",
    "StepState",
    "StepStatus",
    "read_manifest",
    "write_manifest",
]

NAME = "manifest.json"
_FORM = 1


class RunStatus(StrEnum):
    """How far a run of tables is."""

    CREATED = "created"
    INGESTED = "ingested"
    QUARANTINED = "quarantined"
    COMPLETED = "completed"
    FAILED = "failed"


class StepStatus(StrEnum):
    """How far a step of such a run is."""

    PENDING = "pending"
    COMPLETE = "complete"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"

    @property
    def is_done(self) -> bool:
        """Whether the step need not be called any more."""
        return self in (StepStatus.COMPLETE, StepStatus.SKIPPED)


@frozen
class FileRows:
    """What became of the rows of one file in one step.

    Attributes
    ----------
    rows_in, rows_out
        How many there were before and after.
    filtered
        How many a filter took out.
    quarantined
        From each reason to how many rows were quarantined for it.
    """

    rows_in: int
    rows_out: int
    filtered: int = 0
    quarantined: Mapping[str, int] = Factory(dict)

    @property
    def dropped(self) -> int:
        """How many rows the step itself left out; below 0 if it added some."""
        told = self.filtered + sum(self.quarantined.values())
        return self.rows_in - self.rows_out - told


@frozen
class FileState:
    """One ingested file of a run.

    Attributes
    ----------
    record
        What is known of its ingest: the fields of an `IngestedFileRecord`.
    active_path
        Where its rows are now, with "/" and from the folder of the run if it is within that.
    is_ours
        Whether only steps that save through an `AstroFile` write there.
    damaged_by
        The step that wrote into the file instead of saving a new version; None for none.
    """

    record: Mapping[str, Any]
    active_path: str
    is_ours: bool = True
    damaged_by: str | None = None


@frozen
class StepState:
    """One step of a run.

    Attributes
    ----------
    number
        The how manieth step of the run it was that began; 0 if it did not.
    inputs
        From each file to the path that the step read it from, as `FileState.active_path`.
    error
        Why it failed, in one line.
    """

    status: StepStatus = StepStatus.PENDING
    number: int = 0
    started_at: str | None = None
    duration_s: float | None = None
    files: Mapping[str, FileRows] = Factory(dict)
    inputs: Mapping[str, str] = Factory(dict)
    error: str | None = None


@frozen(repr=False)
class Manifest:
    """What is known of one run; a change makes another one.

    Attributes
    ----------
    run_id
        Five lower-case letters and digits.
    run_date
        The date of the run, the same for all of its steps whenever they are called.
    created_at
        When its files were ingested, in UTC.
    host
        The id of the run of another system for which they were; "" if there is none.
    files, steps
        By name and by id, steps in the order in which they are registered.
    """

    run_id: str
    pipeline: str
    run_date: date
    created_at: str
    status: RunStatus = RunStatus.CREATED
    files: Mapping[str, FileState] = Factory(dict)
    steps: Mapping[str, StepState] = Factory(dict)
    host: str = ""

    def __repr__(self) -> str:
        return f"<run {self.run_id} of {self.pipeline!r}: {self.status}>"

    def __str__(self) -> str:
        lines = [f"run {self.run_id} of {self.pipeline}, {self.run_date}: {self.status}"]
        for name, file in self.files.items():
            rejected = file.record.get("rejected_count")
            more = f", {rejected:,} rejected" if rejected else ""
            lines.append(f"  file {name}: {file.record.get('row_count', 0):,} rows came in{more}")
        for key, step in self.steps.items():
            why = f" ({step.error})" if step.error else ""
            lines.append(f"  step {key}: {step.status}{why}")
        return "\n".join(lines)

    def step(self, step_id: str) -> StepState:
        """Return the state of a step; one that is not mentioned is pending."""
        return self.steps.get(step_id) or StepState()

    def last_at(self, name: str) -> str | None:
        """Return the step that had a file last and left rows in it; None if none has yet."""
        had = [(state.number, key) for key, state in self.steps.items() if name in state.files]
        return max(had)[1] if had else None

    def with_step(self, step_id: str, state: StepState) -> Manifest:
        """Return the manifest with another state of a step."""
        return evolve(self, steps={**self.steps, step_id: state})

    def with_file(self, name: str, **changes: Any) -> Manifest:
        """Return the manifest with changes in the state of a file."""
        return evolve(self, files={**self.files, name: evolve(self.files[name], **changes)})


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Replace the manifest in the folder of a run."""
    with new_version(folder / NAME) as beside:
        beside.write_text(_text(manifest), encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest in the folder of a run.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ManifestError
        If it cannot be read, or a later version of pypedream wrote it.
    """
    path = folder / NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        form = data.pop("form")
        if form == _FORM:
            return _manifest(data)
        why = f"a later version of pypedream wrote it (form {form})"
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
    raise ManifestError(
        f"the manifest {path} cannot be read: {why}; to remove the run, delete its folder"
    )


def _manifest(data: dict[str, Any]) -> Manifest:
    files = {name: FileState(**each) for name, each in data["files"].items()}
    steps = {name: _step(each) for name, each in data["steps"].items()}
    status, run_date = RunStatus(data["status"]), date.fromisoformat(data["run_date"])
    named = {"files": files, "steps": steps, "status": status, "run_date": run_date}
    return Manifest(**{**data, **named})


def _step(data: dict[str, Any]) -> StepState:
    files = {name: FileRows(**each) for name, each in data["files"].items()}
    return StepState(**{**data, "status": StepStatus(data["status"]), "files": files})


def _text(manifest: Manifest) -> str:
    """Return a manifest as JSON, each file and each step on a line.

    It is written after each step, so it is made by hand: `attrs.asdict` and ``indent=`` take ten
    times as long.
    """
    own = ("run_id", "pipeline", "run_date", "created_at", "status", "host")
    parts = [f'"form": {_FORM}']
    parts += [f'"{name}": {json.dumps(str(getattr(manifest, name)))}' for name in own]
    for name, entries in (("files", manifest.files), ("steps", manifest.steps)):
        lines = [f" {json.dumps(key)}: {_line(each)}" for key, each in entries.items()]
        parts.append(f'"{name}": {{{_between(lines)}}}')
    return f"{{{_between(parts)}}}\n"


def _between(lines: list[str]) -> str:
    return "\n" + ",\n".join(lines) + "\n" if lines else ""


def _line(value: FileState | StepState) -> str:
    """Return a part as JSON; most are the same as when the last step ended."""
    known = _known.get(id(value))
    if known is not None and known[0] is value:
        return known[1]
    data = _fields(value)
    if isinstance(value, StepState):
        data["files"] = {name: _fields(rows) for name, rows in value.files.items()}
    line = json.dumps(data)
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[id(value)] = (value, line)
    return line


def _fields(value: FileState | StepState | FileRows) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _NAMES[type(value)]}


_MOST_KNOWN = 2048
_known: dict[int, tuple[FileState | StepState, str]] = {}
_NAMES = {kind: tuple(fields_dict(kind)) for kind in (FileState, StepState, FileRows)}
