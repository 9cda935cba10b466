"""The scheduler: one loop that starts what is ready and takes in what has ended.

It makes the calls itself, or has them made by a crew of threads, by an executor of the user's or,
coroutines, by an event loop that runs elsewhere. Whoever makes a call says in one queue how it
ended, and only the thread that runs the loop decides what follows: so there is nothing to lock.
"""

from __future__ import annotations

from functools import partial
from queue import Empty, SimpleQueue
from threading import get_ident
from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, field, frozen

from pypedream.context import Attempt
from pypedream.engine.crews import Crews, as_crew, let_down
from pypedream.engine.plain import run_plain
from pypedream.engine.readiness import Readiness
from pypedream.engine.retry import Retries
from pypedream.engine.run import GRACE_S
from pypedream.engine.settlement import Settlement
from pypedream.engine.wiring import Wire
from pypedream.log.ended import Ended

if TYPE_CHECKING:
    from pypedream.engine.coroutines import LoopHost
    from pypedream.engine.crew import Crew
    from pypedream.engine.execution import Execution, Outcome
    from pypedream.engine.resources import Resources
    from pypedream.protocols import Executor

LOOK_UP_S = 0.5


@frozen(eq=False, repr=False)
class _Returned:
    """A future that says that it is done."""

    wired: Wire
    number: int
    future: Any


