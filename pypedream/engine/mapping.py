"""Mapping: a stage is called for each item; whoever has nothing else to do helps.

The member of a crew that takes a mapped stage leads: it opens the items to the others, calls some
itself and waits for the last. So what surrounds a call, such as keeping what it gave, is the same
for a stage with a million items as for one without any.
"""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pypedream.engine.fan import Chunk, Fan
from pypedream.engine.retry import is_worth_a_retry, retry_delay_s
from pypedream.engine.sources import Pace, gathered, source_of
from pypedream.errors import ExitPipeline, MapStopped
from pypedream.executors.calling import Calling, Made, call_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.context import Attempt
    from pypedream.engine.crew import Crew
    from pypedream.engine.execution import Execution
    from pypedream.engine.item_keeping import ItemKeeper
    from pypedream.engine.wiring import Wire

LOOK_UP_S = 0.5
AT_ONCE = 64
"""So many items of an async stage are awaited at the same time, if nothing else is said."""


def map_over(
    execution: Execution,
    wired: Wire,
    attempt: Attempt,
    arguments: dict[str, Any],
    *,
    crew: Crew | None = None,
    kept: ItemKeeper | None = None,
) -> Any:
    """Call a stage for each of its items and return what they gave.

    Parameters
    ----------
    crew
        Who calls the stage and may help; None when one stage runs at a time.
    kept
        Keeps what items give and knows what is kept.

    Raises
    ------
    MapError
        If there are no items.
    MapStopped
        If the run stopped before all items were called.
    Exception
        What an item raised, if that is not to be collected.
    """
    members = 1 if crew is None else crew.members_for(wired)
    fan = _fan_of(execution, wired, attempt, arguments, members)
    make = made_here(execution, fan) if crew is None else crew.made_by(fan)
    fan.make = make if kept is None else partial(kept.make, make)
    if crew is not None and members > 1:
        crew.share(fan)
    try:
        while not fan.is_over and not execution.stopping:
            if not work_on(fan):
                fan.wait(LOOK_UP_S)
    finally:
        fan.stop()
    while not fan.is_over and not execution.is_abandoned:
        fan.wait(LOOK_UP_S)
    fan.make = None  # it holds what other processes share: an array may be another one next time
    return _result(execution, fan)


def work_on(fan: Fan) -> bool:
    """Call one chunk of items; False if there is none at the moment."""
    chunk = fan.take()
    if chunk is None:
        return False
    assert fan.make is not None
    is_single = len(chunk.calls) == 1
    if is_single:
        fan.attempt.log.add("attempt.start", attempt=fan.attempt_of(chunk, 0))
    try:
        made = fan.make(chunk)
    except BaseException as error:  # noqa: BLE001 - the leader raises it
        fan.gave_up(error)
    else:
        _record(fan, chunk, made, is_single=is_single)
        fan.took(chunk, made)
    return True


def _record(fan: Fan, chunk: Chunk, made: Made, *, is_single: bool) -> None:
    """Say what went well: of single items each, of small ones how many."""
    count = len(made.values)
    if not count:
        return
    log = fan.attempt.log
    took_s = (made.ended_ns[-1] - made.started_ns) / 1e9
    if is_single:
        data: dict[str, Any] = {"state": "ok", "duration_s": took_s}
        log.add("attempt.end", attempt=fan.attempt_of(chunk, 0), data=data)
        return
    data = {
        "first": chunk.keys[0],
        "last": chunk.keys[count - 1],
        "count": count,
        "duration_s": took_s,
    }
    log.add("items", attempt=fan.attempt, data=data)


def _fan_of(
    execution: Execution,
    wired: Wire,
    attempt: Attempt,
    arguments: dict[str, Any],
    members: int,
) -> Fan:
    over, policy = wired.over, wired.stage.policy
    assert over is not None
    common = {**_defaults(wired, arguments), **arguments}
    source = source_of(over, common, policy.item_key)
    chunk = policy.chunk or (1 if policy.timeout_s is not None else None)
    on_error = policy.on_error or execution.plan.options.on_error
    fan = Fan(
        wired,
        attempt,
        common,
        source,
        Pace(chunk, members),
        on_error != "stop",
        partial(_delay_before_retry, execution, wired),
    )
    execution.fans[wired.key] = fan
    return fan


