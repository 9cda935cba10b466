"""Threads: a few of them, for a crew."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from attrs import Factory, define

if TYPE_CHECKING:
    from collections.abc import Callable

    Calls = SimpleQueue[Callable[[], object] | None]


@define(eq=False, repr=False)
class Threads:
    """A few threads that take calls from a queue, as they come.

    Nobody waits for a call: it tells by itself how it ended, and it must not raise. A future for
    each, with a lock and a condition to wait on, would cost several times a small stage.

    The threads are daemons: a stage that never ends does not keep the interpreter alive.
    """

    workers: int
    _calls: Calls = Factory(SimpleQueue)
    _threads: list[Thread] = Factory(list)

    def start(self, call: Callable[[], object], /) -> None:
        """Take *call* on; a new thread is started while there are fewer than *workers*."""
        if len(self._threads) < self.workers:
            name = f"pypedream-{len(self._threads) + 1}"
            thread = Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads are to be had: those that are there must do
                if not self._threads:
                    raise
            else:
                self._threads.append(thread)
        self._calls.put(call)

    def shutdown(self, *, wait: bool = True) -> None:
        """Let every thread end after what is queued; *wait* for them or leave them."""
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # what it holds is not to outlive it in an idle thread
