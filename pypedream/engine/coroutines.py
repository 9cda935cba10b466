"""The event loop under async stages: the caller's own, or one in a thread of the run.

The scheduler is not a coroutine. It hands a coroutine to a loop that runs elsewhere and gets a
future back, so ``run()`` works inside a running loop (a notebook) as well as without one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, field

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future as ConcurrentFuture
    from contextvars import Context
    from threading import Thread


@define(eq=False, repr=False)
class LoopHost:
    """Runs coroutines on a loop, each under its own context.

    Attributes
    ----------
    loop
        The caller's loop; None starts one in a thread when the first coroutine comes.
    most
        How many coroutines are awaited at the same time; None sets no limit.
    """

    loop: AbstractEventLoop | None = None
    most: int | None = None
    _thread: Thread | None = None
    _tasks: set[Task[Any]] = field(default=Factory(set))
    _waiting: deque[Callable[[], None]] = field(default=Factory(deque))
    _is_cancelled: bool = False

    def submit(
        self, start: Callable[[], Coroutine[Any, Any, Any]], context: Context
    ) -> ConcurrentFuture[Any]:
        """Start a coroutine on the loop, under *context*, and return a concurrent future."""
        from concurrent.futures import Future

        outcome: ConcurrentFuture[Any] = Future()
        loop = self.loop or self._start()

        def begin() -> None:
            if self.most is not None and len(self._tasks) >= self.most:
                self._waiting.append(begin)  # in the thread of the loop, like all that follows
                return
            task = loop.create_task(start(), context=context)
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._finish(done, outcome))
            if self._is_cancelled:
                task.cancel()

        loop.call_soon_threadsafe(begin)
        return outcome

    def cancel(self) -> None:
        """Cancel every coroutine that still runs, and those that have not begun to."""
        self._is_cancelled = True
        if self.loop is not None:
            for task in tuple(self._tasks):
                self.loop.call_soon_threadsafe(task.cancel)

    def close(self, *, wait: bool = True) -> None:
        """End the loop if it is this host's own; *wait* for it or leave it."""
        if self._thread is not None and self.loop is not None:
            self.loop.call_soon_threadsafe(self.loop.stop)
            if wait:
                self._thread.join()
            self.loop = self._thread = None

    def _finish(self, task: Task[Any], outcome: Any) -> None:
        from asyncio import CancelledError

        self._tasks.discard(task)
        if self._waiting:
            self._waiting.popleft()()
        if task.cancelled():
            outcome.set_exception(CancelledError())
        elif (error := task.exception()) is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(task.result())

    def _start(self) -> AbstractEventLoop:
        from asyncio import new_event_loop
        from threading import Thread

        self.loop = new_event_loop()
        self._thread = Thread(target=_serve, args=(self.loop,), name="pypedream-loop", daemon=True)
        self._thread.start()
        return self.loop


def _serve(loop: AbstractEventLoop) -> None:
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
