"""Run folders: the runs of one pipeline of tables, each in a folder below ``.working``."""

from __future__ import annotations

import secrets
import string
from contextlib import suppress
from typing import TYPE_CHECKING

from pypedream.errors import ManifestError, NoTableRun
from pypedream.names import did_you_mean
from pypedream.tabular.manifest import (
    NAME,
    Manifest,
    RunStatus,
    StepStatus,
    read_manifest,
)
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["LOCK", "WORKING", "choose_run", "damaged_runs", "find_run", "new_run_id", "runs_in"]

WORKING = ".working"
LOCK = "lock"
_LETTERS = string.ascii_lowercase + string.digits
_LENGTH = 5


def new_run_id(pipeline_dir: Path) -> str:
    """Return an id that no run of the pipeline has: five lower-case letters and digits."""
    while True:
        run_id = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        if not (pipeline_dir / WORKING / run_id).exists():
            return run_id


def runs_in(pipeline_dir: Path) -> list[Manifest]:
    """Return what is known of each run of a pipeline, the newest last.

    What cannot be read is left out; `damaged_runs` tells of it.
    """
    found = [each for each in _read(pipeline_dir) if isinstance(each, Manifest)]
    return sorted(found, key=lambda manifest: (manifest.created_at, manifest.run_id))


def damaged_runs(pipeline_dir: Path) -> list[ManifestError]:
    """Return an error for each run of a pipeline of which nothing can be read."""
    return [each for each in _read(pipeline_dir) if isinstance(each, ManifestError)]


def find_run(pipeline_dir: Path, run_id: str | Manifest) -> Manifest:
    """Return what is known of a run, which is named by its id or what was known of it before.

    Raises
    ------
    NoTableRun
        If there is no such run; the nearest id is named. Also if it is no id.
    ManifestError
        If what is known of it cannot be read.
    """
    if isinstance(run_id, Manifest):
        run_id = run_id.run_id
    elif not isinstance(run_id, (str, int)):
        raise NoTableRun(f'run_id= is the id of a run, as "ab12c", not {short(run_id)}')
    run_id = str(run_id)  # one of five digits may be given as a number
    with suppress(FileNotFoundError):
        if run_id.isalnum():  # others would be paths
            return read_manifest(pipeline_dir / WORKING / run_id)
    there = [manifest.run_id for manifest in runs_in(pipeline_dir)]
    near = did_you_mean(run_id, there) or f"; there are {', '.join(there) or 'none'}"
    raise NoTableRun(f'no run "{run_id}" in {pipeline_dir / WORKING}{near}')


def choose_run(pipeline_dir: Path, *, is_repeat: bool = False) -> Manifest:
    """Return the run to go on with when none is named.

    That is the latest that is quarantined, or else has failed with rows in quarantine, or else was
    ingested and not carried out, or else has failed.

    Parameters
    ----------
    is_repeat
        Whether one that is completed will do as well, if there is no other.

    Raises
    ------
    NoTableRun
        If there is none; names runs of which nothing can be read, as it may be one of these.
    """
    runs = runs_in(pipeline_dir)[::-1]
    for fits in _PREFERENCES[: None if is_repeat else -1]:
        for manifest in runs:
            if fits(manifest):
                return manifest
    damaged = [str(error) for error in damaged_runs(pipeline_dir)]
    readable = [_none_to_go_on_with(pipeline_dir, runs)] if runs or not damaged else []
    raise NoTableRun("\n".join([*readable, *damaged]))


def _none_to_go_on_with(pipeline_dir: Path, runs: list[Manifest]) -> str:
    first = "ingest files first: pipeline.ingest(FOLDER), or python -m pypedream ingest FOLDER"
    if not runs:
        return f"nothing was ingested into {pipeline_dir / WORKING}: {first}"
    last = runs[0].run_id
    return (
        f'run "{last}" is completed, and so are all others: {first};'
        f' or repeat steps of it: pipeline.run(run_id="{last}", from_="STEP")'
    )


def _has_quarantine(manifest: Manifest) -> bool:
    return any(state.status is StepStatus.QUARANTINED for state in manifest.steps.values())


def _is(status: RunStatus) -> Callable[[Manifest], bool]:
    return lambda manifest: manifest.status is status


_PREFERENCES: tuple[Callable[[Manifest], bool], ...] = (
    _is(RunStatus.QUARANTINED),
    lambda manifest: manifest.status is RunStatus.FAILED and _has_quarantine(manifest),
    _is(RunStatus.INGESTED),
    _is(RunStatus.FAILED),
    _is(RunStatus.COMPLETED),
)


def _read(pipeline_dir: Path) -> Iterator[Manifest | ManifestError]:
    working = pipeline_dir / WORKING
    for path in sorted(working.glob(f"*/{NAME}")) if working.is_dir() else ():
        if path.parent.name.isalnum():  # others are being ingested
            try:
                yield read_manifest(path.parent)
            except ManifestError as error:
                yield error
            except FileNotFoundError:  # it was removed meanwhile
                continue