@define(eq=False, repr=False)
class Scheduler:
    """Carries out one execution.

    Attributes
    ----------
    loops
        Awaits coroutines; None where no stage is one.
    settlement
        What becomes of stages whose attempts have ended.
    running
        From a stage that was handed on to be called to the number of its attempt.
    abandoned
        Whether some of them did not end in time and were left.
    grace_s
        How long what runs may take to end after it was cancelled.
    deadline
        Until when it may end after that or after Ctrl-C, by the monotonic clock.
    """

    execution: Execution
    loops: LoopHost | None = None
    running: dict[str, int] = Factory(dict)
    abandoned: bool = False
    grace_s: float | None = None
    deadline: float | None = None
    crews: Crews = field(init=False)
    settlement: Settlement = field(init=False)
    _readiness: Readiness = field(init=False)
    _resources: Resources | None = None
    _is_uniform: bool = True
    _retries: Retries = Factory(Retries)
    _done: SimpleQueue[Any] = field(default=Factory(SimpleQueue))
    _given_s: float | None = None
    _is_hurried: bool = False

    def __attrs_post_init__(self) -> None:
        self.crews = Crews(self.execution, self._done.put)
        self.settlement = Settlement(self.execution, self._retries)

    def run(self) -> None:
        """Carry out the plan; failures are kept, an interrupt ends the run in good order."""
        self.execution.home = get_ident()
        self._prepare()
        while True:
            try:
                self._loop()
            except KeyboardInterrupt as error:
                if self.execution.stopping == "interrupted":
                    self._abandon()
                    break
                self.settlement.interrupt(error)
            else:
                break

    def _prepare(self) -> None:
        """See what there is to do; not before now, as kept results may have been unreadable."""
        plan, has_async = self.execution.plan, self.execution.plan.blueprint.has_async
        is_serial = self.crews.is_serial and not has_async
        self._is_uniform = not (has_async or self.crews.has_others)
        if not is_serial:
            from pypedream.engine.ranking import ranks_of
            from pypedream.engine.resources import resources_of

            self.execution.ranks = ranks_of(plan)
            self._resources = resources_of(plan, self.wake)
            self.execution.resources = self._resources
        self._readiness = Readiness.of(self.execution, is_serial=is_serial)
        self.settlement.readiness = self._readiness

    def cancel(self, grace_s: float | None) -> None:
        """Start no new stage; may be called from any thread.

        Parameters
        ----------
        grace_s
            How long what runs may take to end; None sets no limit.
        """
        self.grace_s = grace_s
        self.execution.stop("cancelled")
        if self.loops is not None:
            self.loops.cancel()
        self.wake()

    def wake(self) -> None:
        """Have the loop look what there is to do; may be called from any thread."""
        self._done.put(None)

    def interrupt(self) -> None:
        """Start no new stage, as after Ctrl-C; may be called from a signal handler."""
        self.settlement.interrupt(KeyboardInterrupt())
        self.wake()

    def hurry(self) -> None:
        """Leave what still runs; may be called from a signal handler."""
        self._is_hurried = True
        self.wake()

    def break_off(self, error: BaseException) -> None:
        """Start no new stage: what carries out the run, and not a stage, raised *error*."""
        if not isinstance(error, KeyboardInterrupt):
            self.settlement.error = error
            self.execution.stop("failed", anyway=True)
        elif self.execution.stopping != "interrupted":
            self.settlement.interrupt(error)
        self._see_to_the_crews()
        self.abandoned = bool(self.running)

    def _loop(self) -> None:
        ready, held = self._readiness.ready, self.execution.held
        while True:
            if self._resources is not None and not held:
                for wired, number in self._resources.serve():
                    self._start(wired, number)
            self._hand_over_all()
            while ready and not held:
                if self.crews.default is None and ready[0].is_plain and self._is_unhindered():
                    self._run_plain()
                    if not ready or held:
                        break
                if self._retries and self._readiness.is_serial:
                    break  # the next may need what is tried again
                wired = ready.popleft()
                if not (self._readiness.missing and self._passed_over(wired)):
                    self._claim_and_start(wired, 1)
            self._see_to_the_crews()
            if not self.running and (self.execution.stopping or not self._has_more):
                return
            self._wait()

    def _hand_over_all(self) -> None:
        """Let the crew have all that is ready, where nothing has to be decided of each stage."""
        readiness, crew = self._readiness, as_crew(self.crews.default)
        if crew is None or not self._is_uniform or self._resources is not None:
            return
        if readiness.missing or self.execution.held:
            return
        wires = [*readiness.ready]
        readiness.ready.clear()
        self.running.update(dict.fromkeys([wired.key for wired in wires], 1))
        crew.add(wires)

    def _is_unhindered(self) -> bool:
        is_kept = self.execution.keeper is not None
        return not self._retries and not is_kept and self._readiness.is_unhindered

    def _run_plain(self) -> None:
        """Run the stages at the head of the order that need no decision, here and at once."""
        outcome = run_plain(self.execution, self._readiness.ready)
        if outcome is not None:
            self.settlement.settle(outcome)

    def _see_to_the_crews(self) -> None:
        for crew in self.crews:
            self._see_to(crew)

    def _see_to(self, crew: Crew) -> None:
        """Let somebody take what is queued, or take it back when nothing is to start any more."""
        if self.execution.stopping:
            for wired in crew.recall():
                del self.running[wired.key]
            return
        if self.execution.held:
            return
        try:
            crew.staff()
        except RuntimeError as error:  # there is not one thread to be had
            for wired in crew.recall():
                self._settle(self._not_made(wired, self.running.pop(wired.key), error))

    def _passed_over(self, wired: Wire) -> bool:
        lack = self._readiness.lack(wired)
        if lack is not None:
            self.settlement.skip(wired, *lack)
        return lack is not None

    @property
    def _has_more(self) -> bool:
        """Whether any stage is still to be started, now or later."""
        has_waiting = self._resources is not None and self._resources.has_waiting
        return has_waiting or bool(self._readiness.ready or self._retries)

    def _claim_and_start(self, wired: Wire, number: int) -> None:
        """Start a stage, now or when there is what it uses."""
        if self._resources is not None:
            ranks = self.execution.ranks
            if not self._resources.claim(wired, number, 0 if ranks is None else ranks[wired.key]):
                return
        self._start(wired, number)

    def _start(self, wired: Wire, number: int) -> None:
        caller: Any = None if wired.is_async else self.crews.of(wired)
        crew = as_crew(caller)
        if crew is not None:
            self.running[wired.key] = number
            if number == 1:
                crew.add([wired])
            else:
                crew.add_again(wired, number)
            return
        if caller is None and not wired.is_async:
            self._settle(self.execution.attempt(wired, number))
            return
        try:
            future = self._submit(wired, number, caller)
            returned = partial(_Returned, wired, number)
            future.add_done_callback(lambda done: self._done.put(returned(done)))
        except Exception as error:  # noqa: BLE001 - whoever makes the calls may be the user's
            self._settle(self._not_made(wired, number, error))
        else:
            self.running[wired.key] = number  # in time: only this thread takes from _done

    def _submit(self, wired: Wire, number: int, caller: Executor | None) -> Any:
        if caller is None:
            assert self.loops is not None
            start = partial(self.execution.attempt_async, wired, number)
            return self.loops.submit(start, self.execution.base.copy())
        return caller.submit(partial(self._attempt, wired, number))

    def _attempt(self, wired: Wire, number: int) -> Outcome | None:
        """Make a call for an executor, unless the run stopped while it was queued."""
        if self.execution.stopping:
            return None
        return self.execution.attempt(wired, number)

    def _not_made(self, wired: Wire, number: int, error: BaseException) -> Outcome:
        """Return the outcome of a call that did not come to its end where it was to be made."""
        now = perf_counter_ns()
        return (wired, Attempt(self.execution.log, wired.key, number), now, now, None, error)

    def _wait(self) -> None:
        """Take in what has ended, or start a retry whose time has come."""
        grace_s = self._grace_s()
        if grace_s is not None and grace_s != self._given_s:
            self._give_grace(grace_s)
        if self._is_hurried or (self.deadline is not None and monotonic() > self.deadline):
            self._abandon()
            return
        said = self._next_said()
        while True:
            self._take_in(said)
            if self._done.empty():
                return
            said = self._done.get_nowait()

    def _next_said(self) -> Any:
        """Wait until somebody says something; None when there is something else to do."""
        try:
            return self._done.get(timeout=self._patience())
        except Empty:
            return None

    def _take_in(self, said: Any) -> None:
        """Take in what was said of one stage."""
        if type(said) is Wire:  # it went well, and that is recorded
            if self.running.pop(said.key, None) is not None:
                self._readiness.go_on(said.key)
        elif type(said) is tuple:
            if self.running.pop(said[0].key, None) is not None:
                self._settle(said)
            for crew in self.crews:
                crew.is_halted = False
        elif isinstance(said, _Returned):
            self._take_in_future(said)
        elif isinstance(said, BaseException):
            raise said
        elif said is None:
            self._start_retries()
        else:
            said.left()  # a crew

    def _take_in_future(self, said: _Returned) -> None:
        wired, number = said.wired, said.number
        if self.running.get(wired.key) != number:  # an executor may say twice that it is done
            return
        del self.running[wired.key]
        try:
            outcome = said.future.result()
        except BaseException as error:  # noqa: BLE001 - a broken pool, a task that was cancelled
            told = let_down(wired.key) if _is_cancellation(error) else error
            outcome = self._not_made(wired, number, told)
        if outcome is not None:
            self._settle(outcome)

    def _settle(self, outcome: Outcome) -> None:
        """Take in how an attempt ended, and take back what the stage used."""
        if self._resources is not None:
            self._resources.release(outcome[0].key)
            if self._resources.has_waiting:
                self.wake()
        self.settlement.settle(outcome)

    def _start_retries(self) -> None:
        while not self.execution.held and (due := self._retries.take()) is not None:
            self._claim_and_start(*due)

    def _patience(self) -> float:
        """Seconds until something other than an outcome has to be done.

        A signal that comes just before the wait does not end it, so no wait is long.
        """
        times = [monotonic() + LOOK_UP_S]
        if self.deadline is not None:
            times.append(self.deadline)
        if self._retries and not self.execution.held:
            times.append(self._retries.next_at)
        return max(0.0, min(times) - monotonic())

    def _grace_s(self) -> float | None:
        """Return how long what runs may take to end; None if that does not matter."""
        if self.execution.stopping != "interrupted":
            return self.grace_s
        return GRACE_S if self.grace_s is None else min(self.grace_s, GRACE_S)

    def _give_grace(self, grace_s: float) -> None:
        """Give what runs a while to end."""
        self.deadline, self._given_s = monotonic() + grace_s, grace_s
        if self.loops is not None:
            self.loops.cancel()
        why, names = self.execution.stopping, ", ".join(sorted(self.running))
        leave = "; once more to leave now" if why == "interrupted" else ""
        text = f"{why}: waiting up to {grace_s:g} s for {names}{leave}"
        self.execution.log.add("log", text, level="warning")

    def _abandon(self) -> None:
        """Give up on what still runs; its threads are daemons and keep nothing alive."""
        self._see_to_the_crews()  # both Ctrl-C may have come since: what is queued does not run
        state = "interrupted" if self.execution.stopping == "interrupted" else "cancelled"
        for key, number in self.running.items():
            ended = Ended(state, 0, number, "it did not end in time")
            self.settlement.end(Attempt(self.execution.log, key, number), perf_counter_ns(), ended)
        self.abandoned = self.execution.is_abandoned = bool(self.running)
        self.running.clear()


def _is_cancellation(error: BaseException) -> bool:
    from concurrent.futures import CancelledError  # loaded already: a future raised the error

    return isinstance(error, CancelledError)
