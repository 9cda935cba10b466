"""Marks: how the index of a store looks from outside, to see that nobody has changed it."""

from __future__ import annotations

import os
from time import time

__all__ = ["Mark", "mark_of"]

Mark = tuple[tuple[int, int, int] | None, ...]

_INDEX_FILES = ("index.db", "index.db-wal")
_COARSE_S = 0.1


def mark_of(location: str) -> Mark | None:
    """Return what differs after any change of the index; None where that cannot be told.

    The clock of a file system is coarse: what was changed just now may change again without
    another time.
    """
    seen: list[tuple[int, int, int] | None] = []
    for name in _INDEX_FILES:
        try:
            found = os.stat(os.path.join(location, name))
        except OSError:
            seen.append(None)
            continue
        if time() - found.st_mtime < _COARSE_S:
            return None
        seen.append((found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(seen) if seen[0] else None
