"""Async stages on one loop, together and as many as may be."""

from __future__ import annotations

import asyncio

import pytest

from pypedream import Pipeline


@pytest.mark.parametrize("workers, most", [(1, 1), (3, 3), (None, 8)])
def test_as_many_async_stages_are_awaited_together_as_workers_say(workers, most):
    """Without a number all that are ready run at the same time."""
    inside, seen = 0, []
    flow = Pipeline("side by side")

    async def work():
        nonlocal inside
        inside += 1
        await asyncio.sleep(0.05)
        seen.append(inside)
        inside -= 1

    for number in range(8):
        flow.stage(work, name=f"s{number}")

    flow.run(workers=workers)

    assert max(seen) == most


def test_those_that_wait_for_their_turn_are_cancelled_with_the_others():
    """A run that is cancelled begins none of them."""
    begun = []
    flow = Pipeline("stopped")

    async def work():
        begun.append(1)
        flow.last_run.cancel()
        await asyncio.sleep(30)

    for number in range(5):
        flow.stage(work, name=f"s{number}")

    with pytest.raises(RuntimeError, match="was cancelled"):
        flow.run(workers=1)

    assert begun == [1]
