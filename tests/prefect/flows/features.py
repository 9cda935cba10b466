"""A pipeline with a bit of everything, for tests of what other systems make of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import Enum
from pathlib import Path

from attrs import frozen

from pypedream import Parameter, Parameters, Pipeline


class Mode(Enum):
    FAST = "f"
    EXACT = "e"


@frozen
class Model:
    day: date
    mode: Mode
    weights: tuple[float, ...]


prepare = Pipeline("prepare", Parameters.define(size=3))


@prepare.stage
def load(size: int) -> list[int]:
    """Load the numbers."""
    print("loading", size)
    return [*range(size)]


@prepare.stage
def double(load: list[int]) -> list[int]:
    return [2 * each for each in load]


flow = Pipeline(
    "features",
    Parameters.define(
        day=Parameter(date, date(2025, 3, 1), help="The day that it is for."),
        mode=Mode.FAST,
        deep=True,
        size=Parameter(int, 3, min=0, max=1000),
        state=Parameter(str, "", help="A file that counts attempts."),
    ),
)
flow.include(prepare, prefix="prep")


@flow.stage
def model(day: date, mode: Mode) -> Model:
    return Model(day, mode, (0.5, 1.5))


@flow.stage(over={"number": "prep.double"})
def square(number: int) -> int:
    print("squaring", number)
    return number**2


@flow.stage
def offsets(deep: bool) -> dict[str, int]:
    return {"low": 1, "high": 10} if deep else {}


@flow.stage(over={"offset": "offsets"}, retries=1)
def named(offset: int, model: Model) -> tuple[int, str]:
    return offset, model.mode.name


@flow.stage(when="deep", tags="slow")
def train(model: Model, square: list[int]) -> float:
    return sum(square) * model.weights[1]


@flow.stage
def score(train: float) -> float:
    return train + 1


@flow.stage
def either(prep_total: int, train: float = -1.0) -> tuple[int, float]:
    return prep_total, train


@flow.stage
def prep_total(square: list[int]) -> int:
    return sum(square)


@flow.stage(retries=2, retry_delay_s=0.01, jitter=False, timeout_s=60)
def flaky(state: str, prep_total: int) -> int:
    if state:
        file = Path(state)
        attempt = len(file.read_text()) if file.exists() else 0
        file.write_text("x" * (attempt + 1))
        if attempt < 2:
            raise ConnectionError("not yet")
    return prep_total


@flow.stage
def lines() -> Iterator[str]:
    yield "a"
    yield "b"


@flow.stage(over={"line": "lines"}, after="flaky")
def upper(line: str) -> str:
    return line.upper()


@flow.stage
def report(named: dict[str, tuple[int, str]], upper: list[str], flaky: int) -> set[str]:
    return {*named, *upper, str(flaky)}
