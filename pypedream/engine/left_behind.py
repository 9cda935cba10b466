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
    from pypedream.files.locks import Lock

__all__ = ["left_behind"]


def left_behind(wires: Mapping[str, Wire], moved: Iterable[str], calls: Calls) -> Iterator[str]:
    """Yield a note for each file that is still there and that its stage does not write now.

    Parameters
    ----------
    moved
        The stages whose locks name other outputs than they have. They may be all, when a folder
        got another name: so what others say of files is gathered once.
    """
    assert calls.locks is not None
    named = _named(wires)
    locked: dict[str, dict[str, set[str]]] = {}
    for key in moved:
        files, lock = wires[key].files, calls.locks.of(wires[key])
        assert files is not None
        assert lock is not None
        if _follows_parameters(calls, key):
            continue  # it was written for other values, and is right as it is
        root = files.root
        if root not in locked:
            locked[root] = _stages_by_path(calls.locks.locks(wires[key]).readable())
        for path in lock.outs:
            others = locked[root].get(path, set()) - {key}
            is_wanted = others or _is_named(named, root, path)
            if not is_wanted and os.path.lexists(f"{root}/{path}"):
                what = f'"{path}", which "{key}" wrote the last time, is written by no stage now'
                yield f"{what}: delete it, unless you need it"


def _stages_by_path(locks: Iterable[Lock]) -> dict[str, set[str]]:
    """Return from each output that a lock names to the stages whose locks do."""
    found: dict[str, set[str]] = {}
    for lock in locks:
        for path in lock.outs:
            found.setdefault(path, set()).add(lock.stage)
    return found


def _follows_parameters(calls: Calls, key: str) -> bool:
    """Say whether parameters are in the paths of a stage's outputs."""
    files = calls.stages[key].files
    outs = () if files is None else files.spec.outs.values()
    return any("{" in path for out in outs for path in texts_of(out.path))


def _named(wires: Mapping[str, Wire]) -> dict[str, set[str]]:
    """Return from each project to the files and folders that stages of it write or read."""
    named: dict[str, set[str]] = {}
    for wired in wires.values():
        if wired.files is not None:
            paths = named.setdefault(wired.files.root, set())
            paths.update(wired.files.outputs)
            for dep in wired.files.spec.deps.values():
                paths.update(texts_of(dep.paths))
    return named


def _is_named(named: Mapping[str, set[str]], root: str, path: str) -> bool:
    """Say whether a stage writes or reads a file by its name, or writes a folder that it is in."""
    for home, paths in named.items():
        seen = seen_from(home, root, path)
        if seen is None:
            continue
        parts = seen.rstrip("/").split("/")
        folders = ("/".join(parts[:depth]) + "/" for depth in range(1, len(parts)))
        if seen in paths or any(each in paths for each in folders):
            return True
    return False
