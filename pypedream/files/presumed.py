"""Presumed: files that are not there count as what the locks of stages say that they were.

As in a clone without its data, where all that is asked is whether anything has changed since.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define

from pypedream.files.hashes import Digest
from pypedream.files.locks import Locks
from pypedream.files.paths import WORKSPACE

if TYPE_CHECKING:
    from pypedream.files.hashes import FileHashes, Member
    from pypedream.files.locks import DepLock, OutLock

__all__ = ["Presumed"]


@define(eq=False, repr=False)
class Presumed:
    """The digests of the files of a project, those that are not there among them.

    Attributes
    ----------
    hashes
        Tells of those that are there.
    locked
        What locks say, by path.
    """

    hashes: FileHashes
    locked: dict[str, Digest]

    @classmethod
    def of(cls, hashes: FileHashes, root: str) -> Presumed:
        """Return what is presumed in a project.

        Raises
        ------
        StoreError
            If a lock cannot be read.
        """
        locks = list(Locks(Path(root, WORKSPACE)).all().values())
        said: dict[str, DepLock | OutLock] = {}
        for lock in locks:
            said |= lock.deps
        for lock in locks:
            said |= lock.outs
        return cls(
            hashes,
            {path: Digest(one.sha256, one.size, one.is_folder) for path, one in said.items()},
        )

    def digest(self, path: str) -> Digest | None:
        """Return what is at a path, or else what was there; None if nobody knows."""
        return self.hashes.digest(path) or self.locked.get(path.rstrip("/"))

    def members(self, path: str) -> list[Member]:
        """Return the files of a folder that is there."""
        return self.hashes.members(path) if self.hashes.digest(path) is not None else []
