"""Left behind: files that a stage wrote the last time, and that no stage writes any more.

A stage that gets another path for its output leaves the old file; nobody removes that unasked.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pypedream.files.paths import seen_from
from pypedream.files.templates import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.engine.calls import Calls
    from pypedream.engine.wiring import Wire

__all__ = ["left_behind"]


def left_behind(wires: Mapping[str, Wire], moved: Iterable[str], calls: Calls) -> Iterator[str]:
    """Yield a note for each file that is still there and that its stage does not write now.

    Parameters
    ----------
    moved
        The stages whose locks name other outputs than they have.
    """
    assert calls.locks is not None
    for key in moved:
        files, lock = wires[key].files, calls.locks.of(wires[key])
        assert files is not None
        assert lock is not None
        if _follows_parameters(calls, key):
            continue  # it was written for other values, and is right as it is
        others = [each for each in calls.locks.locks(wires[key]).readable() if each.stage != key]
        for path in lock.outs:
            is_known = files.writes(path) or any(path in each.outs for each in others)
            if is_known or not os.path.lexists(f"{files.root}/{path}"):
                continue
            if not any(_is_about(wired, files.root, path) for wired in wires.values()):
                what = f'"{path}", which "{key}" wrote the last time, is written by no stage now'
                yield f"{what}: delete it, unless you need it"


def _follows_parameters(calls: Calls, key: str) -> bool:
    """Say whether parameters are in the paths of a stage's outputs."""
    files = calls.stages[key].files
    outs = () if files is None else files.spec.outs.values()
    return any("{" in path for out in outs for path in texts_of(out.path))


def _is_about(wired: Wire, root: str, path: str) -> bool:
    """Say whether a stage writes a file, or reads it by its name."""
    if wired.files is None:
        return False
    seen = seen_from(wired.files.root, root, path)
    if seen is None:
        return False
    read = (each for dep in wired.files.spec.deps.values() for each in texts_of(dep.paths))
    return wired.files.writes(seen) or seen in read
