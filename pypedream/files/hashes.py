"""Hashes of files, remembered in the workspace so that a file that stays is not read again.

A file is taken for unchanged while its size, its times of change, and its inode stay as they were
when it was hashed. Times are coarse: a file that had been written less than two seconds before it
was hashed may have been written once more within the same tick, so such a file is hashed again (the
rule of git for what is "racily clean"). What is remembered makes things faster and never decides:
where it is damaged or gone, files are read again.

The digest of a folder is that of its manifest: the names, sizes and digests of all files in it. Who
may run a file is no part of any digest, as not every system knows it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from contextlib import suppress
from time import time_ns
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import StoreError
from pypedream.files.paths import place_within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Digest", "FileHashes", "Member", "manifest_of", "members_in"]

MEMO = "hashes"
"""The file of a workspace in which hashes are remembered."""

_RACY_NS = 2_000_000_000
_TRIES = 5
_BLOCK = 1024 * 1024
_MOST = 100_000
_MOST_MEMOS = 8
_VERSION = 1
_NO_DATA = (".DS_Store", "Thumbs.db")

_Seen = tuple[int, int, int, int]
_Row = tuple[int, int, int, int, int, str]

_read_last: dict[str, tuple[_Seen, Mapping[str, _Row]]] = {}
"""What this process has read of memos; a run makes many a `FileHashes`."""


@frozen(repr=False)
class Digest:
    """What is in a file or a folder.

    Attributes
    ----------
    sha256
        Of the content, or of the manifest of a folder; 64 hex digits.
    size
        Bytes of content, all files of a folder together.
    """

    sha256: str
    size: int
    is_folder: bool = False


@frozen(repr=False)
class Member:
    """One file of a folder, by its path within the folder."""

    name: str
    sha256: str
    size: int


class FileHashes:
    """The digests of the files of a project.

    Parameters
    ----------
    workspace
        Where they are remembered, when `save` is called.
    root
        The folder of the project; by default the one that the workspace is in.
    is_new
        Whether the files have just been written, so that nothing is remembered of them.
    """

    def __init__(
        self,
        workspace: str | os.PathLike[str],
        root: str | os.PathLike[str] | None = None,
        *,
        is_new: bool = False,
    ) -> None:
        self._memo = os.path.join(workspace, MEMO)
        self._root = os.path.abspath(os.path.join(workspace, os.pardir) if root is None else root)
        self._known: Mapping[str, _Row] | None = {} if is_new else None
        self._fresh: dict[str, _Row] = {}

    def digest(self, path: str) -> Digest | None:
        """Return what is at a checked path; None if nothing is.

        Raises
        ------
        DefinitionError
            If a symbolic link on the way leads out of the project.
        StoreError
            If it cannot be read, or somebody is writing to it all the time.
        """
        name = path.rstrip("/")
        found = _stat(f"{self._root}/{name}")
        if found is None:
            return None
        if stat.S_ISDIR(found.st_mode):
            members = self._members(place_within(self._root, name), name, ())
            size = sum(member.size for member in members)
            return Digest(hashlib.sha256(manifest_of(members)).hexdigest(), size, is_folder=True)
        row = self._row(name, found)
        return Digest(row[-1], row[0])

    def state(self, path: str) -> str:
        """Return what is at a checked path as text: "" if nothing is; errors as `digest`."""
        found = _stat(f"{self._root}/{path}")
        if found is None:
            return ""
        if stat.S_ISDIR(found.st_mode):
            digest = self.digest(path)
            return "" if digest is None else f"{digest.sha256}/"
        return self._row(path, found)[-1]

    def members(self, path: str) -> list[Member]:
        """Return the files of a folder, sorted by name; errors as `digest`."""
        name = path.rstrip("/")
        return self._members(place_within(self._root, name), name, ())

    def save(self) -> None:
        """Remember what was hashed, beside what other processes have remembered meanwhile."""
        if not self._fresh:
            return
        from pathlib import Path

        from pypedream.formats.replacement import replace
        from pypedream.store.disk import make_folder

        rows = _read(self._memo) | self._fresh
        if len(rows) > _MOST:
            rows = self._fresh
        # Nobody needs it: if it cannot be written, files are hashed again.
        with suppress(OSError):
            make_folder(Path(self._memo).parent, is_shared=False)
            replace(self._memo, _text_of(rows))
            self._known, self._fresh = rows, {}

    def _row(self, name: str, found: os.stat_result) -> _Row:
        if self._known is None:
            self._known = _rows_in(self._memo)
        row = self._fresh.get(name) or self._known.get(name)
        seen = (found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)
        if row is None or row[:4] != seen or max(row[1], row[3]) >= row[4] - _RACY_NS:
            path = place_within(self._root, name)
            if not stat.S_ISREG(found.st_mode):  # to open a pipe would wait for its other end
                raise StoreError(f"{path} is neither a file nor a folder")
            row = self._fresh[name] = _hashed(path)
        return row

    def _members(self, folder: str, path: str, around: tuple[str, ...]) -> list[Member]:
        found = []
        real = os.path.realpath(folder)
        if real in around:
            raise StoreError(f"{folder} leads back to a folder that it is in: remove the link")
        for name in _names(folder):
            below, there = f"{path}/{name}", _stat(f"{folder}/{name}")
            if there is None:
                raise StoreError(f"{folder}/{name} leads nowhere: remove the link")
            if stat.S_ISDIR(there.st_mode):
                inner = self._members(place_within(self._root, below), below, (*around, real))
                found += [Member(f"{name}/{each.name}", each.sha256, each.size) for each in inner]
            else:
                row = self._row(below, there)
                found.append(Member(name, row[-1], row[0]))
        return sorted(found, key=lambda member: member.name)


def manifest_of(members: Sequence[Member]) -> bytes:
    """Return the manifest of a folder with these files, the same for the same files."""
    rows = sorted([member.name, member.sha256, member.size] for member in members)
    lines = ",\n".join(map(json.dumps, rows))
    return f"[\n{lines}\n]\n".encode("ascii")


def members_in(manifest: bytes) -> list[Member]:
    """Return the files that a manifest names."""
    return [Member(*row) for row in json.loads(manifest)]


def _names(folder: str) -> list[str]:
    from pypedream.formats.replacement import UNFINISHED

    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {error.strerror or error}") from error
    return [name for name in names if name not in _NO_DATA and not name.startswith(UNFINISHED)]


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def _hashed(path: str) -> _Row:
    """Read a file; what it looked like before and after must be the same."""
    try:
        for _ in range(_TRIES):
            now = time_ns()
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            try:
                before = _seen(os.fstat(descriptor))
                digest = _read_through(descriptor, before[0])
                after = _seen(os.fstat(descriptor))
            finally:
                os.close(descriptor)
            if before == after:
                return (*after, now, digest)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    raise StoreError(f"{path} is being written to: wait until it is whole")


def _read_through(descriptor: int, size: int) -> str:
    """Return the digest of what is read; for a small file this is faster than `file_digest`."""
    found, most = hashlib.sha256(), min(size + 1, _BLOCK)
    while block := os.read(descriptor, most):
        found.update(block)
        if len(block) < most:  # of a file that is its end
            break
    return found.hexdigest()


def _seen(found: os.stat_result) -> _Seen:
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def _rows_in(memo: str) -> Mapping[str, _Row]:
    """Return what is remembered; a process that asks again and again reads it once."""
    try:
        seen = _seen(os.stat(memo))
    except OSError:
        return {}
    known = _read_last.get(memo)
    if known is None or known[0] != seen:
        known = seen, _read(memo)
        if len(_read_last) >= _MOST_MEMOS:
            _read_last.clear()
        _read_last[memo] = known
    return known[1]


def _read(memo: str) -> dict[str, _Row]:
    """Return what is remembered; nothing if any of it is damaged."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        with open(memo, "rb") as file:
            seal, _, text = file.read().partition(b"\n")
        if seal.decode("ascii") == hashlib.sha256(text).hexdigest():
            document: dict[str, Any] = json.loads(text)
            if document["version"] == _VERSION:
                return {path: tuple(row) for path, row in document["files"].items()}
    return {}


def _text_of(rows: dict[str, _Row]) -> bytes:
    text = json.dumps({"version": _VERSION, "files": rows}, separators=(",", ":")).encode("ascii")
    return hashlib.sha256(text).hexdigest().encode("ascii") + b"\n" + text
