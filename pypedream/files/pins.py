"""Pins: what of a store stays in any case, because a lock names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.errors import CorruptEntry
from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import Digest
from pypedream.files.locks import Locks
from pypedream.files.written import MARK, Written

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pypedream.files.locks import Lock
    from pypedream.store import CacheStore

__all__ = ["kept_by", "pinned_keys", "unnamed_keys"]

_COPIES = ("file/", "folder/")


def pinned_keys(store: CacheStore, workspace: str | os.PathLike[str]) -> set[str]:
    """Return the keys under which a store has the outputs that the locks of a workspace name.

    Raises
    ------
    StoreError
        If a lock cannot be read, so that nobody knows what it names.
    """
    return FileBlobs(store).keys(kept_by(Locks(workspace).all().values()))


def kept_by(locks: Iterable[Lock]) -> set[Digest]:
    """Return what the store has to have so that all outputs of *locks* can be made again."""
    outs = [out for lock in locks for out in lock.outs.values()]
    return {Digest(out.sha256, out.size, out.is_folder) for out in outs if out.cached}


def _named_by(locks: Iterable[Lock]) -> set[Digest]:
    """Return what locks name; of small files that git keeps there may be copies, too."""
    outs = [out for lock in locks for out in lock.outs.values()]
    return {Digest(out.sha256, out.size, out.is_folder) for out in outs}


def unnamed_keys(store: CacheStore, locks: Iterable[Lock]) -> set[str]:
    """Return the keys of files, and of results that are files, which no lock needs.

    Whatever else a store has is not among them.
    """
    digests = _named_by(locks)
    named = FileBlobs(store).keys(digests)
    contents = {digest.sha256 for digest in digests}
    going = set()
    for entry in store.backend.scan():
        if isinstance(entry, CorruptEntry):
            continue
        if entry.key.startswith(_COPIES):
            is_needed = entry.key in named
        else:
            files = entry.metadata.get("additional_metadata", {}).get(MARK)
            is_needed = files is None or _is_whole(files, contents)
        if not is_needed:
            going.add(entry.key)
    return going


def _is_whole(files: Mapping[str, Any], contents: set[str]) -> bool:
    """Say whether all files of a result are among *contents*, as far as the store keeps them."""
    written = Written.from_about(files)
    return all(one.sha256 in contents for one in written.all if one.is_cached)
