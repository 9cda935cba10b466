"""Verifying: whether outputs are as they were written, and whether their copies are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.files.blobs import FileBlobs
from pypedream.files.hashes import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.files.hashes import FileHashes
    from pypedream.files.written import Written
    from pypedream.store import CacheStore

__all__ = ["Fault", "faults"]


@frozen
class Fault:
    """Something of a stage that is not as it should be."""

    stage: str
    what: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.what}"


def faults(
    stage: str, written: Written, hashes: FileHashes, store: CacheStore, *, may_be_missing: bool
) -> Iterator[Fault]:
    """Yield what is wrong with the outputs of a stage and with the copies of them.

    The content of each copy is compared with its digest; nothing is changed.

    Parameters
    ----------
    may_be_missing
        Whether a file need not be in the project if the store has it.
    """
    blobs = FileBlobs(store)
    for folder in written.files.folders if written.files is not None else ():
        is_there = hashes.digest(folder) is not None
        for member in hashes.members(folder) if is_there else ():
            if f"{folder}{member.name}" not in written.digests:
                yield Fault(stage, f'"{folder}{member.name}" was not written by it')
    for one in written.all:
        digest = Digest(one.sha256, one.size, is_folder=one.path.endswith("/"))
        damage = blobs.damage(digest) if one.is_cached else ""
        now = hashes.digest(one.path)
        if now is None and not (may_be_missing and one.is_cached):
            yield Fault(stage, f'"{one.path}" is not there')
        elif now is not None and now.sha256 != one.sha256:
            yield Fault(stage, f'"{one.path}" is not what was written')
        if damage:
            yield Fault(stage, f'the copy of "{one.path}" in the store is {damage}')
