"""Worker processes: they come up when they are first needed and stay as long as their pool.

A worker has one job at a time, so that when it is killed exactly one job is lost: the one whose
call was being made. A job that a worker had not begun goes to another one.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from itertools import count
from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakValueDictionary, finalize, ref

from attrs import define

from pypedream.errors import ExecutorError, UnpicklableValue
from pypedream.executors.errands import LOADING, MOST_KITS, STALE, Errand, Surroundings
from pypedream.executors.jobs import reply_of
from pypedream.executors.processors import processors
from pypedream.executors.sharing import Sharing, is_shared, packed_of, wire_of
from pypedream.executors.tasks import JobFuture, Task
from pypedream.executors.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import TracebackType
    from weakref import ReferenceType

    from pypedream.executors.jobs import Job, Reply, Row
    from pypedream.executors.packing import Packed
    from pypedream.executors.sharing import Wire

    Tell = Callable[[list[Row]], object]

__all__ = ["Processes"]

GRACE_S = 2.0  # for threads that a stage left behind, and what libraries do at the end


class Processes:
    """A pool of worker processes; give it to runs as ``executor=``, and end it when you are done.

    The functions are called in other processes: they and their arguments and results are pickled.
    What is defined in a notebook or a script travels too, with the extra ``cluster``. A worker
    dies with the process that made it.

    Parameters
    ----------
    workers
        How many calls may be made at the same time; as many as there are processors if left out.

    Examples
    --------
    >>> with Processes(2) as pool:
    ...     pool.workers
    2
    """

    is_remote = True
    gives_out_resources = False

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and (type(workers) is not int or workers < 1):
            raise ValueError(f"workers must be a whole number of 1 or more, not {workers!r}")
        self.workers = workers or processors()
        self._state = Condition()
        self._numbers = count(1)
        self._sharing = Sharing()
        self._kits: WeakValueDictionary[str, Packed] = WeakValueDictionary()
        self._tells: WeakKeyDictionary[Packed, Tell] = WeakKeyDictionary()
        self._queue: deque[Task] = deque()
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._starting = 0
        self._is_closed = self._is_ending = False
        self._owner = _Owner(ref(self))
        self._pid = os.getpid()
        self._finalizer = finalize(self, _kill_workers, self._all, self._pid)

    def __repr__(self) -> str:
        return f"Processes({self.workers})"

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown(wait=kind is None)

    def submit(self, job: Job) -> Future[Reply]:
        """Send *job* to a worker that is idle or can be started, or queue it.

        Raises
        ------
        UnpicklableValue, MissingExtra
            If a value for its calls cannot be sent.
        ExecutorError
            If the pool was shut down. That a worker cannot be started, the future says.
        """
        calls = job.pack_calls()
        if LOADING.is_on:  # a worker would start workers that start workers
            raise ExecutorError(
                "a module makes calls in worker processes while it is imported:"
                ' put that under  if __name__ == "__main__":'
            )
        if os.getpid() != self._pid:
            raise ExecutorError("the pool belongs to another process: make one in this process")
        if self._is_closed:
            raise ExecutorError("the pool of worker processes was shut down: make a new one")
        task = Task(next(self._numbers), job, calls)
        task.future = future = JobFuture(self, task)
        self._kits[job.packed.id] = job.packed
        if job.tell is not None:
            self._tells[job.packed] = job.tell
        with self._state:
            self._queue.append(task)
        self._go_on()
        return future

    def shutdown(self, *, wait: bool = True) -> None:
        """End all workers, and their children.

        Parameters
        ----------
        wait
            Let them finish what was submitted. False ends it at once.
        """
        with self._state:
            self._is_closed = True
            self._is_ending = self._is_ending or not wait
            given_up = [] if wait else [*self._queue, *_tasks_of(self._all)]
        for task in given_up:
            future = task.future
            if future is not None:
                future.cancel()
        with self._state:
            self._state.wait_for(lambda: self._is_ending or self._is_at_rest())
            workers = list(self._all)
        for worker in workers:
            worker.kill() if self._is_ending else worker.dismiss()
        end = monotonic() + GRACE_S
        for worker in workers:
            worker.wait(end - monotonic())

    def give_up(self, task: Task) -> None:
        """End a job that was cancelled."""
        with self._state:
            task.is_given_up = True
            if task in self._queue:
                self._queue.remove(task)
            worker = task.worker
        if worker is not None:
            worker.kill()

    def _is_at_rest(self) -> bool:
        return not self._queue and not self._starting and len(self._idle) == len(self._all)

    def _go_on(self) -> None:
        """Give to workers what is queued, as far as they are idle or can be started."""
        while self._place_next():
            pass

    def _place_next(self) -> bool:
        """Give what has waited longest to a worker; False if nothing waits, or all are busy."""
        worker = None
        with self._state:
            can_start = len(self._all) + self._starting < self.workers
            if not self._queue or self._is_ending or not (self._idle or can_start):
                return False
            task = self._queue.popleft()
            if self._idle:
                worker = self._idle.pop()
                worker.task, task.worker = task, worker
            else:
                self._starting += 1
        if worker is None:
            return self._start_for(task)
        self._send(worker, task)
        return True

    def _start_for(self, task: Task) -> bool:
        """Start a worker for *task*; False if that has to wait for one of those that are there."""
        worker, problem, must_wait, is_over = None, None, False, False
        try:
            worker = WorkerProcess.start(self._owner)
        except ExecutorError as error:
            problem = error
        finally:
            with self._state:
                self._starting -= 1
                if worker is None:
                    must_wait = problem is not None and bool(self._all)
                    if must_wait:
                        self._queue.appendleft(task)
                elif worker.is_over:  # it was faster than we are
                    is_over = True
                else:
                    self._all.add(worker)
                    worker.task, task.worker = task, worker
                self._state.notify_all()
        if must_wait:
            return bool(self._idle)
        if worker is None:
            task.end(None, problem)
        elif is_over:
            self._lost(worker, task)
        elif task.is_given_up or self._is_ending:
            worker.kill()
        else:
            self._send(worker, task)
        return True

    def _send(self, worker: WorkerProcess, task: Task) -> None:
        try:
            worker.channel.send(tuple(self._errand(worker, task)))
        except OSError:  # it is gone: who listens to it sees to the job
            worker.kill()
        except BaseException as error:  # half a message may be under way
            task.is_given_up = True
            task.end(None, error)
            worker.kill()
            if not isinstance(error, Exception):
                raise

    def _errand(self, worker: WorkerProcess, task: Task) -> Errand:
        packed = task.job.packed
        share = self._sharing.segment
        kit = surroundings = None
        if packed.id not in worker.kits:
            kit = wire_of(packed, share)
            now = Surroundings.of_this_process()
            if now != worker.surroundings:
                worker.surroundings = surroundings = now
        forgotten = tuple(kit_id for kit_id in worker.kits if kit_id not in self._kits)
        for kit_id in forgotten:
            del worker.kits[kit_id]
        calls = wire_of(task.calls, share)
        return Errand(task.number, packed.id, kit, calls, forgotten, surroundings)

    def worker_said(self, worker: WorkerProcess, message: tuple[Any, ...]) -> None:
        """Take a message of a worker, in the thread that listens to it."""
        kind, whose, *rest = message
        task: Task | None = worker.task
        try:
            if kind == "reply":
                if task is not None and task.number == whose:
                    self._take_reply(worker, task, *rest)
                return
            rows, ends, worker.unfinished[whose] = rest
            worker.heard.update(ends)
            if kind == "said":
                _say(rows)
            else:
                self._tell(whose, rows, task)
        except Exception as error:
            if task is None:
                raise
            task.end(None, error)
            task.is_given_up = True
            worker.kill()

    def _tell(self, kit_id: str, rows: list[Row], task: Task | None) -> None:
        """Hand on rows of the log: of *task*, or of a thread that an earlier call left behind."""
        if task is not None and task.job.packed.id == kit_id:
            tell = task.job.tell
        else:
            packed = self._kits.get(kit_id)
            tell = None if packed is None else self._tells.get(packed)
        if tell is not None:
            tell(rows)

    def _take_reply(self, worker: WorkerProcess, task: Task, wire: Wire, has_kit: bool) -> None:
        try:
            packed = packed_of(wire)
        except OSError:  # it was killed a moment ago, and what it shared is gone
            worker.kill()
            return
        kit_id = task.job.packed.id
        worker.unfinished.clear()
        worker.kits.pop(kit_id, None)
        if has_kit:
            worker.kits[kit_id] = None
            if len(worker.kits) > MOST_KITS:
                worker.kits.popitem(last=False)
        following = self._next_for(worker, task)
        if following is not None:
            self._send(worker, following)
        elif is_shared(wire):
            worker.thank()
        try:
            reply = reply_of(packed)
        except UnpicklableValue as error:
            task.end(None, error)
        else:
            task.end(reply)

    def _next_for(self, worker: WorkerProcess, done: Task) -> Task | None:
        with self._state:
            done.worker = worker.task = None
            if worker.is_over:
                return None
            if self._queue:
                task = self._queue.popleft()
                worker.task, task.worker = task, worker
                return task
            self._idle.append(worker)
            if self._is_closed:
                self._state.notify_all()
            return None

    def worker_ended(self, worker: WorkerProcess) -> None:
        """Take note that a worker is gone; its job failed if it was begun, else others do it."""
        with self._state:
            worker.is_over = True
            self._all.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            task: Task | None = worker.task
            if task is not None:
                task.worker = worker.task = None
        if task is not None:
            self._lost(worker, task)
        self._go_on()
        with self._state:
            self._state.notify_all()

    def _lost(self, worker: WorkerProcess, task: Task) -> None:
        if task.is_given_up:
            return
        if worker.has_begun(task.number):
            error = worker.killed()
            key = task.job.keys[error.index or 0] if task.job.keys else None
            rows = worker.last_words(key)
            if rows:
                self._tell(task.job.packed.id, rows, task)
            task.end(None, error)
        elif (problem := worker.problem(task.tries)) is not None:
            task.end(None, ExecutorError(problem))
        else:
            task.tries += worker.exit_code != STALE
            with self._state:
                self._queue.appendleft(task)


@define
class _Owner:
    """Passes on what workers say; it does not keep alive a pool that nobody uses any more."""

    pool: ReferenceType[Processes]

    def worker_said(self, worker: WorkerProcess, message: tuple[Any, ...]) -> None:
        pool = self.pool()
        if pool is not None:
            pool.worker_said(worker, message)

    def worker_ended(self, worker: WorkerProcess) -> None:
        pool = self.pool()
        if pool is not None:
            pool.worker_ended(worker)


def _tasks_of(workers: set[WorkerProcess]) -> list[Task]:
    return [worker.task for worker in workers if worker.task is not None]


def _say(rows: list[Row]) -> None:
    """Print what a stage printed in a run that captures nothing."""
    for _, _, _, _, event, stream, _ in rows:
        print(event, file=sys.stderr if stream == "stderr" else sys.stdout)


def _kill_workers(workers: set[WorkerProcess], pid: int) -> None:
    if os.getpid() == pid:  # in a child they are not ours
        for worker in list(workers):
            worker.kill()
