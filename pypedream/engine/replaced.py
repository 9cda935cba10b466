"""Replaced: files that a run replaces or removes, and that their stages did not write.

Before that a copy of each is kept, and the run says so.
"""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from pypedream.engine.overwritten import overwritten
from pypedream.engine.reuse import READ_ONLY
from pypedream.errors import StoreError
from pypedream.files.blobs import FileBlobs, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.keeping import Keeper
    from pypedream.engine.plan import Plan
    from pypedream.engine.wiring import Wire
    from pypedream.files.hashes import Digest

__all__ = ["Replaced", "keep_replaced"]


@frozen
class Replaced:
    """A file that a run will replace or remove.

    Attributes
    ----------
    root
        The folder of the project that *path* is in.
    what, how
        What it is, and what becomes of it, in words.
    """

    stage: str
    root: str
    path: str
    digest: Digest
    what: str
    how: str

    def __str__(self) -> str:
        return f'"{self.path}", {self.what} (it will be {self.how})'

    def of_another_time(self) -> Replaced:
        """Return the same, where the stage may have written it once."""
        return evolve(self, what=f"{self.what} the last time")


def keep_replaced(plan: Plan, keeper: Keeper, folders: Mapping[str, Wire]) -> list[tuple[str, str]]:
    """Keep a copy of each file that the run will replace or remove.

    Parameters
    ----------
    folders
        The stages whose folders nobody has looked at.

    Returns
    -------
    For each the stage, and what to say of it.

    Raises
    ------
    StoreError
        If one cannot be kept.
    """
    found = plan.reuse.replaced
    if folders:
        called = {*plan.chosen, *plan.selection.given}
        found = overwritten(folders, called, (), keeper.calls, keeper.results.store)
    return [(one.stage, _told(one, copy)) for one in found if (copy := _kept(one, keeper))]


def _told(one: Replaced, copy: Digest) -> str:
    text = f'"{one.path}", {one.what}, will be {one.how}'
    get = f"cache get {key_of(copy)} {quote(_from_here(one))}"
    return f"{text}; a copy is kept: {get} brings it back"


def _from_here(one: Replaced) -> str:
    place = os.path.join(one.root, one.path)
    try:
        return os.path.relpath(place)
    except ValueError:  # it is on another drive
        return place


def _kept(one: Replaced, keeper: Keeper) -> Digest | None:
    """Keep a copy of a file as it is now; return its digest, None if it is there no more."""
    assert keeper.calls.files is not None
    hashes, blobs = keeper.calls.files.hashes(one.root), FileBlobs(keeper.results.store())
    digest = hashes.digest(one.path)
    if digest is None:
        return None
    if keeper.options.cache != READ_ONLY or keeper.options.checkpoint:
        members = hashes.members(one.path) if digest.is_folder else ()
        blobs.keep(Path(one.root, one.path), digest, members)
    elif not blobs.has(digest):
        why = f'would be {one.how}, and with cache="{READ_ONLY}" no copy is kept: move it'
        raise StoreError(f'"{one.path}", {one.what}, {why}')
    return digest
