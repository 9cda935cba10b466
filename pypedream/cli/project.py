"""The project that commands work in which read locks and import nothing of the user's."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.cli.mistakes import Refused
from pypedream.cli.words import meant_by, written_by
from pypedream.cli.workspaces import VARIABLE
from pypedream.files.paths import WORKSPACE, project_root
from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.files.hashes import FileHashes
    from pypedream.files.locks import Lock
    from pypedream.store import CacheStore


@frozen
class Project:
    """A folder whose files stages read and write.

    Attributes
    ----------
    root
        The folder.
    workspace
        Where its locks and its store are.
    """

    root: Path
    workspace: Path

    @classmethod
    def here(cls, workspace: str | None = None) -> Project:
        """Return the project around this folder."""
        root = project_root(Path.cwd())
        given = workspace or os.environ.get(VARIABLE)
        return cls(root, Path(os.path.abspath(given)) if given else root / WORKSPACE)

    def locks(self, stages: Sequence[str] = ()) -> list[Lock]:
        """Return the locks of these stages, or all of them.

        Raises
        ------
        Refused
            If there is no lock of a stage, or none at all.
        StoreError
            If some cannot be read.
        """
        from pypedream.files.locks import Locks

        found = Locks(self.root / WORKSPACE).all()
        if not found:
            raise Refused(
                f'no stage has a lock in {self.root / WORKSPACE / "locks"}: "repro" writes one for'
                " each stage that reads or writes files"
            )
        named = {stage: meant_by(stage, found) for stage in stages}
        for stage, meant in named.items():
            if not meant:
                writer = next((key for key, lock in found.items() if stage in lock.outs), None)
                near = written_by(writer) or did_you_mean(stage, found) or f"; {there_are(found)}"
                raise Refused(f'no lock of a stage "{stage}"{near}')
        wanted = {stage for meant in named.values() for stage in meant}
        return [lock for stage, lock in found.items() if not stages or stage in wanted]

    @contextmanager
    def hashes(self) -> Iterator[FileHashes]:
        """Hold the digests of the files; they are remembered at the end."""
        from pypedream.files.hashes import FileHashes

        found = FileHashes(self.root / WORKSPACE, self.root)
        try:
            yield found
        finally:
            if (self.root / WORKSPACE).is_dir():
                found.save()

    @contextmanager
    def store(self, *, readonly: bool = False, remote: str | None = None) -> Iterator[CacheStore]:
        """Hold the store open; one that is not there is empty and is not made."""
        from pypedream.store import CacheStore

        folder = self.workspace / "store"
        is_readonly = readonly or not (folder.is_dir() or remote)
        store = CacheStore(folder, readonly=is_readonly, remote=remote)
        try:
            yield store
        finally:
            store.close()
