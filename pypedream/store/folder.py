"""A folder as a place for entries.

::

    index.db        entries and leases; holds content of up to 8 KB itself
    blobs/ab/       larger content, each file under its SHA-256, which never changes again
    staging/        content that is being written
    quarantine/     content that turned out to be damaged

A blob is whole and on the disk before its entry is there. An entry without a good blob is a miss.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pypedream.store.backend import Lease
from pypedream.store.disk import Staging, make_folder, remove_tree, stale, told
from pypedream.store.entries import Entries
from pypedream.store.index import Index
from pypedream.store.owner import Owner

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from pypedream.errors import CorruptEntry
    from pypedream.store.entry import Entry

__all__ = ["Folder"]

T = TypeVar("T")

_ONE = "SELECT * FROM entries WHERE key = ?"
_PUT = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_NEW = _PUT.replace("REPLACE", "IGNORE")
_PUT_OVER_SMALL = f"""{_PUT.replace(" OR REPLACE", "")} ON CONFLICT (key) DO UPDATE SET
    digest = excluded.digest, size = excluded.size, serializer = excluded.serializer,
    metadata_json = excluded.metadata_json, created = excluded.created, used = excluded.used,
    duration_s = excluded.duration_s, signature = excluded.signature, inline = excluded.inline,
    seal = excluded.seal WHERE entries.inline IS NOT NULL"""


class Folder:
    """A store in a local folder.

    Parameters
    ----------
    root
        The folder; it is made for its owner alone, or with *is_shared* for his group.
    readonly
        Change nothing, not even when something was used last.
    """

    is_local = True

    def __init__(
        self, root: str | os.PathLike[str], *, readonly: bool = False, is_shared: bool = False
    ) -> None:
        self.root = Path(root).absolute()
        self.location = str(self.root)
        self.is_shared = is_shared
        self.index = Index(self.root / "index.db", readonly=readonly, is_shared=is_shared)
        self._entries = Entries(self.index)
        self._left: set[str] = set()
        self._staging = Staging(self.root / "staging")
        self._blobs = self.root / "blobs"
        self._told = told(f"the store {self.location}")
        if not readonly:
            with self._told:
                self._prepare()

    def find(self, key: str) -> Entry | None:
        """Return an entry, or None; raise CorruptEntry if it cannot be read."""
        return self._entries.find(key)

    def find_many(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those keys that there are; one that cannot be read is left out."""
        return self._entries.find_many(keys)

    def find_range(self, first: str, end: str, most: int) -> dict[str, Entry]:
        """Return entries whose keys sort from *first* to before *end*, at most so many."""
        return self._entries.find_range(first, end, most)

    def state(self) -> object:
        """Return what is another after any change to the entries; None if that is not known."""
        state = self.index.read(self.index.version, None)
        # After a change of this process's own it is not known at first.
        return self.index.read(self.index.version, None) if state is None else state

    def keys(self) -> list[str]:
        """Return every key, in order."""
        return self._entries.keys()

    def scan(self) -> Iterator[Entry | CorruptEntry]:
        """Yield every entry, with an error in place of one that cannot be read."""
        return self._entries.scan()

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """Give a path to write content to; what is left there is removed."""
        with self._told, self._staging.path() as path:
            yield path

    def add(self, entry: Entry, content: Path | None, *, replace: bool) -> Entry:
        """Store an entry and its content; return the entry that is then there."""
        with self._told:
            if content is None:
                work = partial(self._add_small, entry, replace)
                there: Entry | None = self.index.write(work, is_single=True)
                if there is not None:
                    return there
            else:
                make_folder(self._blob(entry.digest).parent, is_shared=self.is_shared)
                # What the umask took from the new file stays taken.
                content.chmod(0o444 & content.stat().st_mode | 0o400)
            stored = self.index.write(lambda index: self._add(index, entry, content, replace))
            self._drop_blobs()
            return stored

    def blob(self, entry: Entry) -> Path | None:
        """Return the file with the content."""
        return self._blob(entry.digest)

    def fetch(self, entry: Entry, path: Path) -> None:
        """Copy the content to a new file; raise FileNotFoundError if there is none."""
        if entry.inline is None:
            import shutil  # it takes long to load and is seldom needed

            shutil.copyfile(self._blob(entry.digest), path)
        else:
            path.write_bytes(entry.inline)

    def blob_name(self, entry: Entry) -> str:
        """Return where the content is, for people."""
        return str(self.index.path if entry.inline is not None else self._blob(entry.digest))

    def remove(self, key: str) -> bool:
        """Remove an entry, and its blob if no other entry has the same content."""
        with self._told:
            was_there = self.index.write(lambda index: self._remove(index, key))
            self._drop_blobs()
            return was_there

    def quarantine(self, entry: Entry) -> None:
        """Set the content of an entry aside, if the entry is still the one that is there."""
        with self._told:
            self.index.write(lambda index: self._quarantine(index, entry))

    def touch(self, entry: Entry, now: float) -> None:
        """Record that an entry was used."""
        query = "UPDATE entries SET used = ? WHERE key = ?"
        self.index.write(lambda index: index.execute(query, (now, entry.key)), is_single=True)

    def sweep(self, *, dry_run: bool) -> int:
        """Remove what processes that are gone left, and blobs that no entry needs."""
        left = [*stale(self._staging.parent), *stale(self.root / "quarantine")]
        if dry_run:
            nothing: list[Path] = []
            return sum(map(_size, left + self.index.read(self._unneeded, nothing)))
        with self._told:
            freed = _removed(left)
            # Within a transaction no other process can put a blob in its place.
            return freed + self.index.write(lambda index: _removed(self._unneeded(index)))

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make what is added inside durable together."""
        try:
            with self.index.batch():
                yield
        finally:
            with self._told:
                self._drop_blobs()

    def lease(self, name: str) -> Lease | None:
        """Return the lease of a name, whether it is live or not."""
        query = "SELECT token, host, pid, start, until FROM leases WHERE name = ?"
        row = self.index.read(lambda index: index.execute(query, (name,)).fetchone(), None)
        return None if row is None else _lease(row)

    def take(self, name: str, lease: Lease, instead_of: Lease | None) -> bool:
        """Take a lease if it is free or still *instead_of*; of several who try one succeeds."""
        owner = lease.owner
        values = (name, lease.token, owner.host, owner.pid, owner.start, lease.until)
        old = "" if instead_of is None else instead_of.token

        def work(index: sqlite3.Connection) -> bool:
            if old:
                index.execute("DELETE FROM leases WHERE name = ? AND token = ?", (name, old))
            done = index.execute("INSERT OR IGNORE INTO leases VALUES (?, ?, ?, ?, ?, ?)", values)
            return done.rowcount == 1

        return self._leased(work, is_single=not old)

    def take_free(self, names: Sequence[str], lease: Lease) -> set[str]:
        """Take the lease of each name that has none; return those names."""
        owner = lease.owner
        rows = [
            (name, lease.token, owner.host, owner.pid, owner.start, lease.until) for name in names
        ]

        def work(index: sqlite3.Connection) -> set[str]:
            index.executemany("INSERT OR IGNORE INTO leases VALUES (?, ?, ?, ?, ?, ?)", rows)
            query = "SELECT name FROM leases WHERE token = ?"
            return {str(name) for (name,) in index.execute(query, (lease.token,))}

        return self._leased(work, is_single=False)

    def renew(self, name: str, lease: Lease) -> None:
        """Write a new end into a lease, if it is still ours."""
        query = "UPDATE leases SET until = ? WHERE name = ? AND token = ?"
        values = (lease.until, name, lease.token)
        self._leased(lambda index: index.execute(query, values), is_single=True)

    def renew_all(self, names: Collection[str], lease: Lease) -> None:  # noqa: ARG002 - see below
        """Write a new end into several leases of one token."""
        query = "UPDATE leases SET until = ? WHERE token = ?"  # the table holds live ones only
        values = (lease.until, lease.token)
        self._leased(lambda index: index.execute(query, values), is_single=True)

    def release(self, name: str, token: str) -> None:
        """Give a lease back, if it is still ours."""
        query = "DELETE FROM leases WHERE name = ? AND token = ?"
        self._leased(lambda index: index.execute(query, (name, token)), is_single=True)

    def release_all(self, names: Collection[str], token: str) -> None:  # noqa: ARG002 - as above
        """Give several leases of one token back."""
        query = "DELETE FROM leases WHERE token = ?"
        self._leased(lambda index: index.execute(query, (token,)), is_single=True)

    def leases(self) -> list[Lease]:
        """Return the leases that are there, live or not."""
        query = "SELECT token, host, pid, start, until FROM leases"
        rows: list[Any] = self.index.read(lambda index: index.execute(query).fetchall(), [])
        return [_lease(row) for row in rows]

    def close(self) -> None:
        """Let go of files."""
        self.index.close()
        self._staging.close()

    def _prepare(self) -> None:
        for folder in (self.root, self._blobs, self._staging.parent, self.root / "quarantine"):
            make_folder(folder, is_shared=self.is_shared)
        _removed(list(stale(self._staging.parent)))

    def _blob(self, digest: str) -> Path:
        return self._blobs / digest[:2] / digest

    def _add(
        self, index: sqlite3.Connection, entry: Entry, content: Path | None, replace: bool
    ) -> Entry:
        old = index.execute(_ONE, (entry.key,)).fetchone()
        if old is not None and not replace:
            return self._entries.of(old)
        if content is not None and content.exists():  # else this is the second attempt
            content.replace(self._blob(entry.digest))
        index.execute(_PUT, (*_values(entry), entry.seal))
        if old is not None and old[1] != entry.digest and old[-2] is None:
            self._left.add(str(old[1]))
        return entry

    def _add_small(self, entry: Entry, replace: bool, index: sqlite3.Connection) -> Entry | None:
        """Add an entry by one statement; None if it would leave a blob behind or one is gone."""
        query = _PUT_OVER_SMALL if replace else _PUT_NEW
        if index.execute(query, (*_values(entry), entry.seal)).rowcount:
            return entry
        there = None if replace else index.execute(_ONE, (entry.key,)).fetchone()
        return None if there is None else self._entries.of(there)

    def _remove(self, index: sqlite3.Connection, key: str) -> bool:
        row = index.execute("SELECT digest FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            return False
        index.execute("DELETE FROM entries WHERE key = ?", (key,))
        self._left.add(str(row[0]))
        return True

    def _drop_blobs(self) -> None:
        """Remove blobs that entries named until now, unless another one does.

        That the entries are gone is certain only after their transaction, and that no other
        process puts the same blob in its place only within one.
        """
        if self._left and not self.index.is_batch:
            left, self._left = self._left, set()
            digests = [digest for digest in left if self._blob(digest).exists()]
            if digests:
                self.index.write(lambda index: self._drop(index, digests))

    def _drop(self, index: sqlite3.Connection, digests: list[str]) -> None:
        query = "SELECT 1 FROM entries WHERE digest = ? AND inline IS NULL LIMIT 1"
        for digest in digests:
            if index.execute(query, (digest,)).fetchone() is None:
                self._blob(digest).unlink(missing_ok=True)

    def _quarantine(self, index: sqlite3.Connection, entry: Entry) -> None:
        query = "DELETE FROM entries WHERE key = ? AND digest = ? AND created = ?"
        done = index.execute(query, (entry.key, entry.digest, entry.created))
        if done.rowcount and entry.inline is None:
            with suppress(FileNotFoundError):
                self._blob(entry.digest).replace(self.root / "quarantine" / entry.digest)

    def _unneeded(self, index: sqlite3.Connection) -> list[Path]:
        rows = index.execute("SELECT digest FROM entries WHERE inline IS NULL")
        needed = {digest for (digest,) in rows}
        return [path for path in self._blobs.glob("*/*") if path.name not in needed]

    def _leased(self, work: Callable[[sqlite3.Connection], T], *, is_single: bool) -> T:
        """Change a lease so that other processes see it at once, also from within a batch."""
        done = self.index.write(work, is_single=is_single)
        self.index.commit()
        return done


def _values(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.key,
        entry.digest,
        entry.size,
        entry.serializer,
        entry.metadata_json,
        entry.created,
        entry.used,
        entry.duration_s,
        entry.signature,
        entry.inline,
    )


def _lease(row: tuple[Any, ...]) -> Lease:
    token, host, pid, start, until = row
    return Lease(token, Owner(host, pid, start), until)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _removed(paths: list[Path]) -> int:
    """Remove files and folders; return how many bytes that is."""
    freed = 0
    for path in paths:
        size = _size(path)
        with suppress(PermissionError):  # of another user of a shared store: he removes it
            remove_tree(path)
            freed += size
    return freed
