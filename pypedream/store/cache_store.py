"""CacheStore: values under a key, in a folder or behind any fsspec URL."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from pypedream.errors import CorruptEntry, DuplicateKey
from pypedream.names import did_you_mean
from pypedream.store.claims import claimed
from pypedream.store.corruption import warn
from pypedream.store.keys import checked_key
from pypedream.store.opened import OpenStore
from pypedream.store.recording import Manner, offer, record

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pypedream.store.artifact import Artifact
    from pypedream.store.claims import Claim
    from pypedream.store.entry import Entry
    from pypedream.store.opened import Found
    from pypedream.store.pruning import Checked, Pruned

__all__ = ["CacheStore"]

_POLICIES = ("skip", "overwrite", "raise_error")


class CacheStore(OpenStore):
    """Values that are kept under a key, for this process and later ones.

    Any number of threads and processes may use one store at a time. What is read is compared with
    its digest first; what does not match is set aside, reported, and counts as absent.

    Parameters
    ----------
    path
        A folder, or any URL of fsspec as "s3://bucket/folder" (needs the extra ``store`` and the
        driver of that system). By default a folder of your own among the temporary files.
    readonly
        Change nothing at all; what would raises `ReadOnlyStore`.
    on_duplicate_key
        What `put` does with a key that is there: "skip" leaves it, "overwrite" replaces it,
        "raise_error" raises `DuplicateKey`.
    storage_options
        What fsspec opens the file system with.
    remote
        The URL or folder of another store: what is not in this one is looked for there and copied;
        `push` and `pull` copy what is asked for.
    remote_options
        What fsspec opens the file system of *remote* with.
    shared
        Whether the group may read and write the folder, too.
    allow_pickle
        Read pickles though somebody else may have written them.
    on_corrupt
        Called with an entry and "missing", "truncated" or "changed" when its content is damaged;
        by default there is a `CorruptEntryWarning`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> store = CacheStore(mkdtemp())
    >>> store.put("foo", [1, 2, 3])
    [1, 2, 3]
    >>> store.keys(), store.get("foo")
    (['foo'], [1, 2, 3])
    """

    remote: CacheStore | None

    def __init__(
        self,
        path: str | os.PathLike[str] = "/tmp",  # noqa: S108 - `folder_of` makes it a private one
        readonly: bool = False,
        on_duplicate_key: Literal["skip", "overwrite", "raise_error"] = "skip",
        storage_options: Mapping[str, Any] | None = None,
        *,
        remote: str | os.PathLike[str] | None = None,
        remote_options: Mapping[str, Any] | None = None,
        shared: bool = False,
        allow_pickle: bool = False,
        on_corrupt: Callable[[Entry, str], object] = warn,
    ) -> None:
        policy = str(getattr(on_duplicate_key, "value", on_duplicate_key))
        if policy not in _POLICIES:
            near = did_you_mean(policy, _POLICIES) or f"; there are {', '.join(_POLICIES)}"
            raise ValueError(f'on_duplicate_key="{policy}" is not known{near}')
        super().__init__(
            path,
            readonly=readonly,
            storage_options=storage_options,
            is_shared=shared,
            allow_pickle=allow_pickle,
            on_corrupt=on_corrupt,
        )
        self.on_duplicate_key = policy
        if remote is not None:
            self.remote = CacheStore(
                remote,
                readonly,
                storage_options=remote_options,
                allow_pickle=allow_pickle,
                on_corrupt=on_corrupt,
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        try:
            if self.backend.find(key) is not None:
                return True
        except CorruptEntry:
            return True  # reading it says what is wrong
        return self.remote is not None and key in self.remote

    def get(
        self,
        key: str,
        serializer: str | None = None,
        load_kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value for a key.

        Parameters
        ----------
        serializer
            What to read it with; None or "auto" is what it was written with.
        load_kwargs
            More arguments for that serializer.

        Raises
        ------
        MissingEntry
            If there is none (a KeyError), or it is damaged and has been set aside.
        CorruptEntry
            If the entry itself cannot be read.
        UnsafePayload
            If it is a pickle that somebody else may have written.
        """
        name = None if serializer in (None, "auto") else serializer
        found = self.look(key, name, load_kwargs)
        if found is None:
            raise self._missing(key)
        return found.value

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def put(
        self,
        key: str,
        value: Any,
        serializer: str = "auto",
        dump_kwargs: Mapping[str, Any] | None = None,
        additional_metadata: Mapping[str, Any] | None = None,
    ) -> Any:
        """Store a value and return what is then stored.

        Parameters
        ----------
        serializer
            The name of a format; "auto" chooses one by the type of the value.
        dump_kwargs
            More arguments for that format; they are recorded.
        additional_metadata
            What else to record: anything that JSON can hold.

        Returns
        -------
        *value*; or with ``on_duplicate_key="skip"``, the value that has been there.

        Raises
        ------
        DuplicateKey
            If there is one and ``on_duplicate_key="raise_error"``.
        InvalidKey, ReadOnlyStore
            If nothing can be stored under that key, or at all.
        """
        self._check_writable()
        checked_key(key)
        if self.on_duplicate_key != "overwrite":
            there = self._kept(key)
            if there is not None:
                return there.value
        manner = Manner.of(serializer, dump_kwargs, additional_metadata)
        replace = self.on_duplicate_key == "overwrite"
        _, is_ours = offer(self.backend, key, value, manner, replace=replace)
        if is_ours:
            return value
        there = self._kept(key)  # somebody was faster
        return value if there is None else there.value

    def __setitem__(self, key: str, value: Any) -> None:
        self.put(key, value)

    def delete(self, key: str, dry_run: bool = True) -> bool:
        """Delete a key and its value; with *dry_run* only check that it could be.

        Returns
        -------
        Whether something was deleted.

        Raises
        ------
        MissingEntry
            If there is no such key in this store; the remote one is left alone.
        """
        self._check_writable()
        if dry_run:
            there = self.backend.keys()
            if key not in there:
                raise self._missing(key)
            return False
        if not self.backend.remove(key):
            raise self._missing(key)
        return True

    def __delitem__(self, key: str) -> None:
        self.delete(key, dry_run=False)

    def get_artifact(self, key: str) -> Artifact:
        """Return what is recorded of a value.

        Raises
        ------
        MissingEntry
            If there is no such key.
        CorruptEntry
            If the entry cannot be read.
        """
        from pypedream.store.artifact import Artifact

        entry = self.backend.find(key)
        if entry is not None:
            return Artifact.of(entry)
        if self.remote is not None:
            return self.remote.get_artifact(key)
        raise self._missing(key)

    def once(
        self,
        key: str,
        compute: Callable[[], Any],
        *,
        serializer: str = "auto",
        dump_kwargs: Mapping[str, Any] | None = None,
        additional_metadata: Mapping[str, Any] | None = None,
        wait_timeout: float | None = None,
    ) -> Any:
        """Return the value for a key; if there is none, compute and store it.

        Of all threads and processes that ask for a key at a time one computes it.

        Parameters
        ----------
        wait_timeout
            Seconds to wait for another one's work before doing it as well. None waits until it
            is done or that process is gone.
        """
        found = self._found_or_damaged(key)
        if found is not None:
            return found.value
        self._check_writable()
        checked_key(key)
        manner = Manner.of(serializer, dump_kwargs, additional_metadata)
        with claimed(self.backend, key, wait_timeout=wait_timeout):
            found = self._found_or_damaged(key)
            if found is not None:
                return found.value
            start = monotonic()
            value = compute()
            took = monotonic() - start
            record(self.backend, key, value, manner, replace=True, duration_s=took)
            return value

    def claim(self, key: str, *, wait_timeout: float | None = None) -> Claim:
        """Hold the right to compute a key for a block; look inside whether it is there now."""
        self._check_writable()
        return claimed(self.backend, checked_key(key), wait_timeout=wait_timeout)

    def batch(self) -> AbstractContextManager[None]:
        """Store many small values faster: what is put in the block is committed together.

        Others cannot write meanwhile, so nothing long should be computed in it.
        """
        return self.backend.batch()

    def push(self, keys: Iterable[str] | None = None) -> list[str]:
        """Copy values to the remote store; return the keys of those that were not there."""
        from pypedream.store.transfer import copy_missing

        return copy_missing(self, self._remote(), keys)

    def pull(self, keys: Iterable[str] | None = None) -> list[str]:
        """Copy values from the remote store; return the keys of those that were not here."""
        from pypedream.store.transfer import copy_missing

        return copy_missing(self._remote(), self, keys)

    def gc(
        self,
        *,
        max_size: int | None = None,
        max_age: float | None = None,
        keep_last: int | None = None,
        dry_run: bool = False,
        pinned: Collection[str] = (),
    ) -> Pruned:
        """Delete what was not used for longest, and what crashes left behind.

        Parameters
        ----------
        max_size
            Bytes that may stay.
        max_age
            Seconds since the last use after which a value goes.
        keep_last
            How many values stay in any case, those used last. Without the other two everything
            else goes.
        dry_run
            Only say what would go.
        pinned
            Keys of values that stay in any case. Their sizes count, their number does not.

        Raises
        ------
        StoreError
            If somebody is computing a value for this store.
        """
        from pypedream.store.pruning import prune

        if not dry_run:
            self._check_writable()
        return prune(
            self.backend,
            max_size=max_size,
            max_age=max_age,
            keep_last=keep_last,
            dry_run=dry_run,
            pinned=frozenset(pinned),
        )

    def verify(self) -> list[Checked]:
        """Compare every value with its digest; nothing is changed."""
        from pypedream.store.pruning import verify

        return verify(self.backend)

    def path(self, key: str) -> str:
        """Return where the content of a value is: to look at, not to change.

        Raises
        ------
        MissingEntry
            If there is no such key.
        """
        entry = self.backend.find(key)
        if entry is None:
            raise self._missing(key)
        return self.backend.blob_name(entry)

    def _remote(self) -> CacheStore:
        if self.remote is None:
            raise ValueError("this store has no remote one: open it with remote=URL")
        return self.remote

    def _kept(self, key: str) -> Found | None:
        """Return what is there and stays; None if there is nothing that can be read."""
        if self.on_duplicate_key == "skip":
            return self._found_or_damaged(key)
        if key in self:
            raise DuplicateKey(
                f'the store {self.location} has "{key}" already: choose another key, delete it,'
                ' or open the store with on_duplicate_key="overwrite"'
            )
        return None
