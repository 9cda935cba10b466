"""Objects behind an fsspec URL as a place for entries.

::

    entries/ab/<key>.json     an entry; content of up to 8 KB is in it
    blobs/ab/<sha256>         larger content
    leases/<name>/<number>    the highest number is the lease that counts
    used/ab/<key>             when an entry was used last
    quarantine/<sha256>       content that turned out to be damaged

There is no lock but this: of several who create an object one succeeds.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from posixpath import basename
from threading import RLock
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from attrs import asdict, evolve

from pypedream._extras import need
from pypedream.errors import CorruptEntry, StoreError
from pypedream.store.backend import Lease
from pypedream.store.entry import from_json, to_json
from pypedream.store.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pypedream.store.entry import Entry

__all__ = ["Objects"]

_LONGEST_NAME = 180
_GRACE_S = 3600  # a blob is written before its entry
_SMALL = "abcdefghijklmnopqrstuvwxyz0123456789"
_memory = RLock()
"""In memory an object is not made in one step, but only the threads of one process see it."""

_WITHOUT_FOLDERS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oci", "oss", "memory"}


class Objects:
    """A store behind a URL.

    Parameters
    ----------
    url
        Any URL that fsspec knows, as "s3://bucket/folder".
    options
        What the file system is to be opened with.
    """

    is_local = False

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self._lock: AbstractContextManager[object] = nullcontext()
        self._touched: dict[str, float] = {}
        core = need("fsspec.core", extra="store", for_=f'the store "{url}"')
        self.location = url.rstrip("/")
        with self._told("opened"):
            self._fs, root = core.url_to_fs(url, **(options or {}))
        self._root = root.rstrip("/")
        protocol = self._fs.protocol
        protocols = {protocol} if isinstance(protocol, str) else set(protocol)
        if "memory" in protocols:
            self._lock = _memory
        self._has_folders = not protocols & _WITHOUT_FOLDERS

    def find(self, key: str) -> Entry | None:
        """Return an entry, or None; raise CorruptEntry if it cannot be read."""
        path = self._entry_path(key)
        text = self._get(path)
        if text is None:
            return None
        entry = from_json(text, key=key, file=self._shown(path))
        if entry.key != key:
            raise CorruptEntry(key, self._shown(path))
        return entry

    def find_many(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those keys that there are; one that cannot be read is left out."""
        found = {}
        for key in dict.fromkeys(keys):
            with suppress(CorruptEntry):
                entry = self.find(key)
                if entry is not None:
                    found[key] = entry
        return found

    def state(self) -> None:
        """Return what is another after any change to the entries: nothing there tells."""

    def keys(self) -> list[str]:
        """Return every key, in order."""
        names = [basename(path) for path in self._list("entries")]
        keys = [_key_of(name) for name in names if name.endswith(".json")]
        return sorted({key for key in keys if key is not None} | self._long_keys(names))

    def scan(self) -> Iterator[Entry | CorruptEntry]:
        """Yield every entry, with an error in place of one that cannot be read."""
        for key in self.keys():
            try:
                entry = self.find(key)
            except CorruptEntry as error:
                yield error
            else:
                if entry is not None:
                    yield self._with_use(entry)

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """Give a path on this machine to write content to; what is left there is removed."""
        with tempfile.TemporaryDirectory(prefix="pypedream-") as folder:
            yield Path(folder, "value")

    def add(self, entry: Entry, content: Path | None, *, replace: bool) -> Entry:
        """Store an entry and its content; return the entry that is then there."""
        if not replace:
            there = self.find(entry.key)
            if there is not None:
                return there
        if content is not None:
            self._upload(content, self._blob(entry.digest))
        while True:
            if self._create(self._entry_path(entry.key), to_json(entry), replace=replace):
                return entry
            there = self.find(entry.key)
            if there is not None:
                return there

    def blob(self, entry: Entry) -> Path | None:  # noqa: ARG002 - as Backend has it
        """Return None: no content is on this machine."""
        return None

    def fetch(self, entry: Entry, path: Path) -> None:
        """Copy the content to a new file; raise FileNotFoundError if there is none."""
        if entry.inline is not None:
            path.write_bytes(entry.inline)
            return
        with self._told("read"):
            self._fs.get_file(self._blob(entry.digest), str(path))

    def blob_name(self, entry: Entry) -> str:
        """Return where the content is, for people."""
        is_inside = entry.inline is not None
        return self._shown(self._entry_path(entry.key) if is_inside else self._blob(entry.digest))

    def remove(self, key: str) -> bool:
        """Remove an entry; its content goes with the next `sweep`."""
        was_there = self._get(self._entry_path(key)) is not None  # S3 deletes what is not there
        self._delete(self._entry_path(key))
        self._delete(self._path("used", key))
        return was_there

    def quarantine(self, entry: Entry) -> None:
        """Set the content of an entry aside, if the entry is still the one that is there."""
        there = self._get(self._entry_path(entry.key))
        if there != to_json(entry):
            return
        self._delete(self._entry_path(entry.key))
        content = None if entry.inline is not None else self._get(self._blob(entry.digest))
        if content is not None:
            self._create(f"{self._root}/quarantine/{entry.digest}", content, replace=True)
            self._delete(self._blob(entry.digest))

    def touch(self, entry: Entry, now: float) -> None:
        """Record that an entry was used, where we may write; only `gc` wants to know."""
        if now - self._touched.get(entry.key, 0) < _GRACE_S:
            return
        self._touched[entry.key] = now
        with self._told("written"), suppress(PermissionError):
            self._write(self._path("used", entry.key), repr(now).encode("ascii"), "overwrite")

    def sweep(self, *, dry_run: bool) -> int:
        """Remove blobs that no entry needs and that are not just being added."""
        needed = {entry.digest for entry in self.scan() if not isinstance(entry, CorruptEntry)}
        freed = 0
        for path in [*self._list("blobs"), *self._list("quarantine")]:
            if basename(path) not in needed or "/quarantine/" in path:
                freed += self._sweep(path, dry_run=dry_run)
        return freed

    def batch(self) -> AbstractContextManager[None]:
        """Do nothing: each object is written for itself."""
        return nullcontext()

    def lease(self, name: str) -> Lease | None:
        """Return the lease of a name, whether it is live or not."""
        number = self._number(name)
        return None if number is None else self._lease(self._lease_path(name, number))

    def take(self, name: str, lease: Lease, instead_of: Lease | None) -> bool:
        """Take a lease if it is free or still *instead_of*; of several who try one succeeds."""
        number = self._number(name)
        if number is not None:
            there = self._lease(self._lease_path(name, number))
            if there is None or instead_of is None or there.token != instead_of.token:
                return False
        path = self._lease_path(name, 0 if number is None else number + 1)
        return self._create(path, json.dumps(asdict(lease)).encode("ascii"), replace=False)

    def take_free(self, names: Sequence[str], lease: Lease) -> set[str]:
        """Take the lease of each name that has none; return those names."""
        return {name for name in names if self.take(name, lease, None)}

    def renew_all(self, names: Collection[str], lease: Lease) -> None:
        """Write a new end into several leases of one token."""
        for name in names:
            self.renew(name, lease)

    def release_all(self, names: Collection[str], token: str) -> None:
        """Give several leases of one token back."""
        for name in names:
            self.release(name, token)

    def renew(self, name: str, lease: Lease) -> None:
        """Write a new end into a lease, if it is still ours."""
        number = self._number(name)
        if number is None:
            return
        path = self._lease_path(name, number)
        there = self._lease(path)
        if there is not None and there.token == lease.token:
            self._create(path, json.dumps(asdict(lease)).encode("ascii"), replace=True)

    def release(self, name: str, token: str) -> None:
        """Give a lease back, if it is still ours."""
        number = self._number(name)
        if number is None:
            return
        there = self._lease(self._lease_path(name, number))
        if there is not None and there.token == token:
            for each in range(number + 1):  # the highest goes last: it keeps others out
                self._delete(self._lease_path(name, each))

    def leases(self) -> list[Lease]:
        """Return the leases that are there, live or not."""
        found = [self._lease(path) for path in self._list("leases")]
        return [lease for lease in found if lease is not None]

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _path(self, kind: str, key: str) -> str:
        return f"{self._root}/{kind}/{_digest(key)[:2]}/{_name_of(key)}"

    def _entry_path(self, key: str) -> str:
        return f"{self._path('entries', key)}.json"

    def _blob(self, digest: str) -> str:
        return f"{self._root}/blobs/{digest[:2]}/{digest}"

    def _lease_path(self, name: str, number: int) -> str:
        return f"{self._root}/leases/{_digest(name)}/{number}"

    def _shown(self, path: str) -> str:
        return self.location + path.removeprefix(self._root)

    def _with_use(self, entry: Entry) -> Entry:
        text = self._get(self._path("used", entry.key))
        try:
            return evolve(entry, used=float(text)) if text else entry
        except ValueError:  # it is a hint, and damaged
            return entry

    def _long_keys(self, names: list[str]) -> set[str]:
        """Return the keys that do not fit into the name of a file, from the entries themselves."""
        found = set()
        for name in names:
            digest = name.removeprefix("~").removesuffix(".json")
            if name.startswith("~"):
                path = f"{self._root}/entries/{digest[:2]}/{name}"
                text = self._get(path)
                with suppress(CorruptEntry):  # then nobody knows its key any more
                    if text is not None:
                        found.add(from_json(text, key=name, file=path).key)
        return found

    def _number(self, name: str) -> int | None:
        numbers = [basename(path) for path in self._list(f"leases/{_digest(name)}")]
        return max((int(number) for number in numbers if number.isdigit()), default=None)

    def _lease(self, path: str) -> Lease | None:
        text = self._get(path)
        try:
            document = json.loads(text) if text else None
            if document is None:
                return None
            owner = Owner(**document["owner"])
            return Lease(document["token"], owner, float(document["until"]))
        except (ValueError, TypeError, KeyError):  # it is just being written
            return Lease("", Owner("", 0, ""), time() + 1)

    def _sweep(self, path: str, *, dry_run: bool) -> int:
        with self._told("cleaned"):
            try:
                modified = self._fs.modified(path).timestamp()
                size = int(self._fs.size(path) or 0)
            except FileNotFoundError:
                return 0
        if time() - modified < _GRACE_S:
            return 0
        if not dry_run:
            self._delete(path)
        return size

    def _get(self, path: str) -> bytes | None:
        with self._told("read"):
            try:
                content: bytes = self._fs.cat_file(path)
            except FileNotFoundError:
                return None
        return content

    def _list(self, folder: str) -> list[str]:
        with self._told("listed"):
            self._fs.invalidate_cache()  # what other processes made would not be seen
            try:
                return [str(path) for path in self._fs.find(f"{self._root}/{folder}")]
            except FileNotFoundError:
                return []

    def _create(self, path: str, content: bytes, *, replace: bool) -> bool:
        """Write an object; say whether it was written, not there already."""
        with self._told("written"):
            try:
                self._write(path, content, "overwrite" if replace else "create")
            except FileExistsError:
                return False
        return True

    def _write(self, path: str, content: bytes, mode: str) -> None:
        try:
            self._fs.pipe_file(path, content, mode=mode)
        except FileNotFoundError:
            if not self._has_folders:
                raise
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(path, content, mode=mode)

    def _upload(self, content: Path, path: str) -> None:
        with self._told("written"):
            if self._has_folders:
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.put_file(os.fspath(content), path)

    def _delete(self, path: str) -> bool:
        with self._told("changed"):
            try:
                self._fs.rm_file(path)
            except FileNotFoundError:
                return False
        return True

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        """Turn whatever a driver raises into one line that names the store."""
        try:
            with self._lock:
                yield
        except (FileNotFoundError, FileExistsError, StoreError) as error:
            if isinstance(error, FileNotFoundError) and done == "written":
                raise StoreError(f"cannot write {self.location}: {error}") from error
            raise
        except Exception as error:
            text = str(error) or type(error).__name__
            raise StoreError(f"{self.location} cannot be {done}: {text}") from error


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()


def _name_of(key: str) -> str:
    """Return a name for a file that no other key has, also where capitals do not count."""
    name = "".join(letter if letter in _SMALL else _escaped(letter) for letter in key)
    return name if len(name) <= _LONGEST_NAME else f"~{_digest(key)}"


def _escaped(letter: str) -> str:
    escaped = quote(letter, safe="-_")
    return f"%{ord(letter):02X}" if escaped == letter and letter not in "-_" else escaped


def _key_of(name: str) -> str | None:
    return None if name.startswith("~") else unquote(name.removesuffix(".json"))
