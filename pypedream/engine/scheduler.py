"""The scheduler: one loop that starts what is ready and takes in what has ended.

It is given an executor and knows nothing of how that makes its calls; without one it makes them
itself. Coroutines go to a loop that runs elsewhere. Only the thread that runs the loop changes
what is scheduled, so there is nothing to lock.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, field

from pypedream.context import Attempt
from pypedream.engine.execution import SKIPPED, Execution, new_ended
from pypedream.engine.retry import is_worth_a_retry, retry_delay_s
from pypedream.errors import ExitPipeline, StageTimeout
from pypedream.log.ended import Ended, error_data, said_by
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from pypedream.engine.coroutines import LoopHost
    from pypedream.engine.execution import Outcome
    from pypedream.engine.wiring import Wire
    from pypedream.protocols import Executor

GRACE_S = 10.0
"""How long running stages may take to end after the first Ctrl-C."""


@define(eq=False)
class Scheduler:
    """Carries out one execution.

    Attributes
    ----------
    error
        What stopped the run, if it was an exception.
    running
        From the future of a call that an executor or a loop has in hand to its stage and attempt.
    abandoned
        Whether some of them did not end in time and were left.
    deadline
        Until when they may end after Ctrl-C, by the monotonic clock.
    """

    execution: Execution
    executor: Executor | None
    loops: LoopHost
    error: BaseException | None = None
    failed: list[str] = Factory(list)
    running: dict[Any, tuple[Wire, int]] = Factory(dict)
    abandoned: bool = False
    deadline: float | None = None
    _waiting: dict[str, int] = Factory(dict)
    _readers: dict[str, int] = Factory(dict)
    _ready: deque[Wire] = Factory(deque)
    _retries: list[tuple[float, str, int]] = Factory(list)
    _done: SimpleQueue[Any] = field(default=Factory(SimpleQueue))
    _is_hurried: bool = False
    _missing: set[str] = field(default=Factory(set))

    def run(self) -> None:
        """Carry out the plan; failures are kept, an interrupt ends the run in good order."""
        self._prepare()
        while True:
            try:
                self._loop()
            except KeyboardInterrupt as error:
                if self.execution.stopping == "interrupted":
                    self._abandon()
                    break
                self._interrupt(error)
            else:
                break

    def cancel(self) -> None:
        """Start no new stage; may be called from any thread."""
        if not self.execution.stopping:
            self.execution.stopping = "cancelled"
        self.loops.cancel()
        self._done.put(None)

    def interrupt(self) -> None:
        """Start no new stage, as after Ctrl-C; may be called from a signal handler."""
        self._interrupt(KeyboardInterrupt())
        self._done.put(None)

    def hurry(self) -> None:
        """Leave what still runs; may be called from a signal handler."""
        self._is_hurried = True
        self._done.put(None)

    def break_off(self, error: BaseException) -> None:
        """Start no new stage: what carries out the run, and not a stage, raised *error*."""
        if not isinstance(error, KeyboardInterrupt):
            self.error = error
            self.execution.stopping = "failed"
        elif self.execution.stopping != "interrupted":
            self._interrupt(error)
        self.abandoned = bool(self.running)

    def _prepare(self) -> None:
        plan = self.execution.plan
        chosen = plan.chosen
        wires = plan.blueprint.wiring.wires
        order = plan.blueprint.order
        if self.executor is None and not plan.blueprint.has_async:
            # One call at a time: what a stage needs has ended when its turn in the order comes.
            is_whole = len(chosen) == len(order)
            keys = order if is_whole else [key for key in order if key in chosen]
            self._ready.extend(map(wires.__getitem__, keys))
        else:
            self._waiting = {
                key: len(chosen.intersection(wired.needs))
                for key, wired in wires.items()
                if key in chosen
            }
            first = [key for key, count in self._waiting.items() if not count]
            self._ready.extend([wires[key] for key in first])
        self._missing.update(plan.skipped)
        if plan.options.keep != "all":
            self._count_readers()

    def _count_readers(self) -> None:
        plan = self.execution.plan
        keep = plan.options.keep
        readers = dict.fromkeys(plan.blueprint.wiring.wires, 0)
        for key in plan.chosen:
            for need in plan.blueprint.wiring.wires[key].needs:
                readers[need] += 1
        if keep == "ends":
            self._readers = {key: count for key, count in readers.items() if count}
        else:
            self._readers = {key: count for key, count in readers.items() if key not in keep}

    def _loop(self) -> None:
        ready = self._ready
        while True:
            while ready and not self.execution.stopping:
                if self.executor is None and ready[0].is_plain and self._is_unhindered():
                    self._run_plain()
                    if not ready or self.execution.stopping:
                        break
                if self._retries and not self._waiting:
                    break  # in order, one after the other: the next may need what is tried again
                wired = ready.popleft()
                if not (self._missing and self._passed_over(wired)):
                    self._start(wired, 1)
            if not self.running and not (self._retries and not self.execution.stopping):
                return
            self._wait()

    def _is_unhindered(self) -> bool:
        """Say whether a stage at the head of the order can be called without a decision."""
        return not (self._waiting or self._readers or self._missing or self._retries)

    def _run_plain(self) -> None:
        """Run the stages at the head of the order that need no decision, here and at once."""
        outcome = self.execution.run_plain(self._ready)
        if outcome is not None:
            self._settle(outcome)

    def _passed_over(self, wired: Wire) -> bool:
        lack = self._lack(wired)
        if lack is not None:
            self._skip(wired, *lack)
        return lack is not None

    def _start(self, wired: Wire, number: int) -> None:
        if self.executor is None and not wired.is_async:
            self._settle(self.execution.attempt(wired, number))
            return
        try:
            future = self._submit(wired, number)
            future.add_done_callback(self._done.put)
        except Exception as error:  # noqa: BLE001 - whoever makes the calls may be the user's
            self._settle(self._not_made(wired, number, error))
        else:
            self.running[future] = (wired, number)  # in time: only this thread takes from _done

    def _submit(self, wired: Wire, number: int) -> Any:
        if wired.is_async:
            start = partial(self.execution.attempt_async, wired, number)
            return self.loops.submit(start, self.execution.base.copy())
        assert self.executor is not None
        return self.executor.submit(partial(self._attempt, wired, number))

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
        """Take in one outcome, or start a retry whose time has come."""
        if self.execution.stopping == "interrupted" and self.deadline is None:
            self._give_grace()
        if self._is_hurried or (self.deadline is not None and monotonic() > self.deadline):
            self._abandon()
            return
        future = self._next_outcome()
        if future is None:
            self._start_retries()
            return
        wired, number = self.running.pop(future, _NOBODY)
        if wired is None:  # an executor may say twice that it is done
            return
        try:
            outcome = future.result()
        except BaseException as error:  # noqa: BLE001 - a broken pool, a task that was cancelled
            outcome = self._not_made(wired, number, error)
        if outcome is not None:
            self._settle(outcome)

    def _next_outcome(self) -> Any:
        """Wait for the next attempt to end; None when there is something else to do."""
        try:
            return self._done.get(timeout=self._patience())
        except Empty:
            return None

    def _start_retries(self) -> None:
        wires = self.execution.plan.blueprint.wiring.wires
        while self._retries and self._retries[0][0] <= monotonic() and not self.execution.stopping:
            _, key, number = heappop(self._retries)
            self._start(wires[key], number)

    def _patience(self) -> float | None:
        """Seconds until something other than an outcome has to be done."""
        if not self._retries and self.deadline is None:
            return None
        times = [self._retries[0][0]] if self._retries and not self.execution.stopping else []
        if self.deadline is not None:
            times.append(self.deadline)
        return max(0.0, min(times) - monotonic()) if times else None

    def _settle(self, outcome: Outcome) -> None:
        """Take in how an attempt ended."""
        wired, attempt, start, end, value, error = outcome
        if error is not None:
            self._settle_error(outcome)
        elif value is SKIPPED:
            self._skip(wired, "skipped", "its condition does not hold")
        else:
            self.execution.values[wired.key] = value
            ended = new_ended(Ended, ("ok", end - start, attempt.number, "", None, None))
            self._end(attempt, end, ended)
            if wired.stage.policy.timeout_s is not None:
                self._note_overtime(wired, attempt, end - start)
            if self._waiting or self._readers:
                self._go_on(wired.key)

    def _settle_error(self, outcome: Outcome) -> None:
        wired, attempt, start, end, _, error = outcome
        assert error is not None
        if isinstance(error, Exception) and self._retry(wired, attempt, error):
            return
        state = _state_after(wired, error)
        own = users_traceback(error.__traceback__)
        ended = Ended(state, end - start, attempt.number, "", error, own)
        if isinstance(error, ExitPipeline):
            ended = ended._replace(reason=f"it ended the run: {error}")
            self.execution.stopping = self.execution.stopping or "exited"
        self._end(attempt, end, ended)
        self._missing.add(wired.key)
        if state == "interrupted":
            self._interrupt(error)
        elif state == "cancelled":
            self.execution.stopping = self.execution.stopping or "cancelled"
        elif state in ("failed", "timeout"):
            self.failed.append(wired.key)
            if self.execution.plan.options.on_error == "stop":
                self.execution.stopping = self.execution.stopping or "failed"
        self._go_on(wired.key)

    def _retry(self, wired: Wire, attempt: Attempt, error: Exception) -> bool:
        """Plan another attempt if the policy allows one."""
        policy = wired.stage.policy
        if not policy.retries or isinstance(error, ExitPipeline):
            return False
        again = not self.execution.stopping and self._is_worth_a_retry(attempt, wired, error)
        said = error_data(error, users_traceback(error.__traceback__))
        data: dict[str, Any] = {"state": _state_after(wired, error), "error": said}
        if again:
            delay = retry_delay_s(policy, attempt.number)
            data["retry_in_s"] = round(delay, 6)
            heappush(self._retries, (monotonic() + delay, wired.key, attempt.number + 1))
        log = self.execution.log
        log.add("attempt.end", attempt=attempt, level="warning" if again else "error", data=data)
        return again

    def _is_worth_a_retry(self, attempt: Attempt, wired: Wire, error: Exception) -> bool:
        try:
            return is_worth_a_retry(wired.stage.policy, attempt.number, error)
        except Exception as raised:  # noqa: BLE001 - the rule is the user's
            what = f"{type(raised).__name__}: {said_by(raised)}"
            text = f'retry_on of stage "{wired.key}" raised {what}'
            self.execution.log.add("warning", text, attempt=attempt, level="warning")
            return False

    def _end(self, attempt: Attempt, end: int, ended: Ended) -> None:
        """Keep and record how a stage ended."""
        self.execution.ended[attempt.stage] = ended
        log = self.execution.log
        level = "info" if ended.state == "ok" else "error"
        log.records.append((next(log.counter), end, attempt, "stage.end", level, None, None, ended))
        if log.is_live:
            log.deliver()

    def _go_on(self, key: str) -> None:
        """Let go of what *key* was the last to read, and see what is ready now."""
        blueprint = self.execution.plan.blueprint
        if self._readers:
            self._release(key, blueprint.wiring.wires[key].needs)
        waiting = self._waiting
        for child in blueprint.children[key] if waiting else ():
            if child in waiting:
                waiting[child] -= 1
                if not waiting[child]:
                    self._ready.append(blueprint.wiring.wires[child])

    def _release(self, key: str, needs: tuple[str, ...]) -> None:
        """Let go of the results that nobody will read any more."""
        readers = self._readers
        for need in needs:
            if need in readers:
                readers[need] -= 1
        for one in (key, *needs):
            if readers.get(one) == 0:
                self.execution.values.pop(one, None)
                self.execution.mapped.pop(one, None)

    def _lack(self, wired: Wire) -> tuple[str, str] | None:
        """Say in which state and why a stage cannot run for want of another; None if it can."""
        ended = self.execution.ended
        for need in wired.needs:
            if need in self._missing and ended[need].state not in ("skipped", "ok"):
                return "blocked", f'needs "{need}", which {_AFTER[ended[need].state]}'
        for link in wired.links:
            if link.kind == "stage" and link.is_required and link.name in self._missing:
                return "skipped", f'needs "{link.name}", which was skipped'
        return None

    def pass_over(self, key: str, state: str, reason: str) -> None:
        """Keep and record that a stage is not called."""
        log = self.execution.log
        self.execution.ended[key] = Ended(state, reason=reason)
        data = {"state": state, "reason": reason}
        log.add("stage.skip", attempt=Attempt(log, key, 0), data=data)

    def _skip(self, wired: Wire, state: str, reason: str) -> None:
        self.pass_over(wired.key, state, reason)
        self._missing.add(wired.key)
        self._go_on(wired.key)

    def _note_overtime(self, wired: Wire, attempt: Attempt, duration_ns: int) -> None:
        limit = wired.stage.policy.timeout_s
        took = duration_ns / 1e9
        if limit is not None and took > limit:
            text = f'stage "{wired.key}" took {took:.3g} s, over its timeout_s={limit:g}'
            self.execution.log.add("warning", text, attempt=attempt, level="warning")

    def _interrupt(self, error: BaseException) -> None:
        """Start no new stage after Ctrl-C."""
        self.error = error
        self.execution.stopping = "interrupted"

    def _give_grace(self) -> None:
        """Give what runs a while to end."""
        self.deadline = monotonic() + GRACE_S
        self.loops.cancel()
        names = ", ".join(sorted(wired.key for wired, _ in self.running.values()))
        text = f"interrupted: waiting up to {GRACE_S:g} s for {names}; once more to leave now"
        self.execution.log.add("log", text, level="warning")

    def _abandon(self) -> None:
        """Give up on what still runs; its threads are daemons and keep nothing alive."""
        for wired, number in self.running.values():
            ended = Ended("interrupted", 0, number, "it did not end in time")
            self._end(Attempt(self.execution.log, wired.key, number), perf_counter_ns(), ended)
        self.abandoned = bool(self.running)
        self.running.clear()


_NOBODY: tuple[None, int] = (None, 0)

_AFTER = {
    "failed": "failed",
    "timeout": "took too long",
    "blocked": "could not run",
    "cancelled": "was cancelled",
    "interrupted": "was interrupted",
}


def _state_after(wired: Wire, error: BaseException) -> str:
    if isinstance(error, ExitPipeline):
        return "ok"
    if isinstance(error, StageTimeout):
        return "timeout"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return "cancelled" if wired.is_async and _is_cancellation(error) else "failed"


def _is_cancellation(error: BaseException) -> bool:
    from asyncio import CancelledError  # loaded already: a coroutine raised the error

    return isinstance(error, CancelledError)
