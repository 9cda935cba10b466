"""A fan-out: one thousand stages that all read the same value, side by side in two threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.benchmarks import peers
from tests.benchmarks.measure import PROCESSES, Row, in_calls, pooled
from tests.benchmarks.stages import fan_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTH = 1_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure stages in two threads, beside a bare pool of two threads."""
    beside = {} if quick else {name: one["run"] for name, one in peers.fan_out(WIDTH).items()}
    yield from pooled(two_threads, 1 if quick else PROCESSES, 3 if quick else 21, beside)


def two_threads(samples: int, beside: dict[str, list[float]]) -> list[Row]:
    """Measure 1,000 stages with events in memory."""
    from pypedream import Parameters, Pipeline

    stages = fan_out(WIDTH)
    flow = Pipeline("fan-out", Parameters.define(x=1), stages)

    def run() -> Any:
        return flow.run(progress=False, executor="threads", workers=2)

    assert dict(run()) == dict.fromkeys(stages, 1)
    figure = f"fan-out of {WIDTH:,}, two threads: run"
    ratios = in_calls(run, WIDTH + 1, samples)
    bare = in_calls(lambda: in_bare_pool(stages["s0"]), WIDTH, samples)
    return [Row(figure, "calls a stage", ratios, 120, {"bare pool": bare, **beside})]


def in_bare_pool(function: Callable[..., Any]) -> list[Any]:
    """Call the function as often in a pool of two threads, with nothing around it."""
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(function, 1) for _ in range(WIDTH)]
        return [future.result() for future in futures]
