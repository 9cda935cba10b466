"""Remembered: entries that were read, for as long as nobody has changed the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypedream.store.entry import Entry

__all__ = ["Remembered"]

_MOST_BYTES = 32 * 1024 * 1024
_BYTES_EACH = 1000  # about what an entry takes apart from its content


class Remembered:
    """The entries of one index that were read at one version of it; its lock guards them."""

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
        """Remember an entry that was read after the version was asked for, or not before long."""
        if version is None or version != self._version:
            return
        if self._size > _MOST_BYTES:
            self._forget(version)
        self._entries[entry.key] = entry
        self._size += _BYTES_EACH + len(entry.inline or b"")

    def _forget(self, version: object) -> None:
        self._entries.clear()
        self._version, self._size = version, 0
