"""Pins: what of a store stays in any case, because a lock names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import Digest
from pypedream.files.locks import Locks

if TYPE_CHECKING:
    import os

    from pypedream.store import CacheStore

__all__ = ["pinned_keys"]


def pinned_keys(store: CacheStore, workspace: str | os.PathLike[str]) -> set[str]:
    """Return the keys under which a store has the outputs that the locks of a workspace name.

    Raises
    ------
    StoreError
        If a lock cannot be read, so that nobody knows what it names.
    """
    outs = [out for lock in Locks(workspace).all().values() for out in lock.outs.values()]
    digests = [Digest(out.sha256, out.size, out.is_folder) for out in outs if out.cached]
    return FileBlobs(store).keys(digests)
