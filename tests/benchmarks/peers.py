"""Other libraries that wire functions by the names of their arguments, measured in the same way.

They are installed by hand: ``python -m pip install -e ".[bench]"``. One that is not there is left
out.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.benchmarks import stages
from tests.benchmarks.measure import apart, in_calls, is_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.benchmarks.stages import Stages

    Ratios = dict[str, list[float]]
    Peer = tuple[Callable[[], Any], Callable[[Any], Any]]

MODULES = {"Hamilton": "hamilton.driver", "pipefunc": "pipefunc"}
LIMIT_S = 120
OTHERS = {"diskcache": "diskcache", "exca": "exca"}


def left_out() -> Iterator[str]:
    """Yield a line for each peer that is not installed."""
    for name, module in (MODULES | OTHERS).items():
        if not is_installed(module):
            yield f'{name} is left out, it is not installed: python -m pip install -e ".[bench]"'


def chain(length: int) -> dict[str, Ratios]:
    """Build and run a chain with each peer; pipefunc also a shorter one, as it is quadratic."""
    asked = {
        "Hamilton": (hamilton_chain, length, 7),
        f"pipefunc, {length // 10:,}": (pipefunc_chain, length // 10, 5),
        f"pipefunc, {length:,}": (pipefunc_chain, length, 1),
    }
    return _measured(asked)


def fan_out(width: int) -> dict[str, Ratios]:
    """Run stages that all read the same value, in two threads."""
    asked = {
        "Hamilton": (hamilton_fan_out, width, 5),
        "pipefunc": (pipefunc_fan_out, width, 1),
    }
    return _measured(asked)


def measure(peer: Callable[[int], Peer], count: int, samples: int) -> Ratios:
    """Measure building and running with one peer, in the process that this is called in."""
    sys.setrecursionlimit(20 * count + 1_000)  # they call themselves once or more a stage
    build, run = peer(10)
    assert run(build()) == 1  # and it has imported what it needs
    build, run = peer(count)
    built: list[Any] = []
    building = in_calls(lambda: built.append(build()), count, samples, warm_up=False)
    assert run(built[-1]) == 1
    return {"build": building, "run": in_calls(lambda: run(built[-1]), count, max(3, samples))}


def hamilton_chain(length: int) -> Peer:
    """Return how Hamilton builds a chain, and how it runs it."""
    return _hamilton(stages.chain(length, annotated=True), [f"s{length - 1}"])


def hamilton_fan_out(width: int) -> Peer:
    """Return how Hamilton builds and runs a fan-out, each call a future of a pool of two."""
    from hamilton.plugins.h_threadpool import FutureAdapter

    functions = stages.fan_out(width, annotated=True)
    return _hamilton(functions, [*functions][1:], FutureAdapter)


def pipefunc_chain(length: int) -> Peer:
    """Return how pipefunc builds a chain, and how it runs it."""
    from pipefunc import PipeFunc, Pipeline

    functions = stages.chain(length)

    def build() -> Any:
        return Pipeline([PipeFunc(function, name) for name, function in functions.items()])

    return build, lambda pipeline: pipeline.run(f"s{length - 1}", kwargs={"x": 1})


def pipefunc_fan_out(width: int) -> Peer:
    """Return how pipefunc builds a fan-out, and how it runs it in a pool of two."""
    from pipefunc import PipeFunc, Pipeline

    functions = stages.fan_out(width)

    def build() -> Any:
        return Pipeline([PipeFunc(function, name) for name, function in functions.items()])

    def run(pipeline: Any) -> Any:
        with ThreadPoolExecutor(2) as pool:
            results = pipeline.map({"x": 1}, executor=pool, show_progress=False, storage="dict")
        return results[f"s{width - 1}"].output

    return build, run


def _hamilton(
    functions: Stages, wanted: list[str], adapter: Callable[..., Any] | None = None
) -> Peer:
    from hamilton import ad_hoc_utils, driver

    module = ad_hoc_utils.create_temporary_module(*functions.values())

    def build() -> Any:
        builder = driver.Builder().with_modules(module)
        if adapter is not None:
            builder = builder.with_adapters(adapter(max_workers=2))
        return builder.build()

    return build, lambda built: built.execute(wanted, inputs={"x": 1})[wanted[-1]]


def _measured(asked: Mapping[str, tuple[Callable[[int], Peer], int, int]]) -> dict[str, Ratios]:
    found = {}
    for name, (peer, count, samples) in asked.items():
        if is_installed(MODULES[name.partition(",")[0]]):
            ratios = apart(measure, peer, count, samples, limit_s=LIMIT_S)
            found[name] = ratios or {"build": [], "run": []}
    return found
