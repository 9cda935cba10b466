"""Keeping files: what stages wrote goes to the store of a workspace, and comes back from there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.errors import MissingEntry, UnreadableResult
from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import Digest, FileHashes
from pypedream.files.paths import WORKSPACE, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pypedream.files.presumed import Presumed
    from pypedream.files.stage_files import StageFiles
    from pypedream.files.written import Written, WrittenFile
    from pypedream.store import CacheStore

SMALL_BYTES = 8 * 1024
"""Of what git keeps, so small a file is copied, too: it can be put back, and past runs show it."""


@define(eq=False, repr=False)
class KeptFiles:
    """The files of projects as a run sees them, and the copies of them that a store has.

    Attributes
    ----------
    store
        Returns the store; None where nothing is kept.
    known
        The digests of files, by project.
    may_be_missing
        Whether a file that is not there counts as what the locks say that it was.
    """

    store: Callable[[], CacheStore] | None = None
    known: dict[str, FileHashes] = Factory(dict)
    may_be_missing: bool = False
    _presumed: dict[str, Presumed] = Factory(dict)
    _good: dict[Digest, bool] = Factory(dict)

    def hashes(self, root: str) -> FileHashes:
        """Return the digests of the files of a project."""
        found = self.known.get(root)
        if found is None:
            found = self.known[root] = FileHashes(os.path.join(root, WORKSPACE), root)
        return found

    def seen(self, root: str) -> FileHashes | Presumed:
        """Return the digests of the files that stages read, by which their calls are told."""
        if not self.may_be_missing:
            return self.hashes(root)
        found = self._presumed.get(root)
        if found is None:
            from pypedream.files.presumed import Presumed

            found = self._presumed[root] = Presumed.of(self.hashes(root), root)
        return found

    def changed(self, root: str, written: Written) -> list[WrittenFile]:
        """Return what a stage wrote and is not there, or is not what it wrote."""
        hashes = self.hashes(root)
        return [one for one in written.all if _sha256(hashes, one.path) != one.sha256]

    def lost(self, root: str, written: Written) -> str:
        """Return the path of an output that is not as it was written, and nowhere kept; or "".

        Copies are read: a damaged one is none.
        """
        for one in self.changed(root, written):
            if self._may_stay_away(root, one):
                continue
            if not self._has_good_copy(one):
                return one.path
        return ""

    def keep(self, root: str, written: Written) -> None:
        """Put copies of what a stage wrote into the store.

        Raises
        ------
        StoreError
            If a file has changed since, or the store cannot be written.
        """
        if self.store is None:
            return
        blobs, hashes = FileBlobs(self.store()), self.hashes(root)
        for one in written.all:
            content = written.contents.pop(one.path, None)
            if self._may_stay_away(root, one):
                continue
            if one.is_cached or one.size <= SMALL_BYTES:
                digest = _digest(one)
                members = hashes.members(one.path) if digest.is_folder else ()
                blobs.keep(f"{root}/{one.path}", digest, members, content=content)

    def load(self, written: Written, files: StageFiles) -> Any:
        """Return what a stage gave, also if its files are not as it left them any more.

        Raises
        ------
        UnreadableResult
            If they are not, and no copy is kept.
        """
        changed = self.changed(files.root, written)
        if not changed:
            return files.load(written)
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="pypedream-") as folder:
            places = {one.path: Path(folder, one.path) for one in changed}
            for one in changed:
                self._fetch(one, places[one.path], files)
            return files.load(written, places)

    def _fetch(self, one: WrittenFile, place: Path, files: StageFiles) -> None:
        what = f'"{one.path}" is not what was written'
        if files.gives_place(one.path):
            raise UnreadableResult(f"{what}, and its value is the path alone")
        if self.store is None:
            raise UnreadableResult(f"{what}, and no copy is kept")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            FileBlobs(self.store()).restore(_digest(one), place)
        except MissingEntry as error:
            raise UnreadableResult(f"{what}, and no copy is kept") from error

    def restore(self, root: str, written: Written) -> list[str]:
        """Make files again that are not as a stage wrote them, all of them or none.

        What else is in folders that it writes as a whole goes.

        Returns
        -------
        The paths of those that were made.

        Raises
        ------
        MissingEntry
            If there is no good copy of one.
        """
        changed = [one for one in self.changed(root, written) if self._comes_back(root, one)]
        strays = [*self.strays(root, written)]
        in_the_way = [
            path for path in strays if any(one.path.startswith(f"{path}/") for one in changed)
        ]
        self._remove(root, in_the_way)
        if changed:
            self._put_back(root, changed)
        self._remove(root, [path for path in strays if path not in in_the_way])
        return [one.path for one in changed]

    def _comes_back(self, root: str, one: WrittenFile) -> bool:
        """Say whether a file that is not as it was written is made again; if not it may be away."""
        if self._has_copy(one):
            return True
        if self._may_stay_away(root, one):
            return False
        raise MissingEntry(f'"{one.path}" is not what was written, and no copy is kept')

    def _put_back(self, root: str, changed: Sequence[WrittenFile]) -> None:
        from pypedream.files.staging import Staged

        assert self.store is not None
        blobs = FileBlobs(self.store())
        with Staged(root, os.path.join(root, WORKSPACE)) as staged:
            for one in changed:
                place = staged.path_for(one.path, is_alone=not one.path.endswith("/"))
                blobs.restore(_digest(one), place)
            staged.publish()

    def _remove(self, root: str, paths: Iterable[str]) -> None:
        for path in paths:
            within(Path(root), path).unlink()

    def strays(self, root: str, written: Written) -> Iterator[str]:
        """Yield the files in folders of a stage that it did not write into them."""
        known, hashes = written.digests, self.hashes(root)
        for folder in written.files.folders if written.files is not None else ():
            if hashes.digest(folder) is not None:
                paths = (f"{folder}{member.name}" for member in hashes.members(folder))
                yield from (path for path in paths if path not in known)

    def go_on(self, root: str, digests: Mapping[str, Digest]) -> Iterator[str]:
        """Make files again that a stage goes on from, where copies are kept; yield their paths."""
        if self.store is None:
            return
        blobs, hashes = FileBlobs(self.store()), self.hashes(root)
        for path, digest in digests.items():
            if _sha256(hashes, path) != digest.sha256 and blobs.has(digest):
                blobs.restore(digest, Path(root, path))
                yield path

    def _may_stay_away(self, root: str, one: WrittenFile) -> bool:
        return self.may_be_missing and self.hashes(root).digest(one.path) is None

    def _has_copy(self, one: WrittenFile) -> bool:
        return self.store is not None and FileBlobs(self.store()).has(_digest(one))

    def _has_good_copy(self, one: WrittenFile) -> bool:
        if self.store is None:
            return False
        digest = _digest(one)
        if digest not in self._good:
            self._good[digest] = not FileBlobs(self.store()).damage(digest)
        return self._good[digest]

    def close(self) -> None:
        """Remember the digests of files."""
        for root, hashes in self.known.items():
            if Path(root, WORKSPACE).is_dir():
                hashes.save()


def _digest(one: WrittenFile) -> Digest:
    return Digest(one.sha256, one.size, is_folder=one.path.endswith("/"))


def _sha256(hashes: FileHashes, path: str) -> str:
    digest = hashes.digest(path)
    return "" if digest is None else digest.sha256
