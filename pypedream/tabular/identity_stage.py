"""Staging: what a run finds out about identities is kept beside the store until the run succeeds.

::

    .working/{run_id}/identities/schools/base.parquet               the store as it was first read
    .working/{run_id}/identities/schools/00000001.resolve.parquet   what the step "resolve" adds

A run compares with the store as it was when the run first read it. So a step that is called again
says the same as before, also after the run has succeeded, and a run that fails leaves the store as
it was. A row that is new keeps the id that an earlier step, or meanwhile another run, gave it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from attrs import frozen

from pypedream.errors import IdentityError
from pypedream.tabular.identities import (
    CANONICAL_ID,
    KEY,
    LAST_CHANGED,
    Identities,
    fields_of,
    hash_of,
)
from pypedream.tabular.identity_store import (
    holding,
    read_identities,
    read_ids,
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
_DAY = "day"


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
    for part in (part for folder in folders for part in _parts(folder)):
        part.unlink(missing_ok=True)


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
        found = resolve(base, _ids())
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
        base = _pinned(path, folder / _BASE)
        # Of an id in the store and one of this run only that in the store can stay.
        meanwhile = [path] if _is_other(path, folder / _BASE) else []
        found = resolve(base, _ids(*meanwhile, *parts))
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


def _is_other(path: Path, base: Path) -> bool:
    """Say whether the store may have changed since a run first read it."""
    return path.exists() and not (base.exists() and os.path.samefile(path, base))


def _ids(*paths: Path) -> pl.DataFrame:
    """Return the keys in some stores, each with the id that the first of them has."""
    empty = Identities.none().rows.select(KEY, CANONICAL_ID)
    return pl.concat([empty, *map(read_ids, paths)]).unique(KEY, keep="first")


def _merged(path: Path, folder: Path) -> Identities | None:
    """Return the store with what a run adds to it; None if it adds nothing."""
    parts = _parts(folder)
    if not parts:
        return None
    found = read_identities(path)
    later = _changed_since(found, read_identities(folder / _BASE), _is_other(path, folder / _BASE))
    for part in parts:
        try:
            found = found.with_changes(_without_older(read_identities(part), later))
        except IdentityError as error:
            run, step = folder.parents[1].name, _step_of(part)
            repeat = f'pipeline.run(run_id="{run}", from_="{step}")'
            raise IdentityError(f"{error}; to take those, repeat the step: {repeat}") from None
    return found


def _changed_since(now: Identities, base: Identities, is_other: bool) -> pl.DataFrame:
    """Return the keys of rows that have changed in the store since a run read it, with the day."""
    days = now.rows.select(KEY, pl.col(LAST_CHANGED).alias(_DAY))
    if not is_other:
        return days.clear()
    before = base.rows.select(KEY, LAST_CHANGED)
    both = days.join(before, on=KEY, how="left")
    return both.filter(pl.col(_DAY).ne_missing(pl.col(LAST_CHANGED))).select(KEY, _DAY)


def _without_older(part: Identities, later: pl.DataFrame) -> Identities:
    """Leave out the digests of rows that the store has of a later day.

    Who repeats an old run would make all that has been delivered since look changed otherwise.
    """
    if later.is_empty():
        return part
    rows = part.rows.join(later, on=KEY, how="left", maintain_order="left")
    is_older = (pl.col(_DAY) > pl.col(LAST_CHANGED)).fill_null(pl.col(_DAY).is_not_null())
    named = [name for group in part.groups for name in (hash_of(group), fields_of(group))]
    digests = (pl.when(~is_older).then(pl.col(name)).alias(name) for name in named)
    return Identities(rows.with_columns(*digests).drop(_DAY), part.field_lists)


def _parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[0-9]*.parquet"))


def _folder(run_directory: Path) -> Path:
    return run_directory / _FOLDER


def _step_of(part: Path) -> str:
    return unquote(part.name.split(".")[1])


def _safe(step_id: str) -> str:
    """Return a text for the name of a file, by which no step is taken for another."""
    return quote(step_id, safe="").replace(".", "%2E")
