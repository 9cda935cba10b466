"""Blobs: copies of files in the store of a workspace, and files made from them again.

::

    file/<sha256>      the content of a file, as every other value of the store
    folder/<sha256>    the manifest of a folder; its files are entries of their own

A file of the project never is a link to what is in the store: to write to it changes nothing there.
Where the file system can, both share their blocks until one of them changes.
"""

from __future__ import annotations

import json
import os
from contextlib import nullcontext, suppress
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING

from attrs import evolve

from pypedream.errors import CorruptEntry, MissingEntry, StoreError
from pypedream.files.hashes import Digest, Member, manifest_of, members_in
from pypedream.files.moves import with_x
from pypedream.formats.replacement import replacing, replacing_folder
from pypedream.store import trust
from pypedream.store.corruption import Damaged
from pypedream.store.disk import digest_of, flush
from pypedream.store.entry import INLINE_BYTES, NO_METADATA, Entry
from pypedream.store.results import Unstorable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pypedream.store import CacheStore

__all__ = ["ChangedFile", "FileBlobs", "key_of"]

_RUNS = "executable"
_RUN = json.dumps(
    {"additional_metadata": {_RUNS: True}, "dump_kwargs": {}, "load_kwargs": {}}, sort_keys=True
)
"""What is recorded of a file that can be run; of others nothing is."""


def key_of(digest: Digest) -> str:
    """Return the key under which the store has what a digest stands for."""
    return f"{'folder' if digest.is_folder else 'file'}/{digest.sha256}"


class ChangedFile(StoreError, Unstorable):
    """A file is not what it was when it was hashed."""


