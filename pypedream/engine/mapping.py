"""Mapping: a stage is called for each item; whoever has nothing else to do helps.

The member of a crew that takes a mapped stage leads: it opens the items to the others, calls some
itself and waits for the last. So what surrounds a call, such as keeping what it gave, is the same
for a stage with a million items as for one without any.
"""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.engine.fan import Fan
from pypedream.engine.items_before import Noting, made_with
from pypedream.engine.one_shot import refuse_what_is_read
from pypedream.engine.resources import Loan, used_by
from pypedream.engine.retry import is_worth_a_retry, retry_delay_s
from pypedream.engine.sources import Pace, gathered, source_of
from pypedream.errors import ExitPipeline, MapStopped
from pypedream.executors.calling import Calling, Made, call_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.context import Attempt
    from pypedream.engine.chunks import Chunk
    from pypedream.engine.crew import Crew
    from pypedream.engine.execution import Execution
    from pypedream.engine.item_guard import ItemGuard
    from pypedream.engine.item_keeping import ItemKeeper
    from pypedream.engine.items_before import Knowing
    from pypedream.engine.part import Shape
    from pypedream.engine.wiring import Wire

LOOK_UP_S = 0.5
MOST_NS = 200_000_000
"""Items that turn out to take longer than others are left to whoever is free after so long."""
PAUSED_S = 0.05
"""How long who leads a mapped stage takes to notice that the run goes on."""


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
    part = execution.part_of(wired.key)
    if part is not None and part.stop is None:
        return shape_of(wired, arguments)
    members = 1 if crew is None else crew.members_for(wired)
    fan = fan_of(execution, wired, attempt, arguments, members)
    fan.make = made_here(execution, fan) if crew is None else crew.made_by(fan)
    for knowing in all_knowing_of(execution, fan, kept):
        fan.make = partial(made_with, knowing, fan.make)
    if crew is not None and members > 1:
        fan.call_for_help = partial(crew.share, fan)
        fan.loan = loan_of(execution, wired, fan.call_for_help)
        fan.call_for_help()
    try:
        while not fan.is_over and not execution.stopping:
            if execution.is_paused:
                sleep(PAUSED_S)
            elif not work_on(fan):
                fan.wait(LOOK_UP_S)
    finally:
        fan.stop()
    while not fan.is_over and not execution.is_abandoned:
        fan.wait(LOOK_UP_S)
    fan.make = None  # it holds what other processes share: an array may be another one next time
    return result_of(execution, fan)


def all_knowing_of(execution: Execution, fan: Fan, kept: ItemKeeper | None) -> list[Knowing]:
    """Return all that knows results of items, the one to ask first last."""
    all_knowing: list[Knowing] = [] if kept is None else [kept]
    before = execution.plan.reuse.items.get(fan.wired.key)
    if before is not None and before.is_for(fan.common):
        all_knowing.append(before)
    noting = Noting.of(fan)
    return all_knowing if noting is None else [*all_knowing, noting]


def loan_of(execution: Execution, wired: Wire, again: Callable[[], object]) -> Loan | None:
    """Return what each helper has to claim, if the stage uses anything."""
    uses, resources = used_by(wired), execution.resources
    return None if resources is None or not uses else Loan(resources, uses, again)


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
        record(fan, chunk, made, is_single=is_single)
        fan.took(chunk, made)
        fan.tell_progress()
    return True


def record(fan: Fan, chunk: Chunk, made: Made, *, is_single: bool) -> None:
    """Say what went well: of single items each, of small ones how many."""
    count = len(made.values)
    if not count:
        return
    log, limit_s = fan.attempt.log, fan.wired.stage.policy.timeout_s
    if limit_s is not None:
        _note_overtime(fan, chunk, made, limit_s)
    took_s = (made.ended_ns[-1] - made.started_ns) / 1e9
    if is_single:
        state = "reused" if made.reused else "ok"
        data: dict[str, Any] = {"state": state, "duration_s": took_s, **_by(made)}
        log.add("attempt.end", attempt=fan.attempt_of(chunk, 0), data=data)
        return
    data = {
        "first": chunk.keys[0],
        "last": chunk.keys[count - 1],
        "count": count,
        "duration_s": took_s,
        **_by(made),
    }
    if made.reused:
        data["reused"] = made.reused
    log.add("items", attempt=fan.attempt, data=data)


def _by(made: Made) -> dict[str, str]:
    return {"worker": made.worker} if made.worker else {}


