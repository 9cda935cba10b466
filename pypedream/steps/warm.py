"""Worker processes that stay for a while: the next step finds them ready.

To start one takes longer than to compute thousands of cheap items. A worker whose modules have
changed since it imported them is replaced, and all of them end with this process.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Lock, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from attrs import define

from pypedream.executors.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

__all__ = ["IDLE_S", "processes"]

IDLE_S = 60.0
"""How long workers stay that nobody uses."""


@define(eq=False)
class _Kept:
    """A pool, how many use it, and since when nobody does."""

    pool: Processes
    users: int = 0
    idle_since: float = 0.0


class _Pools:
    """The pools of this process, by their width."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}
        self._lock = Lock()

    @contextmanager
    def of(self, width: int) -> Iterator[Processes]:
        """Give a pool for a block."""
        with self._lock:
            kept = self._kept.get(width)
            if kept is None:
                kept = self._kept[width] = _Kept(Processes(width))
                watch = Thread(target=self._watch, args=(width, kept), name="pypedream workers")
                watch.daemon = True
                watch.start()
            kept.users += 1
        try:
            yield kept.pool
        finally:
            with self._lock:
                kept.users -= 1
                kept.idle_since = monotonic()

    def _watch(self, width: int, kept: _Kept) -> None:
        """End a pool that nobody has used for a while."""
        is_idle = False
        while not is_idle:
            sleep(IDLE_S / 4)
            with self._lock:
                is_idle = not kept.users and monotonic() - kept.idle_since > IDLE_S
                if is_idle:
                    del self._kept[width]
        kept.pool.shutdown(wait=False)

    def forget(self) -> None:
        """Begin anew in a child process: the workers are its parent's."""
        self._kept, self._lock = {}, Lock()


_pools: Final = _Pools()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.forget)


def processes(width: int) -> AbstractContextManager[Processes]:
    """Give a pool of so many worker processes for a block; several blocks may have the same."""
    return _pools.of(width)
