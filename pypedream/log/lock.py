"""A lock that is free in a child process, whoever held it in the parent when the child came off."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["ForkLock", "free_all"]

_all: list[ForkLock] = []


class ForkLock:
    """A lock for moments; a module makes it once.

    It is not held across a fork, as `logging` does with its own: who held one lock and waited for
    the other could wait for ever. Its thread may take it again: a signal handler can come at any
    time.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        _all.append(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def free(self) -> None:
        """Forget who holds the lock: he is in another process."""
        self._lock = RLock()


def free_all() -> None:
    """Free every lock; for a child process."""
    for lock in _all:
        lock.free()
