"""Claims: of all threads and processes that want one thing, one computes it and the others wait.

A claim is advice. Who waits longer than he wants to computes as well, and nothing is wrong then but
the time: the result of either is whole.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import Event, Lock, Thread
from time import monotonic, sleep, time
from typing import TYPE_CHECKING

from attrs import define, evolve

from pypedream.errors import StoreError
from pypedream.store.backend import Lease
from pypedream.store.owner import is_gone, this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypedream.store.backend import Backend

__all__ = ["Claim", "claim_free", "claimed", "is_live"]

LEASE_S = 30.0
_RENEWED_AFTER_S = 8.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.25
_BEAT_S = 1.0
_IDLE_BEATS = 2  # one look may fall between two claims


def claimed(backend: Backend, name: str, *, wait_timeout: float | None = None) -> Claim:
    """Wait for the claim to *name* and hold it for the block; yield whether it is held.

    Look again for the result inside: whoever had the claim before may have published one.

    Parameters
    ----------
    wait_timeout
        Seconds after which the block is entered without the claim; None waits as long as
        somebody else is at work.
    """
    return Claim(backend, name, wait_timeout)


@define(eq=False, repr=False)
class Claim(AbstractContextManager[bool]):
    """A claim that is held for a block.

    A generator would do, but `contextlib` writes into what the block raises, which may be an
    exception of the user's that lets nobody do so.
    """

    _backend: Backend
    _name: str
    _wait_timeout: float | None
    _lease: Lease | None = None

    def __enter__(self) -> bool:
        lease = Lease(os.urandom(16).hex(), this_process(), time() + LEASE_S)
        if not _waited_for(self._backend, self._name, lease, self._wait_timeout):
            return False
        _heart.add(lease, partial(self._backend.renew, self._name))
        self._lease = lease
        return True

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let others have it, if it is held; within a batch this ends the batch's transaction."""
        if self._lease is not None:
            _heart.remove(self._lease)
            self._backend.release(self._name, self._lease.token)
            self._lease = None


@contextmanager
def claim_free(
    backend: Backend, names: Sequence[str], is_idle: Callable[[], bool] = bool
) -> Iterator[set[str]]:
    """Hold the claims to those of *names* that nobody else holds, for the block; yield which.

    It does not wait. Look again for the results inside, as with `claimed`.

    Parameters
    ----------
    is_idle
        Says whether nobody is at work in the block now. While that is so the claims are not
        renewed, and after a while somebody else can have them.
    """
    owner, token = this_process(), os.urandom(16).hex()
    lease = Lease(token, owner, time() + LEASE_S)
    taken = backend.take_free(names, lease)
    for name in names:
        there = None if name in taken else backend.lease(name)
        if there is not None and not is_live(there) and backend.take(name, lease, there):
            taken.add(name)

    def renew(longer: Lease) -> None:
        if not is_idle():
            backend.renew_all(taken, longer)

    if taken:
        _heart.add(lease, renew)
    try:
        yield taken
    finally:
        if taken:
            _heart.remove(lease)
            backend.release_all(taken, token)


def is_live(lease: Lease) -> bool:
    """Say whether somebody may still be at work under a lease."""
    return lease.until > time() and not is_gone(lease.owner)


def _waited_for(backend: Backend, name: str, lease: Lease, wait_timeout: float | None) -> bool:
    if backend.take(name, lease, instead_of=None):  # as mostly nobody has it
        return True
    start, pause = monotonic(), _FIRST_PAUSE_S
    while True:
        there = backend.lease(name)
        if there is None or not is_live(there):
            fresh = evolve(lease, until=time() + LEASE_S)
            if backend.take(name, fresh, instead_of=there):
                return True
        if wait_timeout is not None:
            left = start + wait_timeout - monotonic()
            if left <= 0:
                return False
            pause = min(pause, left)
        sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)


class _Heart:
    """One thread that renews the leases of this process, while there are any.

    Calls that take less than a second never notice it: a thread for each of them would cost more
    than the rest of a miss.
    """

    def __init__(self) -> None:
        self._claims: dict[str, tuple[Lease, Callable[[Lease], object]]] = {}
        self._lock = Lock()
        self._thread: Thread | None = None
        self._pause = Event()

    def add(self, lease: Lease, renew: Callable[[Lease], object]) -> None:
        with self._lock:
            self._claims[lease.token] = lease, renew
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._beat, name="pypedream leases", daemon=True)
                self._thread.start()

    def remove(self, lease: Lease) -> None:
        with self._lock:
            self._claims.pop(lease.token, None)

    def forget(self) -> None:
        """Begin anew in a child process: the claims are its parent's."""
        self._claims, self._lock, self._thread = {}, Lock(), None

    def _beat(self) -> None:
        idle = 0
        while idle < _IDLE_BEATS:
            self._pause.wait(_BEAT_S)
            with self._lock:
                claims = list(self._claims.values())
                idle = 0 if claims else idle + 1
                if idle == _IDLE_BEATS:
                    self._thread = None
            for lease, renew in claims:
                self._renew(lease, renew)

    def _renew(self, lease: Lease, renew: Callable[[Lease], object]) -> None:
        if lease.until - time() > LEASE_S - _RENEWED_AFTER_S:
            return
        longer = evolve(lease, until=time() + LEASE_S)
        try:
            renew(longer)
        except StoreError:  # a full disk, say: it is tried again at the next beat
            return
        with self._lock:
            if lease.token in self._claims:
                self._claims[lease.token] = longer, renew


_heart = _Heart()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_heart.forget)
