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

    Calls = SimpleQueue["ThreadFuture[Any] | None"]

T = TypeVar("T")


class ThreadFuture(Generic[T]):
    """The outcome of one call in a thread.

    `concurrent.futures.Future` costs several times a small call, because each has a lock and a
    condition to wait on. This one is only ever waited for through its callback, and the call is
    queued when that is there: so there is nothing to wait on, and nobody comes first.
    """

    __slots__ = ("_call", "_callback", "_calls", "_error", "_value")

    _callback: Callable[[Any], object]
    _value: T

    def __init__(self, call: Callable[[], T], calls: Calls) -> None:
        self._call = call
        self._calls = calls
        self._error: BaseException | None = None

    def result(self) -> T:
        """Return what the call returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Have the call made, and *callback* called with this future then; to be done once."""
        self._callback = callback
        self._calls.put(self)

    def work(self) -> None:
        """Make the call; what it raises is kept for `result`."""
        try:
            self._value = self._call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        self._callback(self)


@define(eq=False)
class ThreadExecutor:
    """A few threads that take calls from a queue, as they come.

    The threads are daemons: a stage that never ends does not keep the interpreter alive.
    """

    workers: int
    _calls: Calls
    _threads: list[Thread]

    def submit(self, call: Callable[[], T], /) -> ThreadFuture[T]:
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
        return ThreadFuture(call, self._calls)

    def shutdown(self, *, wait: bool = True) -> None:
        """Let every thread end after what is queued; *wait* for them or leave them."""
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (future := self._calls.get()) is not None:
            future.work()
            del future  # what it holds is not to outlive it in an idle thread


def executor_for(chosen: Any, workers: int | None) -> Executor | None:
    """Return the executor that an option names; None makes calls one after the other."""
    if chosen == "serial":
        return None
    if chosen == "threads":
        return ThreadExecutor(workers or os.cpu_count() or 1, SimpleQueue(), [])
    executor: Executor = chosen
    return executor
