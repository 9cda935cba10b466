"""Mapping of async stages: several items are awaited at the same time."""

from __future__ import annotations

from contextlib import nullcontext
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.engine.items_before import only_found
from pypedream.engine.mapping import (
    all_knowing_of,
    fan_of,
    loan_of,
    record,
    result_of,
    shape_of,
    watching_of,
)
from pypedream.executors.calling import Made

if TYPE_CHECKING:
    from pypedream.context import Attempt
    from pypedream.engine.chunks import Chunk
    from pypedream.engine.execution import Execution
    from pypedream.engine.fan import Fan
    from pypedream.engine.item_guard import ItemGuard
    from pypedream.engine.item_keeping import ItemKeeper
    from pypedream.engine.items_before import Knowing
    from pypedream.engine.resources import Loan
    from pypedream.engine.wiring import Wire

LOOK_UP_S = 0.5
AGAIN_S = 0.01
"""How long who awaits items waits until it looks again whether there is one."""
AT_ONCE = 64
"""So many items are awaited at the same time, if nothing else is said."""


async def map_over_async(
    execution: Execution,
    wired: Wire,
    attempt: Attempt,
    arguments: dict[str, Any],
    *,
    kept: ItemKeeper | None = None,
) -> Any:
    """Await an async stage for each of its items, several at a time."""
    from asyncio import create_task, gather

    part = execution.part_of(wired.key)
    if part is not None and part.stop is None:
        return shape_of(wired, arguments)
    most = wired.stage.policy.workers or execution.plan.options.workers or AT_ONCE
    fan = fan_of(execution, wired, attempt, arguments, most)
    fan.pace.fixed = 1
    watching = watching_of(execution, wired)
    items = _Items(execution, fan, all_knowing_of(execution, fan, kept), watching)
    loan = loan_of(execution, wired, bool)
    total = fan.source.total
    count = most if total is None else max(1, min(most, total))
    if loan is not None:
        count = min(count, loan.most)
    tasks = [create_task(items.work(each)) for each in (None, *[loan] * (count - 1))]
    try:
        await gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)  # nobody awaits an item any more
        fan.release()
        raise
    finally:
        fan.stop()
    return result_of(execution, fan)


@define(eq=False)
class _Items:
    """The items of one async stage; several tasks take one after the other."""

    execution: Execution
    fan: Fan
    all_knowing: list[Knowing]
    watching: ItemGuard | None

    async def work(self, needed: Loan | None) -> None:
        """Await items as long as there are any.

        Parameters
        ----------
        needed
            What is claimed for each of them; None for the task whose claim the stage has.
        """
        from asyncio import sleep

        while not self.fan.is_over and not self.execution.stopping:
            if self.execution.is_paused or (needed is not None and not needed.claim()):
                await sleep(AGAIN_S)
                continue
            try:
                if not await self._work_on_one():
                    return
            finally:
                if needed is not None:
                    needed.release()

    async def _work_on_one(self) -> bool:
        """Await one item, or for a while; False when there will be none for this task."""
        from asyncio import sleep

        fan = self.fan
        chunk = fan.take()
        if chunk is not None:
            fan.attempt.log.add("attempt.start", attempt=fan.attempt_of(chunk, 0))
            made = _known(self.all_knowing, chunk)
            if made is None:
                made = await _awaited_item(self.execution, fan, chunk, self.watching)
                for knowing in self.all_knowing:
                    knowing.keep(chunk, made)
            record(fan, chunk, made, is_single=True)
            fan.took(chunk, made)
            fan.tell_progress()
            return True
        delay_s = fan.retry_in_s
        if delay_s is None:  # whose item fails now tries it again
            return False
        await sleep(min(delay_s, LOOK_UP_S))
        return True


def _known(all_knowing: list[Knowing], chunk: Chunk) -> Made | None:
    for knowing in reversed(all_knowing):
        found = knowing.find(chunk)
        if found:
            return only_found([found[0]])
    return None


async def _awaited_item(
    execution: Execution, fan: Fan, chunk: Chunk, watching: ItemGuard | None
) -> Made:
    from asyncio import get_running_loop

    made = Made(perf_counter_ns())
    attempt = fan.attempt_of(chunk, 0)
    attempt.output = execution.first_output
    context = fan.base.copy()
    context.run(_enter, attempt)
    caught = _caught(fan, watching, chunk.calls[0], made)
    task = get_running_loop().create_task(caught, context=context)
    try:
        await task
    finally:
        if attempt.output is not None:
            attempt.output.close()
    made.ended_ns.append(perf_counter_ns())
    return made


async def _caught(
    fan: Fan, watching: ItemGuard | None, values: tuple[Any, ...], made: Made
) -> None:
    """Await an item; here, as a loop ends when one of its tasks raises SystemExit."""
    from asyncio import CancelledError

    from pypedream.engine.execution import awaited

    try:
        with nullcontext(values) if watching is None else watching.watching(values) as used:
            made.values.append(await awaited(fan.wired, fan.arguments_of(used)))
    except CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - the fan decides what becomes of it
        made.error = error


def _enter(attempt: Attempt) -> None:
    from pypedream import context

    context.STAGE.set(attempt)
