"""Identities: what it costs to find out which functions of a pipeline are what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import Row, cpu_s, in_calls, one_call, pooled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT = 1_000
TEXT = """
K = 3
CONFIG = {"rate": 0.5, "sizes": [1, 2, 3]}
def helper(x):
    return x * 2
"""
SIMPLE = """
def f{0}(x, k={0}):
    return helper(x) + K * k + len(str(x))
"""
MUTABLE = """
def f{0}(x, k={0}):
    return helper(x) + CONFIG["rate"] * k
"""


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure functions that have a helper, a constant and a default, in fresh processes."""
    yield from pooled(_rows, 1 if quick else 5, 1 if quick else 5)


def _rows(samples: int) -> list[Row]:
    return [
        Row("identity of a function, first time", "calls", _first(samples)),
        Row("identity of a function, again", "calls", _again(SIMPLE, samples)),
        Row("the same, with a dict that it reads", "calls", _again(MUTABLE, samples)),
    ]


def functions(text: str) -> list[Callable[..., Any]]:
    """Return functions that share a helper and a constant; none was seen before."""
    names: dict[str, Any] = {"__name__": "__main__"}
    written = TEXT + "".join(text.format(number) for number in range(COUNT))
    exec(compile(written, "/flow/stages.py", "exec"), names)
    return [names[f"f{number}"] for number in range(COUNT)]


def _first(samples: int) -> list[float]:
    from pypedream.store.identity import stage_identity

    ratios = []
    for _ in range(samples + 1):
        made = functions(SIMPLE)
        cost = cpu_s(lambda made=made: [stage_identity(each) for each in made])
        ratios.append(cost / COUNT / one_call())
    return ratios[1:]  # the first one also imports


def _again(text: str, samples: int) -> list[float]:
    from pypedream.store.identity import stage_identity

    made = functions(text)
    return in_calls(lambda: [stage_identity(each) for each in made], COUNT, samples)
