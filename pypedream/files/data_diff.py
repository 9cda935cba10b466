"""Data diff: which files of stages are not what they were, and which rows of a table."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.files.tables import rows_of
from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pypedream.files.hashes import FileHashes
    from pypedream.files.locks import Lock
    from pypedream.files.tables import Row

__all__ = ["FileChange", "NoColumn", "RowDiff", "changed_files", "row_diff"]


class NoColumn(ValueError):
    """A table has no column of the name by which its rows are to be told."""


@frozen
class FileChange:
    """A file that a stage reads or writes and that is not what it was.

    Attributes
    ----------
    state
        "added", "deleted" or "modified".
    kind
        "dep" for one that is only read, else the kind of the output.
    old_bytes, new_bytes
        Its sizes; None where it was not or is not there.
    old_sha256
        Digest of what it was; "" if it was not there.
    """

    path: str
    state: str
    kind: str
    old_bytes: int | None
    new_bytes: int | None
    old_sha256: str = ""


@frozen
class RowDiff:
    """Which rows of a table are not what they were.

    Attributes
    ----------
    columns_added, columns_removed
        Names of columns.
    added, removed
        Rows by column.
    changed
        Where there is a key: what a row was, and what it is.
    """

    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    added: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    changed: tuple[tuple[Row, Row], ...] = ()


def changed_files(
    before: Iterable[Lock], after: Iterable[Lock], hashes: FileHashes
) -> Iterator[FileChange]:
    """Yield the files that are not as the locks of *before* say, sorted by path.

    Which files count is said by both; what they are now is on the disk.
    """
    old, new = _files(before), _files(after)
    for path in sorted({*old, *new}):
        kind, was, size = old.get(path) or (new[path][0], "", None)
        now = hashes.digest(path)
        if (now.sha256 if now else "") == was:
            continue
        state = "modified" if now and was else "added" if now else "deleted"
        yield FileChange(path, state, kind, size, now.size if now else None, was)


def _files(locks: Iterable[Lock]) -> dict[str, tuple[str, str, int | None]]:
    locks = list(locks)
    found: dict[str, tuple[str, str, int | None]] = {
        path: ("dep", dep.sha256, dep.size) for lock in locks for path, dep in lock.deps.items()
    }
    for lock in locks:
        found |= {path: (out.kind, out.sha256, out.size) for path, out in lock.outs.items()}
    return found


def row_diff(path: str, old: bytes, new: bytes, key: Sequence[str] = ()) -> RowDiff | None:
    """Return which rows are not the same in two versions of a table; None if it is no table.

    What a table is `rows_of` says. The order of the rows does not count.

    Parameters
    ----------
    key
        Columns by which rows of both sides are told to be the same one. Without it a row that
        changed is one that is gone and one that is new.

    Raises
    ------
    ValueError
        If a version cannot be read as what its name says; a `NoColumn` if it has not the key.
    """
    before, after = rows_of(path, old), rows_of(path, new)
    if before is None or after is None:
        return None
    columns = [
        list(dict.fromkeys(name for row in rows for name in row)) for rows in (before, after)
    ]
    gone = tuple(name for name in columns[0] if name not in columns[1])
    come = tuple(name for name in columns[1] if name not in columns[0])
    for name in key:
        if any(name not in row for row in (*before, *after)):
            shared = [each for each in columns[0] if each in columns[1]]
            near = did_you_mean(name, shared)
            raise NoColumn(f'{path} has no column "{name}" in each row{near}')
    if key:
        return RowDiff(come, gone, *_by_key(before, after, key))
    counts = [Counter(map(_told, rows)) for rows in (before, after)]
    added = tuple(_surplus(after, counts[1] - counts[0]))
    return RowDiff(come, gone, added, tuple(_surplus(before, counts[0] - counts[1])))


def _surplus(rows: Sequence[Row], more: Counter[str]) -> Iterator[Row]:
    for row in rows:
        told = _told(row)
        if more[told] > 0:
            more[told] -= 1
            yield row


def _by_key(before: Sequence[Row], after: Sequence[Row], key: Sequence[str]) -> tuple[Any, ...]:
    def keyed(rows: Sequence[Row]) -> dict[str, Row]:
        return {_told({name: row[name] for name in key}): row for row in rows}

    old, new = keyed(before), keyed(after)
    return (
        tuple(row for name, row in new.items() if name not in old),
        tuple(row for name, row in old.items() if name not in new),
        tuple((old[name], row) for name, row in new.items() if name in old and old[name] != row),
    )


def _told(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
