"""Settlement: what becomes of a stage, and of the run, when an attempt has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, define, field

from pypedream.context import Attempt
from pypedream.engine.execution import SKIPPED, new_ended
from pypedream.engine.retry import is_worth_a_retry
from pypedream.engine.reuse import Taken
from pypedream.errors import ExitPipeline, MapStopped, StageKilled, StageTimeout
from pypedream.log.ended import Ended, error_data
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from pypedream.engine.execution import Execution, Outcome
    from pypedream.engine.readiness import Readiness
    from pypedream.engine.retry import Retries
    from pypedream.engine.wiring import Wire


@define(eq=False, repr=False)
class Settlement:
    """Takes in how the attempts of one run ended; only the scheduler's thread calls it.

    Attributes
    ----------
    retries
        Gets the attempts that are to be made again.
    readiness
        Is told what has ended; there when the scheduler begins.
    failed
        Stages that failed for good, in the order in which they did.
    error
        What stopped the run, if it was an exception.
    """

    execution: Execution
    retries: Retries
    readiness: Readiness = field(init=False)
    failed: list[str] = Factory(list)
    error: BaseException | None = None

    def settle(self, outcome: Outcome) -> None:
        """Take in how an attempt ended."""
        wired, attempt, start, end, value, error = outcome
        if error is not None:
            self._settle_error(outcome)
        elif value is SKIPPED:
            self.skip(wired, "skipped", "its condition does not hold")
        elif type(value) is Taken:
            self._take_over(wired, attempt, end, value)
        else:
            self.execution.values[wired.key] = value
            worker = self.execution.workers.pop(wired.key, "")
            items = self._items_of(wired)
            fields = ("ok", end - start, attempt.number, "", None, None, items, worker)
            ended = new_ended(Ended, fields)
            self.end(attempt, end, ended)
            if wired.stage.policy.timeout_s is not None and wired.over is None:
                self._note_overtime(wired, attempt, end - start)
            self.readiness.go_on(wired.key)

    def _items_of(self, wired: Wire) -> dict[str, int] | None:
        fan = self.execution.fans.get(wired.key) if wired.over is not None else None
        if fan is None:
            return None
        from pypedream.engine.fan import counted

        return counted(fan)

    def _take_over(self, wired: Wire, attempt: Attempt, end: int, taken: Taken) -> None:
        self.execution.values[wired.key] = taken.value
        self.execution.name_outputs(wired, taken.value)
        self.end(attempt, end, Ended("reused", reason=taken.reason))
        self.readiness.go_on(wired.key)

    def _settle_error(self, outcome: Outcome) -> None:
        wired, attempt, start, end, _, error = outcome
        assert error is not None
        if isinstance(error, Exception) and self._retry(wired, attempt, error):
            return
        state = _state_after(wired, error)
        if isinstance(error, MapStopped):
            state = "interrupted" if self.execution.stopping == "interrupted" else "cancelled"
        own = users_traceback(error.__traceback__)
        worker, items = self.execution.workers.pop(wired.key, ""), self._items_of(wired)
        ended = Ended(state, end - start, attempt.number, "", error, own, items, worker)
        if isinstance(error, ExitPipeline):
            ended = ended._replace(reason=f"it ended the run: {error}")
            self.execution.stop("exited")
        self.end(attempt, end, ended)
        self.readiness.missing.add(wired.key)
        if state == "interrupted":
            if isinstance(error, KeyboardInterrupt):
                self.interrupt(error)
        elif state == "cancelled":
            self.execution.stop("cancelled")
        elif state in ("failed", "killed", "timeout"):
            self.failed.append(wired.key)
            if self.execution.plan.on_error_of(wired.key) == "stop":
                self.execution.stop("failed")
        self.readiness.go_on(wired.key)

    def _retry(self, wired: Wire, attempt: Attempt, error: Exception) -> bool:
        """Plan another attempt if the policy allows one."""
        policy = wired.stage.policy
        if not policy.retries or isinstance(error, ExitPipeline) or wired.over is not None:
            return False  # of a mapped stage each item is tried again
        again = not self.execution.stopping and is_worth_a_retry(wired, attempt, error)
        said = error_data(error, users_traceback(error.__traceback__))
        data: dict[str, Any] = {"state": _state_after(wired, error), "error": said}
        worker = self.execution.workers.get(wired.key)
        if worker:
            data["worker"] = worker
        if again:
            delay = self.retries.plan(wired, attempt.number)
            data["retry_in_s"] = round(delay, 6)
        log = self.execution.log
        log.add("attempt.end", attempt=attempt, level="warning" if again else "error", data=data)
        return again

    def end(self, attempt: Attempt, end: int, ended: Ended) -> None:
        """Keep and record how a stage ended."""
        self.execution.ended[attempt.stage] = ended
        log = self.execution.log
        level = "info" if ended.state in ("ok", "reused") else "error"
        log.records.append((next(log.counter), end, attempt, "stage.end", level, None, None, ended))
        if log.is_live:
            log.deliver()

    def pass_over(self, key: str, state: str, reason: str) -> None:
        """Keep and record that a stage is not called."""
        log = self.execution.log
        self.execution.ended[key] = Ended(state, reason=reason)
        data = {"state": state, "reason": reason}
        log.add("stage.skip", attempt=Attempt(log, key, 0), data=data)

    def skip(self, wired: Wire, state: str, reason: str) -> None:
        """Pass over a stage whose turn has come, and with it what needs it."""
        self.pass_over(wired.key, state, reason)
        self.readiness.missing.add(wired.key)
        self.readiness.go_on(wired.key)

    def interrupt(self, error: BaseException) -> None:
        """Start no new stage after Ctrl-C."""
        self.error = error
        self.execution.stop("interrupted", anyway=True)

    def _note_overtime(self, wired: Wire, attempt: Attempt, duration_ns: int) -> None:
        limit = wired.stage.policy.timeout_s
        took = duration_ns / 1e9
        if limit is not None and took > limit:
            text = f'stage "{wired.key}" took {took:.3g} s, over its timeout_s={limit:g}'
            self.execution.log.add("warning", text, attempt=attempt, level="warning")


def _state_after(wired: Wire, error: BaseException) -> str:
    if isinstance(error, ExitPipeline):
        return "ok"
    if isinstance(error, StageTimeout):
        return "timeout"
    if isinstance(error, StageKilled):
        return "killed"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return "cancelled" if wired.is_async and _is_cancellation(error) else "failed"


def _is_cancellation(error: BaseException) -> bool:
    from asyncio import CancelledError  # loaded already: a coroutine raised the error

    return isinstance(error, CancelledError)
