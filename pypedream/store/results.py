"""Results: what calls gave, each under a key that stands for all that it depends on."""

from __future__ import annotations

import json
import os
from time import time
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from pypedream.errors import CorruptEntry, StoreError
from pypedream.store.claims import claimed
from pypedream.store.corruption import Damaged
from pypedream.store.folder import Folder
from pypedream.store.location import FOLDER
from pypedream.store.marks import mark_of
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from pypedream.store.backend import Backend
    from pypedream.store.cache_store import CacheStore
    from pypedream.store.claims import Claim
    from pypedream.store.entry import Entry

__all__ = ["COMMITTED", "FOLDER", "Result", "Results", "Unstorable"]

COMMITTED = "committed"
"""Stands for the run of a result that no run computed: somebody said that it is one."""

_PREFIX = "result/"


class Unstorable(Exception):
    """No format can hold a value; the text says why."""


@frozen(eq=False, repr=False)
class Result:
    """One result that is kept.

    Attributes
    ----------
    key
        What it is kept under: 64 hex digits, or any other name without a slash at the ends.
    identity
        Says what the value is: equal for equal values.
    about
        What was recorded with it.
    unchanged
        Why it may be taken over, as a phrase.
    """

    key: str
    identity: str
    about: Mapping[str, Any] = field(repr=False)
    entry: Entry = field(repr=False)
    unchanged: str = field(repr=False)


class Results:
    """The results that a workspace keeps.

    Parameters
    ----------
    workspace
        The folder of the workspace.
    readonly
        Change nothing; a store that is not there yet is empty then.

    Attributes
    ----------
    is_unreadable
        Whether its index is damaged, so that nothing can be found.
    """

    def __init__(self, workspace: str | os.PathLike[str], *, readonly: bool = False) -> None:
        self.location = os.path.join(workspace, FOLDER)
        self._readonly = readonly
        self._opened: CacheStore | None = None
        self._found_in: Folder | None = None
        self._fetched: dict[str, Entry] = {}
        self.is_unreadable = False

    @property
    def _store(self) -> CacheStore:
        """The store; it is opened, and made, when it is first needed."""
        if self._opened is None:
            from pypedream.store.cache_store import CacheStore

            self._opened = CacheStore(
                self.location, readonly=self._readonly, on_duplicate_key="overwrite"
            )
        return self._opened

    def store(self) -> CacheStore:
        """Return the store that holds them."""
        return self._store

    @property
    def _index(self) -> Backend:
        """Where results are found; to look for them takes less than to read or write one."""
        if self._opened is not None or not self._readonly:
            return self._store.backend
        if self._found_in is None:
            self._found_in = Folder(self.location, readonly=True)
        return self._found_in

    def mark(self) -> object:
        """Return what differs after any change of the index; None where that cannot be told."""
        seen = mark_of(self.location)
        return None if seen is None else (self.location, *seen)

    def find(self, key: str) -> Result | None:
        """Return the result for a key; None if there is none, or its entry cannot be read."""
        if self.is_unreadable:
            return None
        entry = self._fetched.get(_PREFIX + key)
        if entry is None:
            try:
                entry = self._index.find(_PREFIX + key)
            except CorruptEntry:
                return None
        return None if entry is None else _result(key, entry)

    def find_many(self, keys: Sequence[str]) -> dict[str, Result]:
        """Return the results for those keys that have one, by key."""
        if self.is_unreadable or not keys:
            return {}
        entries = self._index.find_many([_PREFIX + key for key in keys])
        found = ((key, entries.get(_PREFIX + key)) for key in keys)
        return {key: _result(key, entry) for key, entry in found if entry is not None}

    def batch(self) -> AbstractContextManager[None]:
        """Make what is kept inside durable together: many small results then cost less."""
        return self._store.batch()

    def fetch(self, most: int) -> None:
        """Read up to so many results at once, for those who will look for many at this moment."""
        if not self.is_unreadable and isinstance(self._index, Folder):
            self._fetched = self._index.find_range(f"{_PREFIX}0", f"{_PREFIX}g", most)

    def load(self, result: Result) -> Any:
        """Return the value of a result.

        Raises
        ------
        Damaged
            If it is not what was kept; it has been set aside, and a warning says so.
        UnsafePayload
            If it is a pickle that somebody else may have written.
        """
        from pypedream.store import trust
        from pypedream.store.recalling import recall

        store = self._store
        trust.check(result.entry, store.backend, allow_pickle=False, serializer=None)
        try:
            return recall(store.contents, result.entry)
        except Damaged as damage:
            store.damaged(result.entry, damage.reason)
            raise

    def keep(self, key: str, value: Any, about: Mapping[str, Any], duration_s: float) -> int:
        """Keep a value under a key, in place of what is there; return its size in bytes.

        Raises
        ------
        Unstorable
            If no format can hold it.
        StoreError
            If it cannot be written.
        """
        from pypedream.store.recording import Manner, record

        backend, manner = self._store.backend, Manner("auto", {}, dict(about))
        try:
            name = _PREFIX + key
            return record(backend, name, value, manner, replace=True, duration_s=duration_s).size
        except (OSError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error.__cause__, OSError):
                raise StoreError(f"cannot write the store {self.location}: {error}") from error
            raise Unstorable(one_line(str(error)) or type(error).__name__) from error

    def keep_as(self, key: str, result: Result, about: Mapping[str, Any]) -> None:
        """Keep the value of a result under another key as well.

        Parameters
        ----------
        about
            What to record besides that which is recorded of the result.
        """
        from pypedream.store import trust

        entry, name, now = result.entry, _PREFIX + key, time()
        metadata = {**entry.metadata, "additional_metadata": {**result.about, **about}}
        copy = evolve(
            entry,
            key=name,
            metadata_json=json.dumps(metadata, sort_keys=True),
            created=now,
            used=now,
            signature=trust.signature_of(name, entry.serializer, entry.digest),
        )
        self._store.backend.add(copy, None, replace=True)

    def claim(self, key: str, wait_timeout: float | None = None) -> Claim:
        """Hold the right to compute a result for a block; look again for it inside."""
        return claimed(self._store.backend, _PREFIX + key, wait_timeout=wait_timeout)

    def close(self) -> None:
        """Let go of files."""
        for one in (self._opened, self._found_in):
            if one is not None:
                one.close()


def _result(key: str, entry: Entry) -> Result:
    about = entry.metadata.get("additional_metadata", {})
    run = about.get("run")
    unchanged = (
        "unchanged since it was committed" if run == COMMITTED else f"unchanged since run {run}"
    )
    return Result(key, about.get("identity", entry.digest), about, entry, unchanged)
