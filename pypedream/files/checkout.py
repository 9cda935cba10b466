"""Checkout: make the outputs that locks name again from their copies in the store.

Nothing of the user's is imported: after ``git checkout`` of a revision its locks say what its
outputs were.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import Factory, define, frozen

from pypedream.errors import MissingEntry, StoreError
from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import Digest
from pypedream.files.paths import within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pypedream.files.hashes import FileHashes
    from pypedream.files.locks import Lock, OutLock
    from pypedream.store import CacheStore

__all__ = ["CheckedOut", "check_out", "outs_of"]


@frozen
class Left:
    """An output that was not made again, and why."""

    stage: str
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} of {self.stage}: {self.reason}"


@define
class CheckedOut:
    """What became of the outputs that locks name.

    Attributes
    ----------
    restored
        The paths of those that were made again.
    unchanged
        How many were there as their locks say.
    left
        Those that are not as their locks say.
    removed
        The paths of files that another version had in a folder, and this one has not.
    """

    restored: list[str] = Factory(list)
    unchanged: int = 0
    left: list[Left] = Factory(list)
    removed: list[str] = Factory(list)


def outs_of(locks: Iterable[Lock]) -> Iterator[tuple[str, str, OutLock]]:
    """Yield stage, path and what the lock says of each output."""
    for lock in locks:
        for path, out in lock.outs.items():
            yield lock.stage, path, out


def check_out(
    locks: Iterable[Lock],
    store: CacheStore,
    hashes: FileHashes,
    root: Path,
    *,
    only_missing: bool = False,
    force: bool = False,
) -> CheckedOut:
    """Make the outputs that *locks* name again where they are not as these say.

    Nothing else stays in a folder that a stage writes as a whole.

    Parameters
    ----------
    only_missing
        Whether files that are there stay as they are.
    force
        Whether a file is replaced or removed also if what is in it now has no copy in the store.

    Raises
    ------
    StoreError
        If a file cannot be written.
    """
    done, blobs, locks = CheckedOut(), FileBlobs(store), list(locks)
    claims = _claims(locks)
    if not only_missing:
        _take_away(locks, blobs, hashes, root, done, force=force)
    for stage, path, out in outs_of(locks):
        now = hashes.digest(path)
        if now is not None and now.sha256 == out.sha256:
            done.unchanged += 1
            continue
        if len(claims[path]) > 1:
            is_first = stage == next(iter(claims[path].values()))
            if is_first and (now is None or now.sha256 not in claims[path]):
                done.left.append(Left(stage, path, _both_say(claims[path].values())))
            continue
        reason = _refusal(out, now, blobs, only_missing=only_missing, force=force)
        if not reason:
            try:
                blobs.restore(_digest(out), within(root, path))
                done.restored.append(path)
            except MissingEntry:
                reason = "the store has no copy of it: fetch it, or run its stage"
        if reason:
            done.left.append(Left(stage, path, reason))
    return done


def _claims(locks: Iterable[Lock]) -> dict[str, dict[str, str]]:
    """Return for each path what locks say of it: from the digest to the first stage that does."""
    found: dict[str, dict[str, str]] = {}
    for stage, path, out in outs_of(locks):
        found.setdefault(path, {}).setdefault(out.sha256, stage)
    return found


def _both_say(stages: Iterable[str]) -> str:
    named = " and ".join(f'"{stage}"' for stage in stages)
    return f"the locks of {named} say different things: repro, or remove one with gc --locks"


def _take_away(
    locks: Iterable[Lock],
    blobs: FileBlobs,
    hashes: FileHashes,
    root: Path,
    done: CheckedOut,
    *,
    force: bool,
) -> None:
    """Remove what is in folders of stages beside what they wrote, if it can be had again."""
    for stage, path, digest in list(_strays(locks, hashes)):
        if not force and not blobs.has(digest):
            reason = "it is not its own, and kept nowhere: move it, or remove it with --force"
            done.left.append(Left(stage, path, reason))
            continue
        place = within(root, path)
        try:
            place.unlink()
        except OSError as error:
            raise StoreError(f"cannot remove {place}: {error.strerror or error}") from error
        done.removed.append(path)
        for folder in place.parents[: path.count("/")]:
            with suppress(OSError):  # something else is in it
                folder.rmdir()


def _strays(locks: Iterable[Lock], hashes: FileHashes) -> Iterator[tuple[str, str, Digest]]:
    for lock in locks:
        for folder in dict.fromkeys(out.folder for out in lock.outs.values() if out.folder):
            there = hashes.members(folder) if hashes.digest(folder) is not None else ()
            for member in there:
                path = f"{folder}{member.name}"
                if path not in lock.outs:
                    yield lock.stage, path, Digest(member.sha256, member.size)


def _digest(out: OutLock) -> Digest:
    return Digest(out.sha256, out.size, out.is_folder)


def _refusal(
    out: OutLock, now: Digest | None, blobs: FileBlobs, *, only_missing: bool, force: bool
) -> str:
    """Say why an output stays as it is; "" if it may be made again."""
    if now is not None and only_missing:
        return "it is there, and not as its lock says"
    if not out.cached and not blobs.has(_digest(out)):
        return "git keeps it, the store does not: git checkout brings it back"
    if not out.cached and now is not None and not force:
        return "git keeps it: git checkout brings it back, or --force takes it from the store"
    if now is not None and not force and not blobs.has(now):
        return "what is in it now is kept nowhere: commit it, or replace it with --force"
    return ""
