"""What a place for entries looks like, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pypedream.errors import CorruptEntry
    from pypedream.store.entry import Entry
    from pypedream.store.owner import Owner

__all__ = ["Backend", "Lease"]


@frozen(repr=False)
class Lease:
    """The right of one call to compute what a name stands for.

    Attributes
    ----------
    token
        Stands for the call; a process may make several at once.
    until
        Unix time after which the lease counts for nothing.
    """

    token: str
    owner: Owner
    until: float


class Backend(Protocol):
    """A folder, or what is behind a URL; `tests/store/test_backends.py` says what it promises."""

    location: str
    is_local: bool

    def find(self, key: str) -> Entry | None:
        """Return an entry, or None; raise CorruptEntry if it cannot be read."""

    def find_many(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those keys that there are; one that cannot be read is left out."""

    def state(self) -> object:
        """Return what is another after any change to the entries; None if that is not known."""

    def keys(self) -> list[str]:
        """Return every key, in order."""

    def scan(self) -> Iterator[Entry | CorruptEntry]:
        """Yield every entry, with an error in place of one that cannot be read."""

    def staged(self) -> AbstractContextManager[Path]:
        """Give a path on this machine to write content to; what is left there is removed."""

    def add(self, entry: Entry, content: Path | None, *, replace: bool) -> Entry:
        """Store an entry and its content; return the entry that is then there.

        *content* is a file at a staged path, or None if the entry holds it. Without *replace* an
        entry that is there stays.
        """

    def blob(self, entry: Entry) -> Path | None:
        """Return the file with the content, if it is on this machine."""

    def fetch(self, entry: Entry, path: Path) -> None:
        """Copy the content to a new file; raise FileNotFoundError if there is none."""

    def blob_name(self, entry: Entry) -> str:
        """Return where the content is, for people."""

    def remove(self, key: str) -> bool:
        """Remove an entry; say whether it was there."""

    def quarantine(self, entry: Entry) -> None:
        """Set the content of an entry aside, if the entry is still the one that is there."""

    def touch(self, entry: Entry, now: float) -> None:
        """Record that an entry was used."""

    def sweep(self, *, dry_run: bool) -> int:
        """Remove what no entry needs; return how many bytes that is."""

    def batch(self) -> AbstractContextManager[None]:
        """Make what is added inside durable together."""

    def lease(self, name: str) -> Lease | None:
        """Return the lease of a name, whether it is live or not."""

    def take(self, name: str, lease: Lease, instead_of: Lease | None) -> bool:
        """Take a lease if it is free or still *instead_of*; of several who try one succeeds."""

    def take_free(self, names: Sequence[str], lease: Lease) -> set[str]:
        """Take the lease of each name that has none; return those names."""

    def renew(self, name: str, lease: Lease) -> None:
        """Write a new end into a lease, if it is still ours."""

    def renew_all(self, names: Collection[str], lease: Lease) -> None:
        """Write a new end into several leases of one token."""

    def release(self, name: str, token: str) -> None:
        """Give a lease back, if it is still ours."""

    def release_all(self, names: Collection[str], token: str) -> None:
        """Give several leases of one token back."""

    def leases(self) -> list[Lease]:
        """Return the leases that are there, live or not."""

    def close(self) -> None:
        """Let go of files."""
