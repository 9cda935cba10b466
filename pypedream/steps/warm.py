"""Worker processes that stay for a while: the next step finds them ready.

To start one takes longer than to compute thousands of cheap items. A worker whose modules have
changed since it imported them is replaced, and all of them end with this process.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

from attrs import define

from pypedream.executors.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["IDLE_S", "processes"]

IDLE_S = 60.0
"""How long workers stay that nobody uses."""


@define(eq=False)
class _Kept:
    """A pool, how many use it, and since when nobody does."""

    pool: Processes
    users: int = 0
    idle_since: float = 0.0


_kept: Final[dict[tuple[int, int], _Kept]] = {}
_state: Final = Condition()


@contextmanager
def processes(width: int) -> Iterator[Processes]:
    """Give a pool of so many worker processes for a block; several blocks may have the same."""
    name = (os.getpid(), width)  # the workers of a parent are not those of a forked child
    with _state:
        kept = _kept.get(name)
        if kept is None:
            kept = _kept[name] = _Kept(Processes(width))
            Thread(target=_watch, args=(name, kept), name="pypedream workers", daemon=True).start()
        kept.users += 1
    try:
        yield kept.pool
    finally:
        with _state:
            kept.users -= 1
            kept.idle_since = monotonic()


def _watch(name: tuple[int, int], kept: _Kept) -> None:
    """End a pool that nobody has used for a while."""
    while True:
        with _state:
            _state.wait(IDLE_S / 2)
            if not kept.users and monotonic() - kept.idle_since > IDLE_S:
                del _kept[name]
                break
    kept.pool.shutdown(wait=False)
