"""Threads and pools that a stage starts belong to it: they get a copy of its context.

Two ways lead into a thread. `Thread.start` carries the context of whoever starts it. A pool's
threads outlive the task that made the pool start them, so they get none; instead each task that is
submitted carries its own. With the first alone, the lines of a pool that two stages share would go
to the stage that came first.
"""

from __future__ import annotations

import sys
from contextvars import Context, copy_context
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from pypedream.context import STAGE
from pypedream.log.output import finish_thread
from pypedream.log.patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor
    from threading import Thread

    from pypedream.context import Attempt

    T = TypeVar("T")

__all__ = ["POOLS", "THREADS"]


def _carrying_start(original: Callable[[Thread], None]) -> Callable[[Thread], None]:
    @wraps(original)
    def start(self: Thread) -> None:
        attempt = STAGE.get()
        # Since 3.14 a thread may be given a context: then that is what the user wants.
        if attempt is None or getattr(self, "_context", None) is not None:
            return original(self)
        carry = _Carried(self, attempt)
        try:
            return original(self)
        except BaseException:
            carry.put_back()
            raise

    return start


class _Carried:
    """The ``run`` of one thread under a copy of the context of this moment."""

    def __init__(self, thread: Thread, attempt: Attempt) -> None:
        self._thread = thread
        self._attempt = attempt
        self._context = copy_context()
        self._run = thread.run
        self._is_own = "run" in vars(thread)
        thread.run = self.run  # type: ignore[method-assign]

    def run(self) -> None:
        """Run the thread."""
        self.put_back()
        _call(self._context, self._attempt, self._run)

    def put_back(self) -> None:
        """Give the thread its own ``run`` again."""
        if self._is_own:
            self._thread.run = self._run  # type: ignore[method-assign]
        else:
            vars(self._thread).pop("run", None)


def _carrying_submit(original: Callable[..., Future[T]]) -> Callable[..., Future[T]]:
    @wraps(original)
    def submit(
        self: ThreadPoolExecutor, fn: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> Future[T]:
        attempt = STAGE.get()
        if attempt is None or _is_interpreter_pool(self):
            return original(self, fn, *args, **kwargs)
        context = copy_context()
        token = STAGE.set(None)  # a thread that the pool starts now is nobody's
        try:
            return original(self, _call, context, attempt, fn, *args, **kwargs)
        finally:
            STAGE.reset(token)

    return submit


def _call(
    context: Context, attempt: Attempt, function: Callable[..., T], /, *args: Any, **kwargs: Any
) -> T:
    try:
        return context.run(function, *args, **kwargs)
    finally:
        finish_thread(attempt)


def _is_interpreter_pool(pool: object) -> bool:
    """Whether tasks go to another interpreter (3.14), where no context can follow."""
    module = sys.modules.get("concurrent.futures.interpreter")
    return module is not None and isinstance(pool, module.InterpreterPoolExecutor)


def _thread_class() -> type:
    from threading import Thread

    return Thread


def _pool_class() -> type:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor


THREADS = Patch(_thread_class, "start", _carrying_start)
POOLS = Patch(_pool_class, "submit", _carrying_submit)
