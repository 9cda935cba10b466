"""Staging: what a run finds out about identities is kept beside the store until the run succeeds.

::

    .working/{run_id}/identities/schools/base.parquet               the store as it was first read
    .working/{run_id}/identities/schools/00000001.resolve.parquet   what the step "resolve" adds

A run compares with the store as it was when the run first read it. So a step that is called again
says the same as before, and a run that fails leaves the store as it was. Rows that are new keep the
id that an earlier step of the run gave them.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import quote

from attrs import frozen

from pypedream.errors import IdentityError
from pypedream.tabular.identities import CANONICAL_ID, KEY, Identities
from pypedream.tabular.identity_store import (
    holding,
    read_identities,
    store_path,
    write_identities,
)
from pypedream.tabular.polars_library import pl
from pypedream.tabular.versions import keep_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pypedream.tabular.identity_changes import Resolution

__all__ = [
    "commit_identities",
    "forget_step",
    "known_identities",
    "staged_identities",
    "updating",
]

_FOLDER = "identities"
_BASE = "base.parquet"


@frozen
class _Stage:
    """The step that is being called in this context."""

    run_directory: Path
    step_id: str


_STAGE: ContextVar[_Stage | None] = ContextVar("pypedream.tabular.identities", default=None)


@contextmanager
def staged_identities(run_directory: Path, step_id: str) -> Iterator[None]:
    """Have what the step resolves in this block wait for `commit_identities`."""
    token = _STAGE.set(_Stage(run_directory, step_id))
    try:
        yield
    finally:
        _STAGE.reset(token)


def forget_step(run_directory: Path, step_id: str) -> None:
    """Forget what an earlier attempt of a step resolved."""
    for path in _folder(run_directory).glob(f"*/*.{_safe(step_id)}.parquet"):
        path.unlink(missing_ok=True)


def commit_identities(run_directory: Path, pipeline_dir: Path) -> None:
    """Add what the steps of a run found out to the stores: of all of them, or of none.

    It may be called again: what was added is not added twice.

    Raises
    ------
    IdentityError
        If another run has given one of the keys another id meanwhile; no store is changed.
    StoreError
        If a store cannot be read or written.
    """
    folders = [path for path in sorted(_folder(run_directory).glob("*")) if path.is_dir()]
    paths = [store_path(pipeline_dir, folder.name) for folder in folders]
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(holding(path))
        merged = [_merged(path, folder) for path, folder in zip(paths, folders, strict=True)]
        for path, identities in zip(paths, merged, strict=True):
            if identities is not None:
                write_identities(path, identities)
    for folder in folders:
        shutil.rmtree(folder)


def updating(path: Path, resolve: Callable[[Identities, pl.DataFrame], Resolution]) -> Resolution:
    """Resolve against the store at *path*, and keep what comes of it there or with the run.

    Parameters
    ----------
    resolve
        Gets what is known, and the keys that got an id in this run since, with these ids.
    """
    stage = _STAGE.get()
    if stage is not None:
        return _updating_run(path, stage, resolve)
    with holding(path):
        base = read_identities(path)
        found = resolve(base, _ids([]))
        if not found.changes.rows.is_empty():
            write_identities(path, base.with_changes(found.changes))
    return found


def known_identities(path: Path) -> Identities:
    """Return what is known in the store at *path*, for a step as its run found it."""
    stage = _STAGE.get()
    if stage is None:
        return read_identities(path)
    base = _folder(stage.run_directory) / path.stem / _BASE
    with holding(base):
        return _pinned(path, base)


def _updating_run(
    path: Path, stage: _Stage, resolve: Callable[[Identities, pl.DataFrame], Resolution]
) -> Resolution:
    folder = _folder(stage.run_directory) / path.stem
    with holding(folder / _BASE):
        parts = _parts(folder)
        found = resolve(_pinned(path, folder / _BASE), _ids(parts))
        if not found.changes.rows.is_empty():
            number = 1 + max((int(part.name.partition(".")[0]) for part in parts), default=0)
            part = folder / f"{number:08}.{_safe(stage.step_id)}.parquet"
            write_identities(part, found.changes)
    return found


def _pinned(path: Path, base: Path) -> Identities:
    """Return the store as it was when the run first read it."""
    if not base.exists():
        if path.exists():
            keep_version(path, base, is_ours=True)
        else:
            write_identities(base, Identities.none())
    return read_identities(base)


def _ids(parts: list[Path]) -> pl.DataFrame:
    empty = Identities.none().rows.select(KEY, CANONICAL_ID)
    tables = [read_identities(part).rows.select(KEY, CANONICAL_ID) for part in parts]
    return pl.concat([empty, *tables]).unique(KEY, keep="first")


def _merged(path: Path, folder: Path) -> Identities | None:
    """Return the store with what a run adds to it; None if it adds nothing."""
    parts = _parts(folder)
    if not parts:
        return None
    identities = read_identities(path)
    try:
        for part in parts:
            identities = identities.with_changes(read_identities(part))
    except IdentityError:
        # The steps that resolve again compare with what the other run left.
        (folder / _BASE).unlink(missing_ok=True)
        raise
    return identities


def _parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[0-9]*.parquet"))


def _folder(run_directory: Path) -> Path:
    return run_directory / _FOLDER


def _safe(step_id: str) -> str:
    """Return a text for the name of a file, by which no step is taken for another."""
    return quote(step_id, safe="").replace(".", "%2E")
