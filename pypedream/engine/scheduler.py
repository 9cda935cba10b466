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
from time import monotonic
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, field

from pypedream.context import Attempt
from pypedream.engine.execution import SKIPPED, Execution
from pypedream.engine.retry import is_worth_a_retry, retry_delay_s
from pypedream.errors import ExitPipeline, StageTimeout
from pypedream.log.ended import Ended, error_data
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
    stopping
        Why no new stage starts: "", "failed", "interrupted", "cancelled" or "exited".
    error
        What stopped the run, if it was an exception.
    running
        Stages that an executor or a loop has in hand.
    abandoned
        Whether some of them did not end in time and were left.
    """

    execution: Execution
    executor: Executor | None
    loops: LoopHost
    stopping: str = ""
    error: BaseException | None = None
    failed: list[str] = Factory(list)
    running: set[str] = Factory(set)
    abandoned: bool = False
    _waiting: dict[str, int] = Factory(dict)
    _readers: dict[str, int] = Factory(dict)
    _ready: deque[Wire] = Factory(deque)
    _retries: list[tuple[float, str, int]] = Factory(list)
    _done: SimpleQueue[Any] = field(default=Factory(SimpleQueue))
    _deadline: float | None = None
    _missing: set[str] = field(default=Factory(set))

    def run(self) -> None:
        """Carry out the plan; failures are kept, an interrupt ends the run in good order."""
        self._prepare()
        while True:
            try:
                self._loop()
            except KeyboardInterrupt as error:
                if self.stopping == "interrupted":
                    self._abandon()
                    break
                self._interrupt(error)
            else:
                break

    def cancel(self) -> None:
        """Start no new stage; may be called from any thread."""
        if not self.stopping:
            self.stopping = "cancelled"
        self.loops.cancel()
        self._done.put(None)

    def _prepare(self) -> None:
        plan = self.execution.plan
        chosen = plan.chosen
        wires = plan.blueprint.wiring.wires
        order = plan.blueprint.order
        if self.executor is None and not plan.blueprint.has_async:
            # One call at a time: what a stage needs has ended when its turn in the order comes.
            is_whole = len(chosen) == len(order)
            keys = order if is_whole else [key for key in order if key in chosen]
            self._ready.extend([wires[key] for key in keys])
        else:
            self._waiting = {
                key: sum(need in chosen for need in wires[key].needs)
                for key in wires
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
            while ready and not self.stopping:
                if not (self._waiting or self._readers or self._missing or self._retries):
                    self._run_plain()
                    if not ready or self.stopping:
                        break
                if self._retries and not self._waiting:
                    break  # in order, one after the other: the next may need what is tried again
                wired = ready.popleft()
                if not (self._missing and self._passed_over(wired)):
                    self._start(wired, 1)
            if not self.running and not (self._retries and not self.stopping):
                return
            self._wait()

    def _run_plain(self) -> None:
        """Run the stages at the head of the order that need no decision, here and at once."""
        if self.executor is None:
            outcome = self.execution.run_plain(self._ready, lambda: self.stopping)
            if outcome is not None:
                self._settle(outcome)

    def _passed_over(self, wired: Wire) -> bool:
        lack = self._lack(wired)
        if lack is not None:
            self._skip(wired, *lack)
        return lack is not None

    def _start(self, wired: Wire, number: int) -> None:
        execution = self.execution
        if wired.is_async:
            self.running.add(wired.key)
            start = partial(execution.attempt_async, wired, number)
            self.loops.submit(start, execution.base.copy()).add_done_callback(self._done.put)
        elif self.executor is not None:
            self.running.add(wired.key)
            call = partial(self._attempt, wired, number)
            self.executor.submit(call).add_done_callback(self._done.put)
        else:
            self._settle(execution.attempt(wired, number))

    def _attempt(self, wired: Wire, number: int) -> Outcome | str:
        """Make a call for an executor, unless the run stopped while it was queued."""
        if self.stopping:
            return wired.key
        return self.execution.attempt(wired, number)

    def _wait(self) -> None:
        """Take in one outcome, or start a retry whose time has come."""
        if self._deadline is not None and monotonic() > self._deadline:
            self._abandon()
            return
        future = self._next_outcome()
        if future is None:
            self._start_retries()
            return
        outcome = future.result()
        if isinstance(outcome, str):
            self.running.discard(outcome)
            return
        self.running.discard(outcome[0].key)
        self._settle(outcome)

    def _next_outcome(self) -> Any:
        """Wait for the next attempt to end; None when there is something else to do."""
        try:
            return self._done.get(timeout=self._patience())
        except Empty:
            return None

    def _start_retries(self) -> None:
        wires = self.execution.plan.blueprint.wiring.wires
        while self._retries and self._retries[0][0] <= monotonic() and not self.stopping:
            _, key, number = heappop(self._retries)
            self._start(wires[key], number)

    def _patience(self) -> float | None:
        """Seconds until something other than an outcome has to be done."""
        times = [self._retries[0][0]] if self._retries and not self.stopping else []
        if self._deadline is not None:
            times.append(self._deadline)
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
            self._end(attempt, end, Ended("ok", end - start, attempt.number))
            if wired.stage.policy.timeout_s is not None:
                self._note_overtime(wired, attempt, end - start)
            if self._waiting or self._readers:
                self._go_on(wired.key)

    def _settle_error(self, outcome: Outcome) -> None:
        wired, attempt, start, end, _, error = outcome
        assert error is not None
        if isinstance(error, Exception) and self._retry(wired, attempt, error):
            return
        state = _state_after(error)
        own = users_traceback(error.__traceback__)
        ended = Ended(state, end - start, attempt.number, "", error, own)
        if isinstance(error, ExitPipeline):
            ended = ended._replace(reason=f"it ended the run: {error}")
            self.stopping = self.stopping or "exited"
        self._end(attempt, end, ended)
        self._missing.add(wired.key)
        if state == "interrupted":
            self._interrupt(error)
        elif state == "cancelled":
            self.stopping = self.stopping or "cancelled"
        elif state in ("failed", "timeout"):
            self.failed.append(wired.key)
            if self.execution.plan.options.on_error == "stop":
                self.stopping = self.stopping or "failed"
        self._go_on(wired.key)

    def _retry(self, wired: Wire, attempt: Attempt, error: Exception) -> bool:
        """Plan another attempt if the policy allows one."""
        policy = wired.stage.policy
        if not policy.retries:
            return False
        again = not self.stopping and is_worth_a_retry(policy, attempt.number, error)
        said = error_data(error, users_traceback(error.__traceback__))
        data: dict[str, Any] = {"state": _state_after(error), "error": said}
        if again:
            delay = retry_delay_s(policy, attempt.number)
            data["retry_in_s"] = round(delay, 6)
            heappush(self._retries, (monotonic() + delay, wired.key, attempt.number + 1))
        log = self.execution.log
        log.add("attempt.end", attempt=attempt, level="warning" if again else "error", data=data)
        return again

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
        """After Ctrl-C: start nothing new, and give what runs a while to end."""
        self.stopping = "interrupted"
        self.error = error
        self.loops.cancel()
        if self.running:
            self._deadline = monotonic() + GRACE_S
            names = ", ".join(sorted(self.running))
            text = f"interrupted: waiting up to {GRACE_S:g} s for {names}; once more to leave now"
            self.execution.log.add("log", text, level="warning")

    def _abandon(self) -> None:
        """Give up on what still runs; its threads are daemons and keep nothing alive."""
        for key in self.running:
            self.execution.ended[key] = Ended("interrupted", reason="it did not end in time")
            attempt = Attempt(self.execution.log, key)
            data = {"state": "interrupted", "reason": "it did not end in time"}
            self.execution.log.add("stage.end", attempt=attempt, level="error", data=data)
        self.abandoned = bool(self.running)
        self.running.clear()


_AFTER = {
    "failed": "failed",
    "timeout": "took too long",
    "blocked": "could not run",
    "cancelled": "was cancelled",
    "interrupted": "was interrupted",
}


def _state_after(error: BaseException) -> str:
    if isinstance(error, ExitPipeline):
        return "ok"
    if isinstance(error, StageTimeout):
        return "timeout"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return "cancelled" if type(error).__name__ == "CancelledError" else "failed"
