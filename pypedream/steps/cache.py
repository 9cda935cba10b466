"""Cache: what steps computed in one folder, found again by its key; errors are kept as well.

It is the store of the library: one index for the folder, results that are compared with their
digests, claims so that of all who want one result one computes it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from pypedream.errors import CorruptEntry, StoreError
from pypedream.steps.failures import error_of
from pypedream.steps.given import Given
from pypedream.steps.ram import UNCHANGING
from pypedream.store import trust
from pypedream.store.corruption import Damaged
from pypedream.store.entry import NO_METADATA
from pypedream.store.location import FOLDER
from pypedream.store.opened import OpenStore
from pypedream.store.recalling import recall

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pypedream.steps.writing import Writing
    from pypedream.store.entry import Entry

__all__ = ["ERROR", "PICKLES", "Cache", "Reference", "Unkept", "cache_of", "is_error", "is_in_file"]

ERROR: Final = "error"
"""What an entry has among its metadata that holds an error in place of a value."""

PICKLES: Final = ("pickle", "joblib")
"""The formats that name the classes of what is in them."""

_INDEX = "index.db"
_MOST_OPEN = 16
_MOST_GIVEN = 8
_SMALL, _MOST_PLAIN = 200, 50_000
_MISSING: Final = object()


class Unkept(StoreError):
    """A result cannot be kept; the text says why."""


class Cache:
    """The results in one folder.

    Parameters
    ----------
    folder
        The folder of an ``infra``.
    readonly
        Change nothing.
    """

    def __init__(self, folder: str, *, readonly: bool = False) -> None:
        self.folder = folder
        self.location = os.path.join(folder, FOLDER)
        self._index = os.path.join(self.location, _INDEX)
        self._readonly = readonly
        self._opened: OpenStore | None = None
        self._plain: dict[tuple[str, str], Any] = {}  # numbers and short texts, by their content
        self._given: OrderedDict[bytes, Given] = OrderedDict()

    @property
    def store(self) -> OpenStore:
        """The store; it is made when something is to be written.

        Raises
        ------
        StoreError
            If there is one that may only be read, and that was not asked for.
        """
        if self._opened is None:
            if not self._readonly and _is_write_protected(self._index):
                raise StoreError(
                    f"nothing may be written to {self.folder}, the folder of an infra: say"
                    ' infra={..., "mode": "read-only"} to use what is kept there, or choose'
                    " another folder"
                )
            self._opened = OpenStore(self.location, readonly=self._readonly)
        return self._opened

    def is_there(self) -> bool:
        """Say whether there is anything to look for."""
        if os.path.exists(self._index):
            return True
        if self._opened is not None:  # somebody removed the folder
            self._opened.close()
            self._opened = None
        return False

    def find(self, keys: Collection[str]) -> dict[str, Entry]:
        """Return what is kept under those keys that have a result or an error."""
        if not keys or not self.is_there():
            return {}
        backend = self.store.backend
        if len(keys) > 1:
            return backend.find_many(keys)
        (key,) = keys
        with suppress(CorruptEntry):  # it is as if there were none
            entry = backend.find(key)
            return {} if entry is None else {key: entry}
        return {}

    def load(self, entry: Entry) -> Any:
        """Return the value of an entry; raise an error that was kept in place of one.

        Raises
        ------
        Damaged
            If it is not what was kept; it has been set aside.
        """
        known = self._plain.get((entry.serializer, entry.digest), _MISSING)
        if known is not _MISSING:
            return known
        store = self.store
        trust.check(entry, store.backend, allow_pickle=False, serializer=None)
        try:
            value = recall(store.contents, entry)
        except Damaged as damage:
            store.damaged(entry, damage.reason)
            raise
        if is_error(entry):
            raise error_of(value)
        if type(value) in UNCHANGING and entry.size < _SMALL and len(self._plain) < _MOST_PLAIN:
            self._plain[entry.serializer, entry.digest] = value
        return value

    def value(self, entry: Entry) -> Any:
        """Return the value of an entry for who cannot compute it again.

        Raises
        ------
        StoreError
            If it is not what was kept.
        """
        try:
            return self.load(entry)
        except Damaged as damage:
            told = f"a result in {self.folder} is {damage.reason}: run the step again"
            raise StoreError(told) from None

    def given(self, position: bytes) -> Given:
        """Return what was given at a position of a chain, as far as it holds now."""
        given = self._given.pop(position, None) or Given()
        self._given[position] = given
        if len(self._given) > _MOST_GIVEN:
            self._given.popitem(last=False)
        given.begin(self.store.backend.state() if self.is_there() else None)
        return given

    def used(self, entries: Collection[Entry]) -> None:
        """Take note that entries were used."""
        self.store.touch(*entries)

    def keys(self, start: str) -> list[str]:
        """Return the keys that begin with *start*, in order."""
        names = self.store.backend.keys() if self.is_there() else []
        return [name for name in names if name.startswith(start)]

    def remove(self, keys: Collection[str]) -> None:
        """Remove what is kept under keys, if anything is."""
        if keys and self.is_there():
            backend = self.store.backend
            with backend.batch():
                for key in keys:
                    backend.remove(key)

    def writing(self, secrets: Sequence[str] = ()) -> AbstractContextManager[Writing]:
        """Give what keeps results; of small ones that come fast it writes many at a time.

        What has one of the *secrets* in it is not kept.
        """
        from pypedream.steps.writing import Writing  # who finds all that is kept needs it not

        self.is_there()
        return Writing(self.store.backend, secrets)

    def claim(
        self, keys: Sequence[str], is_idle: Callable[[], bool] = bool
    ) -> AbstractContextManager[set[str]]:
        """Hold the right to compute for a block, as far as nobody else has it; give which.

        While it *is idle* there others may have it after a while.
        """
        from pypedream.store.claims import claim_free

        self.is_there()
        return claim_free(self.store.backend, keys, is_idle)

    def is_running(self, key: str) -> bool:
        """Say whether somebody computes a result now."""
        from pypedream.store.claims import is_live

        lease = self.store.backend.lease(key) if self.is_there() else None
        return lease is not None and is_live(lease)


def _is_write_protected(path: str) -> bool:
    """Say whether a file is there that this process may not write."""
    is_effective = os.access in os.supports_effective_ids
    is_there = os.access(path, os.F_OK, effective_ids=is_effective)
    return is_there and not os.access(path, os.W_OK, effective_ids=is_effective)


def is_error(entry: Entry) -> bool:
    """Say whether an error was kept in place of a value."""
    if entry.metadata_json == NO_METADATA:
        return False
    return ERROR in entry.metadata.get("additional_metadata", {})


_open: Final[OrderedDict[tuple[str, bool], Cache]] = OrderedDict()
_lock = Lock()


def cache_of(folder: str | os.PathLike[str], *, readonly: bool = False) -> Cache:
    """Return what this process has open of a folder; the last few stay open."""
    place = os.fspath(folder)
    wanted = (place if place[:1] == "/" else os.path.abspath(place), readonly)
    with _lock:
        cache = _open.get(wanted)
        if cache is None:
            cache = _open[wanted] = Cache(wanted[0], readonly=readonly)
            if len(_open) > _MOST_OPEN:
                _open.popitem(last=False)
        return cache


def is_in_file(path: Path, text: bytes) -> bool:
    """Say whether some bytes are in a file, which is not empty."""
    from mmap import ACCESS_READ, mmap

    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(text) >= 0


@frozen
class Reference:
    """A result that is kept, to be read where it is needed."""

    folder: str
    key: str
    readonly: bool = False
    entry: Entry | None = field(default=None, eq=False, repr=False)

    def read(self) -> Any:
        """Return its value.

        Raises
        ------
        StoreError
            If it is not there any more.
        """
        cache = cache_of(self.folder, readonly=self.readonly)
        entry = self.entry or cache.find([self.key]).get(self.key)
        if entry is None:
            raise StoreError(f"a result is gone from {self.folder} that was there: run again")
        return cache.value(entry)

    def is_of_main(self) -> bool:
        """Say whether its value is of a script or a notebook, which no other process can read."""
        cache = cache_of(self.folder, readonly=self.readonly)
        entry = self.entry or cache.find([self.key]).get(self.key)
        if entry is None or entry.serializer not in PICKLES:
            return False
        with suppress(Damaged), cache.store.contents.file(entry) as path:
            return is_in_file(path, b"__main__")
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        return Reference, (self.folder, self.key, self.readonly)
