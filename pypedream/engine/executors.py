"""Executors: where calls are made. They know nothing of stages.

"serial" is the absence of one: the scheduler makes the call itself.
"""

from __future__ import annotations

import os
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.protocols import Executor

T = TypeVar("T")


class ThreadFuture(Generic[T]):
    """The outcome of one call in a thread.

    `concurrent.futures.Future` costs several times a small call, because each has a lock and a
    condition to wait on. This one is only ever waited for through its callback. Whoever takes
    the one token of *_turn* last, the worker or the caller, makes the callback.
    """

    __slots__ = ("_callback", "_error", "_turn", "_value")

    def __init__(self) -> None:
        self._turn = [None]
        self._callback: Callable[[Any], object] | None = None
        self._value: T | None = None
        self._error: BaseException | None = None

    def result(self) -> T:
        """Return what the call returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Call *callback* with this future when it is done; only one can be added."""
        self._callback = callback
        self._meet()

    def work(self, call: Callable[[], T]) -> None:
        """Make the call; what it raises is kept for `result`."""
        try:
            self._value = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        self._meet()

    def _meet(self) -> None:
        """Take the token; whoever comes second finds none and makes the callback."""
        try:
            self._turn.pop()
        except IndexError:
            assert self._callback is not None
            self._callback(self)


@define(eq=False)
class ThreadExecutor:
    """A few threads that take calls from a queue, as they come.

    The threads are daemons: a stage that never ends does not keep the interpreter alive.
    """

    workers: int
    _calls: SimpleQueue[tuple[ThreadFuture[Any], Callable[[], Any]] | None]
    _threads: list[Thread]

    def submit(self, call: Callable[[], T], /) -> ThreadFuture[T]:
        """Queue *call*; a new thread is started while there are fewer than *workers*."""
        future: ThreadFuture[T] = ThreadFuture()
        self._calls.put((future, call))
        if len(self._threads) < self.workers:
            name = f"pypedream-{len(self._threads) + 1}"
            thread = Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def shutdown(self, *, wait: bool = True) -> None:
        """Let every thread end after what is queued; *wait* for them or leave them."""
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (task := self._calls.get()) is not None:
            future, call = task
            future.work(call)
            del task, future, call  # what they hold is not to outlive them in an idle thread


def executor_for(chosen: Any, workers: int | None) -> tuple[Executor | None, bool]:
    """Return the executor that an option names, and whether it is ours to shut down."""
    if chosen == "serial":
        return None, False
    if chosen == "threads":
        return ThreadExecutor(workers or os.cpu_count() or 1, SimpleQueue(), []), True
    return chosen, False
