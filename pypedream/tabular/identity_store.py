"""The file of a store of identities: Parquet, replaced in one step, by one writer at a time.

It is read by any version of polars, and by everything else that reads Parquet. What polars has no
column for, the lists of columns and the version of the layout, is in the metadata of the file. A
store that another program kept in columns of the same names is taken over: ids and dates stay, and
changes are counted from then on.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from pypedream.errors import Locked, StoreError
from pypedream.log.logger import logger
from pypedream.store.disk import flush
from pypedream.tabular.identities import CANONICAL_ID, KEY, LAST_CHANGED, UPDATES, Identities
from pypedream.tabular.locking import held
from pypedream.tabular.polars_library import pl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["holding", "read_identities", "read_ids", "store_path", "write_identities"]

_FOLDER = ".persistent"
_MARK = "pypedream.identities"
_VERSION = 1
_QUIET_S, _WAIT_S = 2.0, 600.0
_COLUMNS = (KEY, CANONICAL_ID, LAST_CHANGED, UPDATES)
_BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def store_path(pipeline_dir: Path, name: str) -> Path:
    """Return where the store *name* of a pipeline is, or would be."""
    return pipeline_dir / _FOLDER / f"{name}.parquet"


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Let nobody else read and write the store at *path* in the block; wait for who does."""
    lock, doing = path.with_name(f".{path.stem}.lock"), f"resolving with the store {path.name}"
    with ExitStack() as stack:
        try:
            stack.enter_context(held(lock, doing=doing, wait_s=_QUIET_S))
        except Locked as error:
            logger.info("waiting for a store of identities", store=path.stem, process=error.pid)
            stack.enter_context(held(lock, doing=doing, wait_s=_WAIT_S))
        yield


def read_identities(path: Path) -> Identities:
    """Return what is in a store; nothing if there is no file.

    Raises
    ------
    StoreError
        If it cannot be read, is no such store, or was written by a later pypedream.
    """
    if not path.exists():
        return Identities.none()
    with _told(path):
        said = pl.read_parquet_metadata(path).get(_MARK)
        rows = pl.read_parquet(path, glob=False)
    missing = [name for name in _COLUMNS if name not in rows.columns]
    if missing:
        raise _unreadable(path, f"has no column {', '.join(missing)}")
    return _taken_over(path, rows) if said is None else Identities(rows, _lists_in(path, said))


def read_ids(path: Path) -> pl.DataFrame:
    """Return the keys in a store, each with its id; raises as `read_identities`."""
    with _told(path):
        return pl.read_parquet(path, columns=[KEY, CANONICAL_ID], glob=False)


def write_identities(path: Path, identities: Identities) -> None:
    """Put a store in the place of the one that is there, whole and on the disk.

    Call it within `holding`: what a process that was killed left beside it is written over.

    Raises
    ------
    StoreError
        If it cannot be written; the one that is there stays.
    """
    said = json.dumps({"version": _VERSION, "field_lists": identities.field_lists})
    beside = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        # Ids and digests are random: to look for more than the least takes twice as long in vain.
        identities.rows.write_parquet(
            beside, compression_level=1, statistics=False, metadata={_MARK: said}
        )
        flush(beside)
        beside.replace(path)
        _flush_folder(path.parent)
    except _BROKEN as error:
        raise StoreError(f"cannot write {path}: {_in_short(error)}; it is as it was") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _lists_in(path: Path, said: str) -> tuple[tuple[str, ...], ...]:
    try:
        about = json.loads(said)
        version, lists = about["version"], tuple(tuple(each) for each in about["field_lists"])
    except (ValueError, TypeError, KeyError) as error:
        raise _unreadable(path, "is damaged") from error
    if version > _VERSION:
        raise StoreError(f"{path} was written by a later pypedream: update pypedream")
    return lists


def _taken_over(path: Path, rows: pl.DataFrame) -> Identities:
    """Return the ids and dates of a store that is not ours; its digests say nothing here."""
    ours = rows.select(
        pl.col(KEY).cast(pl.String),
        pl.col(CANONICAL_ID).cast(pl.String),
        pl.col(LAST_CHANGED).cast(pl.Date),
        pl.col(UPDATES).cast(pl.List(pl.Date)),
    )
    if ours[KEY].n_unique() < ours.height or ours[KEY].has_nulls():
        raise _unreadable(path, "has a key twice, or none")
    return Identities(ours)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise _unreadable(path, f"cannot be read ({_in_short(error)})") from error


def _unreadable(path: Path, why: str) -> StoreError:
    return StoreError(
        f"the store of identities {path} {why}: put a copy of it back;"
        " without it every row would get another id"
    )


def _in_short(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _flush_folder(folder: Path) -> None:
    """Have the new name of a file reach the disk, where a folder can be flushed."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
