"""OpenStore: a store that is open, and how a key of it becomes a value."""

from __future__ import annotations

from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import CorruptEntry, MissingEntry, ReadOnlyStore, StoreError
from pypedream.names import did_you_mean
from pypedream.store import trust
from pypedream.store.contents import Contents
from pypedream.store.corruption import Damaged, warn
from pypedream.store.location import backend_at
from pypedream.store.recalling import recall

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from pypedream.store.entry import Entry

__all__ = ["Found", "OpenStore"]

_HOUR_S = 3600


@frozen(eq=False, repr=False)
class Found:
    """A value, which may be None."""

    value: Any


class OpenStore:
    """What every store has, whatever is done with it: a place, and perhaps another store behind it.

    Parameters
    ----------
    path, readonly, storage_options, is_shared, allow_pickle, on_corrupt
        As `CacheStore` has them.

    Attributes
    ----------
    backend
        Where entries are.
    contents
        What they hold.
    remote
        Where what is not here is looked for.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        readonly: bool,
        storage_options: Mapping[str, Any] | None = None,
        is_shared: bool = False,
        allow_pickle: bool = False,
        on_corrupt: Callable[[Entry, str], object] = warn,
    ) -> None:
        self.readonly = readonly
        self.allow_pickle = allow_pickle
        self.backend = backend_at(
            path, readonly=readonly, is_shared=is_shared, storage_options=storage_options
        )
        self.contents = Contents(self.backend)
        self.remote: OpenStore | None = None
        self._on_corrupt = on_corrupt

    @property
    def location(self) -> str:
        """The folder or URL of the store."""
        return self.backend.location

    def __repr__(self) -> str:
        return f"<CacheStore {self.location}{', read-only' if self.readonly else ''}>"

    def keys(self) -> list[str]:
        """Return every key, in order; those of the remote store as well."""
        ours = self.backend.keys()
        return ours if self.remote is None else sorted({*ours, *self.remote.keys()})

    def look(
        self, key: object, serializer: str | None, load_kwargs: Mapping[str, Any] | None
    ) -> Found | None:
        """Return a value, wherever it is; None if it is not there or damaged."""
        if not isinstance(key, str):
            return None
        found = self._found_here(key, serializer, load_kwargs)
        if found is not None or self.remote is None:
            return found
        if self.readonly:
            return self.remote.look(key, serializer, load_kwargs)
        from pypedream.store.transfer import copy_missing

        is_copied = copy_missing(self.remote, self, [key])
        return self._found_here(key, serializer, load_kwargs) if is_copied else None

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those keys that there are, faster than one by one.

        What is damaged is set aside and left out.

        Raises
        ------
        UnsafePayload
            If one is a pickle that somebody else may have written.
        """
        wanted = dict.fromkeys(keys)
        entries = self.backend.find_many(wanted)
        found: dict[str, Found | None] = {}
        for key in wanted:
            if key in entries:
                found[key] = self._found(entries[key], None, None)
            elif self.remote is not None:
                found[key] = self._found_or_damaged(key)
        self.touch(*entries.values())
        return {key: one.value for key, one in found.items() if one is not None}

    def _found_here(
        self, key: str, serializer: str | None, load_kwargs: Mapping[str, Any] | None
    ) -> Found | None:
        entry = self.backend.find(key)
        if entry is None:
            return None
        found = self._found(entry, serializer, load_kwargs)
        if found is not None:
            self.touch(entry)
        return found

    def _found(
        self, entry: Entry, serializer: str | None, load_kwargs: Mapping[str, Any] | None
    ) -> Found | None:
        trust.check(entry, self.backend, allow_pickle=self.allow_pickle, serializer=serializer)
        try:
            value = recall(self.contents, entry, serializer=serializer, load_kwargs=load_kwargs)
        except Damaged as damage:
            self.damaged(entry, damage.reason)
            return None
        return Found(value)

    def touch(self, *entries: Entry) -> None:
        """Record that entries were used, unless that is known for the last hour."""
        now = time()
        old = [entry for entry in entries if now - entry.used > _HOUR_S]
        if old and not self.readonly:
            # A full disk is no reason not to read: what is lost is only when it was used last.
            with suppress(StoreError), self.backend.batch():
                for entry in old:
                    self.backend.touch(entry, now)

    def _found_or_damaged(self, key: str) -> Found | None:
        try:
            return self.look(key, None, None)
        except CorruptEntry:
            return None

    def damaged(self, entry: Entry, reason: str) -> None:
        """Set damaged content aside and say so."""
        if not self.readonly:
            self.backend.quarantine(entry)
        self._on_corrupt(entry, reason)

    def close(self) -> None:
        """Let go of files; the store can still be used and opens them again."""
        self.backend.close()
        if self.remote is not None:
            self.remote.close()

    def _check_writable(self) -> None:
        if self.readonly:
            raise ReadOnlyStore(self.location)

    def _missing(self, key: object) -> MissingEntry:
        text = str(key)
        near = did_you_mean(text, self.keys())
        return MissingEntry(f'the store {self.location} has no "{text}"{near}')
