"""Pruning: what of a store may go, and whether what stays is whole."""

from __future__ import annotations

from itertools import count
from time import time
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import CorruptEntry, StoreError
from pypedream.store.claims import is_live
from pypedream.store.contents import Contents
from pypedream.store.corruption import Damaged

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pypedream.store.backend import Backend
    from pypedream.store.entry import Entry

__all__ = ["Checked", "Pruned", "prune", "verify"]


@frozen
class Checked:
    """What became of comparing one entry with its digest.

    Attributes
    ----------
    state
        "ok", "missing" or "corrupt".
    reason
        What is wrong; "" if nothing is.
    size
        Bytes of content.
    """

    key: str
    state: str
    reason: str
    size: int


@frozen
class Pruned:
    """What was deleted, or would be.

    Attributes
    ----------
    keys
        The keys, those not used for longest first.
    freed_bytes
        Their content, and what crashes left behind.
    kept
        How many entries stay.
    """

    keys: tuple[str, ...]
    freed_bytes: int
    kept: int


def prune(
    backend: Backend,
    *,
    max_size: int | None,
    max_age: float | None,
    keep_last: int | None,
    dry_run: bool,
    pinned: Collection[str] = (),
) -> Pruned:
    """Delete entries by their last use; `CacheStore.gc` says how.

    Raises
    ------
    StoreError
        If somebody holds a claim; not with *dry_run*.
    """
    limits = {"max_size": max_size, "max_age": max_age, "keep_last": keep_last}
    for name, limit in limits.items():
        if limit is not None and limit < 0:
            raise ValueError(f"{name}={limit} is negative")
    if not dry_run:
        _check_idle(backend)
    entries = [entry for entry in backend.scan() if not isinstance(entry, CorruptEntry)]
    entries.sort(key=lambda entry: (entry.used, entry.created), reverse=True)
    # What is pinned is counted first, so that it leaves less room for the rest.
    entries.sort(key=lambda entry: entry.key not in pinned)
    going = _going(entries, max_size=max_size, max_age=max_age, keep_last=keep_last, pinned=pinned)
    if not dry_run:
        for entry in going:
            backend.remove(entry.key)
    freed = sum(entry.size for entry in going) + backend.sweep(dry_run=dry_run)
    return Pruned(tuple(entry.key for entry in going), freed, len(entries) - len(going))


def verify(backend: Backend) -> list[Checked]:
    """Compare every entry with its digest; nothing is changed."""
    contents = Contents(backend)
    return [_checked(contents, entry) for entry in backend.scan()]


def _check_idle(backend: Backend) -> None:
    live = [lease for lease in backend.leases() if is_live(lease)]
    if live:
        who = ", ".join(sorted({f"process {lease.owner.pid}" for lease in live}))
        raise StoreError(f"the store {backend.location} is being written to by {who}: wait for it")


def _going(
    entries: Sequence[Entry],
    *,
    max_size: int | None,
    max_age: float | None,
    keep_last: int | None,
    pinned: Collection[str],
) -> list[Entry]:
    """Return what goes of *entries*, which come the last used first; the other way round.

    Those that are pinned come before all others.
    """
    now, total, going = time(), 0, []
    is_count_all = max_size is None and max_age is None and keep_last is not None
    places = count()
    for entry in entries:
        is_pinned = entry.key in pinned
        is_kept = is_pinned or (keep_last is not None and next(places) < keep_last)
        is_old = max_age is not None and now - entry.used > max_age
        is_too_much = max_size is not None and total + entry.size > max_size
        if not is_kept and (is_count_all or is_old or is_too_much):
            going.append(entry)
        else:
            total += entry.size
    return going[::-1]


def _checked(contents: Contents, entry: Entry | CorruptEntry) -> Checked:
    if isinstance(entry, CorruptEntry):
        return Checked(entry.key, "corrupt", f"its entry in {entry.file}", 0)
    try:
        contents.verify(entry)
    except Damaged as damage:
        state = "missing" if damage.reason == "missing" else "corrupt"
        return Checked(entry.key, state, damage.reason, entry.size)
    return Checked(entry.key, "ok", "", entry.size)