class FileBlobs:
    """The files that a store has copies of.

    Parameters
    ----------
    store
        Where they are. What is damaged in it is set aside and reported as for any other value.
    """

    def __init__(self, store: CacheStore) -> None:
        self._store = store
        self._backend = store.backend

    def keep(
        self,
        path: str | Path,
        digest: Digest,
        members: Sequence[Member] = (),
        *,
        content: bytes | None = None,
    ) -> None:
        """Put a copy of a file or folder into the store, unless there is a good one.

        Parameters
        ----------
        digest
            What is in it, as `FileHashes` says.
        members
            The files of a folder, as `FileHashes` says.
        content
            What is in a file, where that is known: of what was written a moment ago it is kept
            even if somebody has changed the file since.

        Raises
        ------
        StoreError
            If it has changed since, or cannot be read, or the store cannot be written.
        """
        if not digest.is_folder:
            self._keep_file(path, Member("", digest.sha256, digest.size), content)
            return
        manifest = manifest_of(members)
        if sha256(manifest).hexdigest() != digest.sha256:
            raise _changed(path)
        # Others cannot write during a batch, so nothing large may be copied in one.
        is_small = all(member.size <= INLINE_BYTES for member in members)
        with self._backend.batch() if is_small else nullcontext():
            for member in members:
                self._keep_file(f"{path}/{member.name}", member)
        key, size = key_of(digest), len(manifest)
        if not self._is_kept(self._found(key), NO_METADATA):
            entry = _entry(key, digest.sha256, size, manifest, "json", NO_METADATA)
            self._backend.add(entry, None, replace=True)

    def restore(self, digest: Digest, target: Path) -> None:
        """Make a file or folder from its copy, in place of what is at *target*.

        The copy is compared with its digest before anything is replaced. A file can be run if the
        one that was kept could be.

        Raises
        ------
        MissingEntry
            If there is no copy, or a part of it is damaged and has been set aside.
        StoreError
            If *target* cannot be written.
        """
        try:
            if not digest.is_folder:
                self._restore_file(digest.sha256, target)
                return
            members = self._members(self._entry(key_of(digest)))
            with replacing_folder(target) as beside:
                beside.mkdir()
                for member in members:
                    self._restore_file(member.sha256, beside / member.name)
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror or error}") from error

    def has(self, digest: Digest) -> bool:
        """Say whether there is a copy of a file, or of all files of a folder."""
        return digest in self.has_many([digest])

    def has_many(self, digests: Iterable[Digest]) -> set[Digest]:
        """Return those of which there are copies; content is not compared, only sizes are."""
        wanted = {key_of(digest): digest for digest in digests}
        entries = self._backend.find_many(wanted)
        return {wanted[key] for key, entry in entries.items() if self._is_there(entry)}

    def damage(self, digest: Digest) -> str:
        """Say what is wrong with a copy, such as "missing" or "changed"; nothing is changed.

        The content is read and compared with its digest, of a folder that of each file.
        """
        for key in [key_of(digest), *sorted(self.keys([digest]) - {key_of(digest)})]:
            entry = self._found(key)
            if entry is None:
                return "missing"
            try:
                self._store.contents.verify(entry)
            except Damaged as damage:
                return damage.reason
        return ""

    def keys(self, digests: Iterable[Digest]) -> set[str]:
        """Return the keys of all entries that stand for these files and folders."""
        found = set()
        for digest in digests:
            found.add(key_of(digest))
            entry = self._found(key_of(digest)) if digest.is_folder else None
            if entry is not None:
                with suppress(MissingEntry):
                    found |= {f"file/{member.sha256}" for member in self._members(entry)}
        return found

    def _keep_file(self, path: str | Path, member: Member, content: bytes | None = None) -> None:
        try:
            if member.size <= INLINE_BYTES:
                self._keep_small(path, member, content)
            else:
                self._keep_large(path, member)
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror or error}") from error

    def _keep_small(self, path: str | Path, member: Member, content: bytes | None) -> None:
        """Keep a file that is mostly new: to look first whether it is takes longer than to read."""
        if content is None:
            with open(path, "rb", buffering=0) as file:
                about, data = _about(os.fstat(file.fileno()).st_mode), file.read()
            if len(data) != member.size or sha256(data).hexdigest() != member.sha256:
                raise _changed(path)
        else:
            about, data = _about(os.stat(path).st_mode), content
        entry = _entry(f"file/{member.sha256}", member.sha256, len(data), data, "bytes", about)
        there: Entry | None
        try:
            there = self._backend.add(entry, None, replace=False)
        except CorruptEntry:  # what cannot be read is no copy
            there = None
        if there is not entry and not self._is_kept(there, about):
            self._backend.add(entry, None, replace=True)

    def _keep_large(self, path: str | Path, member: Member) -> None:
        key, about = f"file/{member.sha256}", _about(os.stat(path).st_mode)
        if self._is_kept(self._found(key), about):
            return
        from pypedream.files.copying import copy

        with self._backend.staged() as beside:
            if copy(path, beside) != member.sha256:
                raise _changed(path)
            flush(beside)
            entry = _entry(key, member.sha256, member.size, None, "bytes", about)
            self._backend.add(entry, beside, replace=True)

    def _is_kept(self, there: Entry | None, about: str) -> bool:
        """Say whether an entry is a good copy; what is recorded of it is *about* then."""
        if there is None or not self._is_good(there):
            return False
        if there.metadata_json != about:
            self._backend.add(evolve(there, metadata_json=about), None, replace=True)
        return True

    def _is_good(self, entry: Entry) -> bool:
        """Say whether the content of an entry is what was stored; it is set aside if not."""
        try:
            self._store.contents.verify(entry)
        except Damaged as damage:
            self._store.damaged(entry, damage.reason)
            return False
        return True

    def _found(self, key: str) -> Entry | None:
        try:
            return self._backend.find(key)
        except CorruptEntry:
            return None

    def _entry(self, key: str) -> Entry:
        """Return the entry of a key, from the remote store if it is there only."""
        entry = self._found(key)
        if entry is None and self._store.remote is not None and not self._store.readonly:
            from pypedream.store.transfer import copy_missing

            copy_missing(self._store.remote, self._store, [key])
            entry = self._found(key)
        if entry is None:
            raise MissingEntry(f'the store {self._store.location} has no copy "{key}"')
        self._store.touch(entry)
        return entry

    def _members(self, entry: Entry) -> list[Member]:
        try:
            with self._store.contents.file(entry) as path:
                members = members_in(path.read_bytes())
        except Damaged as damage:
            raise self._missing(entry, damage.reason) from None
        for member in members:
            if not _is_below(member.name):
                raise StoreError(f'"{entry.key}" names a file outside of its folder: {member.name}')
        return members

    def _restore_file(self, digest: str, target: Path) -> None:
        entry = self._entry(f"file/{digest}")
        try:
            with replacing(target) as beside:
                self._fetch(entry, beside)
        except Damaged as damage:
            raise self._missing(entry, damage.reason) from None
        mode = target.stat().st_mode & 0o777
        runs = entry.metadata.get("additional_metadata", {}).get(_RUNS) is True
        wanted = with_x(mode, 0o100) if runs else mode & ~0o111
        if wanted != mode:
            target.chmod(wanted)

    def _fetch(self, entry: Entry, beside: Path) -> None:
        """Copy content to a file and compare that with the digest; raise Damaged if it differs."""
        if entry.inline is not None:
            self._store.contents.verify(entry)
            beside.write_bytes(entry.inline)
            return
        from pypedream.files.copying import copy

        blob = self._backend.blob(entry)
        try:
            if blob is not None:
                digest = copy(blob, beside)
            else:
                self._backend.fetch(entry, beside)
                digest = digest_of(beside)
        except FileNotFoundError:
            raise Damaged("missing") from None
        if digest != entry.digest:
            raise Damaged("truncated" if beside.stat().st_size < entry.size else "changed")

    def _missing(self, entry: Entry, reason: str) -> MissingEntry:
        self._store.damaged(entry, reason)
        return MissingEntry(
            f'the store {self._store.location} has no good copy "{entry.key}": it was {reason}'
        )

    def _is_there(self, entry: Entry) -> bool:
        blob = self._backend.blob(entry) if entry.inline is None else None
        try:
            if blob is not None and blob.stat().st_size != entry.size:
                return False
            members = self._members(entry) if entry.key.startswith("folder/") else ()
        except (FileNotFoundError, MissingEntry):
            return False
        files = {Digest(member.sha256, 0) for member in members}
        return not files or self.has_many(files) == files


def _entry(
    key: str, digest: str, size: int, inline: bytes | None, serializer: str, about: str
) -> Entry:
    now = time()
    return Entry(
        key=key,
        digest=digest,
        size=size,
        serializer=serializer,
        metadata_json=about,
        created=now,
        used=now,
        signature=trust.signature_of(key, serializer, digest),
        inline=inline,
    )


def _about(mode: int) -> str:
    """Return what is recorded of a file with this mode."""
    return _RUN if os.name != "nt" and mode & 0o100 else NO_METADATA


def _is_below(name: str) -> bool:
    """Say whether a name of a manifest, which somebody else may have written, is that of a file."""
    parts = name.replace(os.sep, "/").split("/")
    return not ({"", ".", ".."} & set(parts)) and not os.path.splitdrive(name)[0]


def _changed(path: str | Path) -> ChangedFile:
    return ChangedFile(f"{path} has changed since it was hashed: it is not kept")
