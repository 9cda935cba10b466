"""Entries: what an index knows of values, read and remembered until somebody changes it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from pypedream.errors import CorruptEntry
from pypedream.store.entry import Entry, seal_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from pypedream.store.index import Index

__all__ = ["Entries"]

_ONE = "SELECT * FROM entries WHERE key = ?"
_SOME = "SELECT * FROM entries WHERE key IN ({})"
_RANGE = "SELECT * FROM entries WHERE key >= ? AND key < ? LIMIT ?"
_ALL = "SELECT * FROM entries ORDER BY key"
_KEYS = "SELECT key FROM entries ORDER BY key"
_AT_ONCE = 500  # of the 999 values that every SQLite takes in one query
_MOST_BYTES = 32 * 1024 * 1024
_BYTES_EACH = 1000  # about what an entry takes apart from its content


class Entries:
    """The entries of one index, as this process sees them."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._remembered = _Remembered()

    def find(self, key: str) -> Entry | None:
        """Return an entry, or None; raise CorruptEntry if it cannot be read."""
        return self._index.read(lambda index: self._find(index, key), None)

    def find_many(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those keys that there are; one that cannot be read is left out."""
        found: dict[str, Entry] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), _AT_ONCE):
            some, nothing = wanted[start : start + _AT_ONCE], dict[str, Entry]()
            found |= self._index.read(partial(self._find_some, some), nothing)
        return found

    def find_range(self, first: str, end: str, most: int) -> dict[str, Entry]:
        """Return entries whose keys sort from *first* to before *end*, at most so many."""
        rows: list[Any] = self._index.read(
            lambda index: index.execute(_RANGE, (first, end, most)).fetchall(), []
        )
        found: dict[str, Entry] = {}
        for row in rows:
            with suppress(CorruptEntry):
                found[row[0]] = self.of(row)
        return found

    def keys(self) -> list[str]:
        """Return every key, in order."""
        rows: list[Any] = self._index.read(lambda index: index.execute(_KEYS).fetchall(), [])
        return [str(key) for (key,) in rows]

    def scan(self) -> Iterator[Entry | CorruptEntry]:
        """Yield every entry, with an error in place of one that cannot be read."""
        rows: list[Any] = self._index.read(lambda index: index.execute(_ALL).fetchall(), [])
        for row in rows:
            try:
                yield self.of(row)
            except CorruptEntry as error:
                yield error

    def of(self, row: tuple[Any, ...]) -> Entry:
        """Return the entry that a row of the index is; raise CorruptEntry if it cannot be read."""
        *_, used, _, _, inline, seal = row
        is_readable = type(used) is float and (inline is None or type(inline) is bytes)
        if not is_readable or seal_of(*row[:6], *row[7:9]) != seal:
            raise CorruptEntry(str(row[0]), str(self._index.path))
        return Entry(*row[:-1])

    def _find(self, index: sqlite3.Connection, key: str) -> Entry | None:
        version = self._index.version(index)
        entry = self._remembered.find(key, version)
        if entry is None:
            row = index.execute(_ONE, (key,)).fetchone()
            if row is not None:
                entry = self.of(row)
                self._remembered.add(entry, version)
        return entry

    def _find_some(self, keys: Sequence[str], index: sqlite3.Connection) -> dict[str, Entry]:
        version = self._index.version(index)
        found = {key: self._remembered.find(key, version) for key in keys}
        unknown = [key for key, entry in found.items() if entry is None]
        query = _SOME.format(", ".join("?" * len(unknown)))
        for row in index.execute(query, unknown).fetchall() if unknown else ():
            with suppress(CorruptEntry):
                entry = found[row[0]] = self.of(row)
                self._remembered.add(entry, version)
        return {key: entry for key, entry in found.items() if entry is not None}


class _Remembered:
    """Entries that were read at one version of an index; the lock of that one guards them."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._version: object = None
        self._size = 0

    def find(self, key: str, version: object) -> Entry | None:
        """Return the entry of a key, if it was read at this version."""
        if version is None or version != self._version:
            self._forget(version)
            return None
        return self._entries.get(key)

    def add(self, entry: Entry, version: object) -> None:
        """Remember an entry; the version was asked for before it was read."""
        if version is None:
            return
        if self._size > _MOST_BYTES:
            self._forget(version)
        self._entries[entry.key] = entry
        self._size += _BYTES_EACH + len(entry.inline or b"")

    def _forget(self, version: object) -> None:
        self._entries.clear()
        self._version, self._size = version, 0
