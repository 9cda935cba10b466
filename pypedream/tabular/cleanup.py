"""Cleaning up: which runs of a pipeline of tables can go, and their removal."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import Locked, ManifestError
from pypedream.store.disk import remove_tree
from pypedream.tabular.locking import held
from pypedream.tabular.manifest import NAME, RunStatus, read_manifest
from pypedream.tabular.run_folders import LOCK, WORKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["RunToRemove", "remove_runs", "runs_to_remove"]

UNREADABLE = "unreadable"


@frozen
class RunToRemove:
    """A run that can go.

    Attributes
    ----------
    status
        How far it is; "unreadable" if that cannot be told.
    size_bytes
        What its files take on the disk; versions that are one file count once.
    """

    run_id: str
    status: str
    size_bytes: int
    folder: Path


def runs_to_remove(pipeline_dir: Path, *, is_all: bool = False) -> list[RunToRemove]:
    """Return the runs that are completed, by id; nothing is removed.

    Parameters
    ----------
    is_all
        Whether to return those that are not completed, and cannot be read, as well.
    """
    found = []
    for folder in sorted((pipeline_dir / WORKING).glob(f"*/{NAME}")):
        status = _status(folder.parent)
        if status is not None and (is_all or status == RunStatus.COMPLETED):
            home = folder.parent
            found.append(RunToRemove(home.name, status, _size(home), home))
    return found


def remove_runs(runs: Iterable[RunToRemove]) -> Iterator[tuple[RunToRemove, str]]:
    """Remove runs, and yield each with why it stayed; "" if it went.

    One that is carried out at this moment stays.
    """
    for run in runs:
        try:
            _remove(run)
        except Locked as error:
            yield run, str(error)
        else:
            yield run, ""


def _remove(run: RunToRemove) -> None:
    with (
        suppress(FileNotFoundError),  # another one has removed it meanwhile
        held(run.folder / LOCK, doing=f"remove run {run.run_id}"),
    ):
        # First what says that it is a run: half of one would be taken for a whole one.
        (run.folder / NAME).unlink(missing_ok=True)
        if os.name != "nt":
            remove_tree(run.folder)
    remove_tree(run.folder)


def _status(folder: Path) -> str | None:
    try:
        return str(read_manifest(folder).status)
    except ManifestError:
        return UNREADABLE
    except FileNotFoundError:  # it was removed meanwhile
        return None


def _size(folder: Path) -> int:
    sizes: dict[tuple[int, int], int] = {}
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # it was removed meanwhile
                stat = Path(root, name).lstat()
                sizes[stat.st_dev, stat.st_ino] = stat.st_size
    return sum(sizes.values())