def _defaults(wired: Wire, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is mapped over by default: an argument that nothing gives a value."""
    assert wired.over is not None
    missing = [name for name in wired.over.names if name not in arguments]
    if not missing:
        return {}
    from inspect import signature

    known = signature(wired.function).parameters
    return {name: known[name].default for name in missing}


def _delay_before_retry(
    execution: Execution, wired: Wire, attempt: Attempt, error: BaseException
) -> float | None:
    """Return in how many seconds a failed item is tried again; None if it is not."""
    if execution.stopping or isinstance(error, ExitPipeline) or not isinstance(error, Exception):
        return None
    if not is_worth_a_retry(wired, attempt, error):
        return None
    return retry_delay_s(wired.stage.policy, attempt.number)


def made_here(execution: Execution, fan: Fan) -> Callable[[Chunk], Made]:
    """Return what calls the items of a chunk in this process."""
    wired, attempt = fan.wired, fan.attempt
    assert wired.over is not None
    calling = Calling(
        call_of(wired.function, wired.over.names, fan.common),
        attempt.log,
        wired.key,
        copy_context(),
        execution,
        attempt.data,
        execution.first_output,
    )

    def make(chunk: Chunk) -> Made:
        return calling.make(chunk.keys, chunk.calls, chunk.number)

    return make


def _result(execution: Execution, fan: Fan) -> Any:
    """Return what a mapped stage gives; raise what ended it."""
    over, policy = fan.wired.over, fan.wired.stage.policy
    assert over is not None
    if fan.error is not None:
        raise fan.error
    if execution.stopping and fan.is_unfinished:
        raise MapStopped(f"{fan.said_done()} when the run stopped")
    if fan.failed:
        on_error = policy.on_error or execution.plan.options.on_error
        if on_error != "collect":
            raise fan.failed[min(fan.failed)].error
        from pypedream.engine.failure import failure_of_item

        for place, one in fan.failed.items():
            fan.put(place, failure_of_item(fan, one, execution.parameters))
    return gathered(fan.source, fan.values, over, policy.collect)


async def map_over_async(
    execution: Execution, wired: Wire, attempt: Attempt, arguments: dict[str, Any]
) -> Any:
    """Await an async stage for each of its items, several at a time."""
    from asyncio import gather, sleep

    most = wired.stage.policy.workers or execution.plan.options.workers or AT_ONCE
    fan = _fan_of(execution, wired, attempt, arguments, most)
    fan.pace.fixed = 1

    async def work() -> None:
        while not fan.is_over and not execution.stopping:
            chunk = fan.take()
            if chunk is None:
                await sleep(0.01)
                continue
            fan.attempt.log.add("attempt.start", attempt=fan.attempt_of(chunk, 0))
            made = await _awaited_item(execution, fan, chunk)
            _record(fan, chunk, made, is_single=True)
            fan.took(chunk, made)

    total = fan.source.total
    count = most if total is None else max(1, min(most, total))
    try:
        await gather(*[work() for _ in range(count)])
    finally:
        fan.stop()
    return _result(execution, fan)


async def _awaited_item(execution: Execution, fan: Fan, chunk: Chunk) -> Made:
    from asyncio import get_running_loop

    from pypedream.engine.execution import awaited

    made = Made(perf_counter_ns())
    attempt = fan.attempt_of(chunk, 0)
    attempt.output = execution.first_output
    context = fan.base.copy()
    context.run(_enter, attempt)
    arguments = fan.arguments_of(chunk.calls[0])
    task = get_running_loop().create_task(awaited(fan.wired, arguments), context=context)
    try:
        made.values.append(await task)
    except Exception as error:  # noqa: BLE001 - the fan decides what becomes of it
        made.error = error
    finally:
        if attempt.output is not None:
            attempt.output.close()
    made.ended_ns.append(perf_counter_ns())
    return made


def _enter(attempt: Attempt) -> None:
    from pypedream import context

    context.STAGE.set(attempt)