def _note_overtime(fan: Fan, chunk: Chunk, made: Made, limit_s: float) -> None:
    """Warn of each item that took longer than it may, and could not be stopped."""
    before = made.started_ns
    for place, end in enumerate(made.ended_ns):
        took_s, before = (end - before) / 1e9, end
        if took_s > limit_s:
            attempt = fan.attempt_of(chunk, place)
            whose = f'item {attempt.item} of stage "{attempt.stage}"'
            text = f"{whose} took {took_s:.3g} s, over its timeout_s={limit_s:g}"
            fan.attempt.log.add("warning", text, attempt=attempt, level="warning")


def fan_of(
    execution: Execution,
    wired: Wire,
    attempt: Attempt,
    arguments: dict[str, Any],
    members: int,
) -> Fan:
    """Return the items of a mapped stage before any is called."""
    over, policy = wired.over, wired.stage.policy
    assert over is not None
    common = {**_defaults(wired, arguments), **arguments}
    given = {name: common[name] for name in over.names if name in common}
    for name, value in given.items():
        refuse_what_is_read(execution, over.source(name), value)
    source = source_of(over, common, policy.item_key)
    part = execution.part_of(wired.key)
    if part is not None:
        source = part.of(source)
    chunk = policy.chunk or (1 if policy.timeout_s is not None else None)
    fan = Fan(
        wired,
        attempt,
        given,
        common,
        source,
        Pace(chunk, members),
        execution.plan.on_error_of(wired.key) != "stop",
        partial(_delay_before_retry, execution, wired),
    )
    execution.fans[wired.key] = fan
    return fan


def shape_of(wired: Wire, arguments: dict[str, Any]) -> Shape:
    """Return what the items of a mapped stage are like; none is called."""
    from pypedream.engine.part import Shape

    assert wired.over is not None
    common = {**_defaults(wired, arguments), **arguments}
    return Shape.of(source_of(wired.over, common, wired.stage.policy.item_key))


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
    call = call_of(wired.call, wired.over.names, fan.common)
    watching = watching_of(execution, wired)
    calling = Calling(
        call if watching is None else watching.around(call),
        attempt.log,
        wired.key,
        copy_context(),
        execution.held if fan.pace.fixed is None else _Stopping(execution, fan),
        attempt.data,
        execution.first_output,
        most_ns=MOST_NS if fan.pace.fixed is None else None,
    )

    def make(chunk: Chunk) -> Made:
        made = calling.make(chunk.keys, chunk.calls, chunk.number)
        made.worker = execution.worker_here()
        return made

    return make


def watching_of(execution: Execution, wired: Wire) -> ItemGuard | None:
    """Return what watches items that may be called again, with what a call has left of them."""
    if not wired.stage.policy.retries:
        return None
    from pypedream.engine.item_guard import item_guard_of

    return item_guard_of(execution, wired)


@define(eq=False)
class _Stopping:
    """True when the run stops, or the stage: chunks may be long."""

    execution: Execution
    fan: Fan

    def __bool__(self) -> bool:
        return self.fan.is_stopped or bool(self.execution.held)


def result_of(execution: Execution, fan: Fan) -> Any:
    """Return what a mapped stage gives and let go of the rest; raise what ended it."""
    try:
        return _gathered(execution, fan)
    finally:
        fan.release()


def _gathered(execution: Execution, fan: Fan) -> Any:
    over, policy = fan.wired.over, fan.wired.stage.policy
    assert over is not None
    if fan.error is not None:
        raise _first_error(fan, fan.error)
    if execution.stopping and fan.is_unfinished:
        raise MapStopped(f"{fan.said_done()} when the run stopped")
    if fan.failed:
        if execution.plan.on_error_of(fan.wired.key) != "collect":
            raise fan.failed[min(fan.failed)].error
        if execution.keeper is not None:
            execution.keeper.incomplete.add(fan.wired.key)
        from pypedream.engine.failure import failure_of_item

        for place, one in fan.failed.items():
            fan.put(place, failure_of_item(fan, one, execution.parameters))
    if execution.part_of(fan.wired.key) is not None:
        return fan.values
    return gathered(fan.source, fan.values, over, policy.collect)


def _first_error(fan: Fan, error: BaseException) -> BaseException:
    """Return what the first item raised that failed, in the order of items and not of time."""
    is_of_item = any(one.error is error for one in fan.failed.values())
    return fan.failed[min(fan.failed)].error if is_of_item else error
