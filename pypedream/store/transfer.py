"""Transfer: values from one store to another, compared with their digests on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.errors import CorruptEntry, ReadOnlyStore
from pypedream.store import trust
from pypedream.store.corruption import Damaged
from pypedream.store.disk import flush
from pypedream.store.keys import checked_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.store.entry import Entry
    from pypedream.store.opened import OpenStore

__all__ = ["copy_missing"]


def copy_missing(
    source: OpenStore, target: OpenStore, keys: Iterable[str] | None = None
) -> list[str]:
    """Copy entries that *target* does not have; return their keys.

    A pickle goes only where it could have been read before: in a folder of our own it would
    otherwise look like one that we wrote.

    Raises
    ------
    ReadOnlyStore
        If *target* is.
    UnsafePayload
        If an entry is a pickle that somebody else may have written.
    """
    if target.readonly:
        raise ReadOnlyStore(target.location)
    wanted = source.backend.keys() if keys is None else keys
    return [key for key in wanted if _copy(source, target, key)]


def _copy(source: OpenStore, target: OpenStore, key: str) -> bool:
    entry = source.backend.find(key)
    if entry is None or _is_there(target, key):
        return False
    checked_key(entry.key)
    trust.check(entry, source.backend, allow_pickle=source.allow_pickle, serializer=None)
    try:
        _add(source, target, entry)
    except Damaged as damage:
        source.damaged(entry, damage.reason)
        return False
    return True


def _is_there(target: OpenStore, key: str) -> bool:
    try:
        return target.backend.find(key) is not None
    except CorruptEntry:
        return False


def _add(source: OpenStore, target: OpenStore, entry: Entry) -> None:
    with target.backend.staged() as path:
        if entry.inline is not None:
            source.contents.verify(entry)
            target.backend.add(entry, None, replace=True)
            return
        with source.contents.file(entry) as content:
            from shutil import copyfile  # it takes long to load

            copyfile(content, path)
        flush(path)
        target.backend.add(entry, path, replace=True)
