"""Stages that are called, bound and put together in other ways."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pypedream import (
    Input,
    InputBinding,
    Parameters,
    Pipeline,
    SequentialOutputMapper,
    context,
    dependency,
    logger,
    patterns,
)

flow = Pipeline("manners", Parameters.define("start", scale=2, how="sum", is_quick=False))


def spread(start, scale):
    return [start, start * scale, start * scale**2]


flow.stage(spread, name="numbers")


@flow.stage(output_mapper=SequentialOutputMapper(["low", "high"]))
def limits(numbers):
    return min(numbers), max(numbers)


@flow.stage(inputs=[dependency("limits", "high", from_output="high")])
def doubled(high):
    return 2 * high


flow.stage(
    patterns.switch("how", {"sum": lambda numbers: sum(numbers) / 1, "first": lambda start: start}),
    name="switched",
)
flow.stage(
    patterns.branch(
        "is_quick", then=lambda numbers: numbers[:1], otherwise=lambda numbers: numbers
    ),
    name="branched",
)
flow.stage(patterns.reduce(lambda total, one: total * 10 + one, over="numbers", name="digits"))
flow.stage(patterns.broadcast([min, max, sum], over="numbers", name="summary"))
flow.stage(partial(pow, 2), name="power", inputs=[Input("exp", InputBinding.immediate(5))])


@flow.stage(
    inputs=[
        Input(
            "both",
            InputBinding.contextual(
                context.STAGES, lambda stages: [stages["limits"], stages["digits"]]
            ),
        )
    ],
    after=["limits", "digits"],
)
def mapped_by_hand(both):
    return both


@flow.stage
async def awaited(numbers):
    await asyncio.sleep(0)
    return [number + 1 for number in numbers]


@flow.stage(over="numbers", executor="threads")
async def each_awaited(numbers):
    await asyncio.sleep(0)
    return numbers - 1


@flow.stage
def threaded(numbers):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda number: number * 3, numbers))


@flow.stage
def endless(start):
    for number in range(start, start + 3):
        logger.info("gives", number=number)
        yield number


@flow.stage(over="endless", name="of_endless")
def taken(endless):
    return -endless


@flow.stage(on_error="continue", over={"one": "numbers"})
def steady(one):
    return one / 2
