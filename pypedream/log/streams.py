"""The routers in ``sys.stdout`` and ``sys.stderr``: put in for a run, taken out after the last.

Others replace ``sys.stdout`` too (``redirect_stdout``, ``%%capture``, pytest), and not always in
the order of a stack. So a router is taken out only where it is on top. One that was left behind
lets everything through and steps aside when it is next written to.
"""

from __future__ import annotations

import sys
from typing import Any
from weakref import WeakSet

from pypedream.log.patch import LOCK, Change
from pypedream.log.router import Router, is_router

__all__ = ["STREAMS", "Streams", "beneath"]

NAMES = ("stdout", "stderr")


class Streams(Change):
    """The standard streams of this process, as far as runs need them; there is one, `STREAMS`."""

    def __init__(self) -> None:
        super().__init__()
        self._routers: WeakSet[Router] = WeakSet()

    def begin(self, user: object) -> None:
        """Put routers into ``sys``, also on top of what somebody put there during another run."""
        super().begin(user)
        self.ensure()

    def apply(self) -> None:
        """Put routers into ``sys``."""
        self._take_out()  # those that were left behind
        self._put_in()

    def undo(self) -> None:
        """Take the routers out of ``sys``."""
        self._take_out()
        for router in list(self._routers):  # somebody holds these
            router.retire(lambda: self.is_needed)

    def ensure(self) -> None:
        """Put the routers back if somebody took them out during a run.

        A ``%%capture`` that was in force when a run started in the background does so as it ends.
        """
        # To isinstance() a router is the stream beneath it.
        if (type(sys.stdout) is not Router or type(sys.stderr) is not Router) and self.is_needed:
            with LOCK:
                self._put_in()

    def _put_in(self) -> None:
        for name in NAMES:
            stream = getattr(sys, name, None)
            if not is_router(stream):
                router = Router(stream, name)
                self._routers.add(router)
                setattr(sys, name, router)

    def _take_out(self) -> None:
        for name in NAMES:
            stream = getattr(sys, name, None)
            if is_router(stream):
                setattr(sys, name, beneath(stream))


STREAMS = Streams()


def beneath(stream: Any) -> Any:
    """Return the stream beneath all routers: *stream* itself when it is none.

    Examples
    --------
    >>> beneath(Router(Router(None, "stdout"), "stdout")) is None
    True
    """
    while is_router(stream):
        stream = stream.under
    return stream
