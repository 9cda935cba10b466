"""Carriers: they bring items to threads of this process, and to the executors of the library."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from pypedream.errors import UnpicklableValue
from pypedream.executors.jobs import Job, Kit
from pypedream.executors.mishaps import Mishap
from pypedream.executors.packing import pack
from pypedream.steps.cache import Reference
from pypedream.steps.dispatch import Sent, say
from pypedream.steps.task import Done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pypedream.executors.jobs import Reply
    from pypedream.steps.task import Item, Task

    Told = tuple[int, Any, Mishap | None, bool]

__all__ = ["Elsewhere", "Threads"]

NS = 1e-9
AHEAD = 2
"""How many lots there are for each worker: one that it is at, and the next."""


class Threads:
    """Has items computed in threads, each with the context of who sends them."""

    is_repeated = False

    def __init__(self, task: Task, width: int) -> None:
        self.width = width
        self.room = AHEAD * width
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self._task = task
        self._pool = ThreadPoolExecutor(width, thread_name_prefix=task.label)

    def send(self, lots: Sequence[Sequence[Item]]) -> Iterator[Future[Sent]]:
        """Have lots of items computed by threads that have nothing to do."""
        for items in lots:
            future = self._pool.submit(copy_context().run, self._compute, items)
            future.add_done_callback(self.inbox.put)
            yield future

    def receive(self, future: Future[Sent]) -> Sent:
        """Return what became of them."""
        return future.result()

    def close(self) -> None:
        """End the threads, once they have nothing to do."""
        self._pool.shutdown()

    def _compute(self, items: Sequence[Item]) -> Sent:
        start = perf_counter()
        return Sent(list(self._task.stream(items)), perf_counter() - start)


class Elsewhere:
    """Has items computed by an executor, in other processes, where their results are kept as well.

    Parameters
    ----------
    width
        How many lots at most are computed at the same time; None for as many as it can do.
    is_heard
        Whether what is said there is said here; otherwise it is where that process says it.
    is_repeated
        Whether the items of a lot whose process died are computed again, one by one.
    """

    def __init__(
        self,
        executor: Any,
        task: Task,
        width: int | None = None,
        *,
        is_heard: bool = True,
        is_repeated: bool = True,
    ) -> None:
        self.executor = executor
        self.task = task
        self.width = min(executor.workers, width or executor.workers)
        self.room = AHEAD * self.width
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self.is_repeated = is_repeated
        self._tell: Callable[[Any], object] | None = self.inbox.put if is_heard else None
        kit = Kit(
            _Work(task),
            names=("items",),
            stage=task.label,
            capture=is_heard,
            secrets=task.secrets,
            word="step",
        )
        try:
            self._packed = kit.pack()
        except UnpicklableValue:
            for step in task.program.leaves:  # it may be a part of one
                pack(step, of=kit.of, part=type(step).__name__)
            raise

    def send(self, lots: Sequence[Sequence[Item]]) -> Iterable[Any]:
        """Have lots of items computed by the executor."""
        return map(self._future, lots)

    def _future(self, items: Sequence[Item]) -> Any:
        job = Job(self._packed, calls=[(list(map(_readable, items)),)], tell=self._tell)
        try:
            future = self.executor.submit(job)
        except UnpicklableValue as error:
            error.add_note('infra={"backend": "ThreadPool"} computes in this process')
            raise
        if isinstance(future, Future):
            future.add_done_callback(self.inbox.put)
        return future

    def receive(self, future: Any) -> Sent:
        """Return what became of them."""
        reply: Reply = future.result()
        say(reply.rows)
        if reply.error is not None:
            raise reply.error.error()
        took_s = (reply.ended_ns[-1] - reply.started_ns) * NS
        return Sent([_received(told) for told in reply.values[0]], took_s)


def _readable(item: Item) -> Item:
    """Return an item whose input another process can read: what it cannot goes along itself."""
    if type(item.value) is Reference and item.value.is_of_main():
        return evolve(item, value=item.input())
    return item


@frozen
class _Work:
    """Computes items where it is called, and says what became of them in what can travel."""

    task: Task

    def __call__(self, items: Sequence[Item]) -> list[Told]:
        return [_told(done) for done in self.task(items)]


def _told(done: Done) -> Told:
    mishap = None if done.error is None else Mishap.of(done.error)
    return done.place, done.value, mishap, done.is_cached


def _received(told: Told) -> Done:
    place, value, mishap, is_cached = told
    return Done(place, value, None if mishap is None else mishap.error(), is_cached)
