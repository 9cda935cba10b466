"""Plain stages: they take return values and nothing else, and many are called one after the other.

Most stages are of this kind, and small ones are many: what is here is all that one costs.
"""

from __future__ import annotations

from threading import current_thread, main_thread
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pypedream import context
from pypedream.context import Attempt
from pypedream.log.delivery import UNASKED
from pypedream.log.streams import STREAMS

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from pypedream.engine.execution import Execution, Outcome
    from pypedream.engine.wiring import Wire
    from pypedream.log.event_log import EventLog


def run_plain(
    execution: Execution, ready: deque[Wire], tell: Callable[[Wire], object] | None = None
) -> Outcome | None:
    """Call stage after stage as long as they take return values and nothing else.

    This is written out in one piece, with what does not change outside the loop. The step from one
    stage to the next is one record, and the attempt is let go of.

    Parameters
    ----------
    ready
        Stages that can run, in order; those that are called are taken out. Other threads may do the
        same.
    tell
        Is told of each stage that ended well.

    Returns
    -------
    The outcome of a stage that raised; None when the next stage is of another kind, when
    none is left, or when none is to be begun.
    """
    log, values, held = execution.log, execution.values, execution.held
    is_live, counter, append, now = log.is_live, log.counter, log.records.append, perf_counter_ns
    copy, first_output, guard = execution.base.copy, execution.first_output, execution.guard
    is_beside, worker = current_thread() is not main_thread(), execution.worker_here() or None
    ended = last = start = None  # of the stage before
    end = now()
    while not held:
        try:
            wired = ready.popleft()
        except IndexError:
            break
        if not wired.is_plain or (
            wired.guarded and guard is not None and guard.concerns(wired, values)
        ):
            ready.appendleft(wired)
            break
        if is_beside:
            STREAMS.ensure()
        key, attempt = wired.key, _bare(Attempt)
        attempt.log, attempt.stage, attempt.number = log, key, 1
        attempt.item = attempt.data = None
        attempt.output = first_output
        seq = next(counter)
        append((seq, end, key, "step", ended, None, last, start))
        start = end
        if is_live and not (log.is_attended and seq % UNASKED):
            log.deliver_soon()
        try:
            value = copy().run(call_plain, attempt, wired.function, wired.needs, values)
        except BaseException as error:  # noqa: BLE001 - the scheduler decides what becomes of it
            return _raised(execution, wired, attempt, start, error)
        if attempt.output is not None:
            attempt.output.close()
        if execution.is_abandoned:
            return None
        values[key] = value
        ended, last, end = key, next(counter), now()
        if tell is not None:
            # Before others hear of it. Sinks do with the next start, or when there is none.
            append((last, end, None, "step", key, worker, last, start))
            ended = last = start = None
            tell(wired)
    _step_out(execution.log, ended, last, end, start)
    return None


def _raised(
    execution: Execution, wired: Wire, attempt: Attempt, start: int, error: BaseException
) -> Outcome:
    """Return the outcome of a plain stage that raised."""
    end, key = finished(attempt), wired.key
    execution.bound[key] = {need: execution.values[need] for need in wired.needs}
    worker = execution.worker_here()
    if worker:
        execution.workers[key] = worker
    return (wired, attempt, start, end, None, error)


def _step_out(
    log: EventLog, ended: str | None, last: int | None, end: int, start: int | None
) -> None:
    """Record the end of a stage after which none starts here at once."""
    if ended is not None and last is not None:
        log.records.append((last, end, None, "step", ended, None, last, start))
    if log.is_live:
        log.deliver_soon()


def finished(attempt: Attempt) -> int:
    """End what the attempt printed without a newline; return the time."""
    if attempt.output is not None:
        attempt.output.close()
    return perf_counter_ns()


_enter = context.STAGE.set
_bare = Attempt.__new__  # without its fields: calling `__init__` costs as much as many a stage


def call_plain(
    attempt: Attempt,
    function: Callable[..., Any],
    needs: tuple[str, ...],
    values: dict[str, Any],
) -> Any:
    """Call a function with return values within its attempt: all under this is the user's code."""
    _enter(attempt)
    if len(needs) == 1:  # by far the most: it costs half as much as to unpack arguments
        return function(values[needs[0]])
    return function(*map(values.__getitem__, needs))  # costs less than by name
