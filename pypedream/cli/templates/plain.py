"""A pipeline: functions that take their arguments from each other by name."""

from __future__ import annotations

from pypedream import Parameters, Pipeline

flow = Pipeline("analysis", Parameters.define(numbers=[3, 1, 4, 1, 5], factor=2))


@flow.stage
def scaled(numbers: list[int], factor: int) -> list[int]:
    """Take parameters, because they bear the names of the arguments."""
    print("scaling", len(numbers), "numbers by", factor)
    return [number * factor for number in numbers]


@flow.stage
def total(scaled: list[int]) -> int:
    """Take what the stage "scaled" returned."""
    print("the total is", sum(scaled))
    return sum(scaled)
