from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import pytest

from pypedream import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable


def by_position(first, second):
    return first, second


def by_keyword(*, second, first):
    return first, second


def with_rest(first, *rest, second):
    return first, second


def by_name_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap *function* in one that takes nothing by position."""

    @wraps(function)
    def wrapper(**arguments):
        return function(**arguments)

    return wrapper


@pytest.mark.parametrize("executor", ["serial", "threads"])
@pytest.mark.parametrize(
    "function",
    [
        by_position,
        by_keyword,
        with_rest,
        by_name_only(by_position),
        partial(by_position),
    ],
    ids=["by position", "by keyword", "with rest", "wrapped", "partial"],
)
def test_a_function_is_called_as_it_can_be(function: Callable[..., Any], executor: str) -> None:
    """Each argument gets the value of the stage of its name, however the function takes it."""
    flow = Pipeline("calls", stages={"first": lambda: 1, "second": lambda: 2, "both": function})

    assert flow.run(executor=executor)["both"] == (1, 2)


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_failed_stage_shows_what_it_was_called_with(executor: str) -> None:
    """The arguments are known by their names, also of a stage that got them by position."""

    def ratio(first, second):
        return first / second

    flow = Pipeline("fails", stages={"first": lambda: 1, "second": lambda: 0, "ratio": ratio})

    run = flow.run(executor=executor, on_error="continue")

    assert run.failure is not None
    inputs = run.failure.inputs
    assert {name: one.value for name, one in inputs.items()} == {"first": 1, "second": 0}


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_value_that_cannot_be_changed_needs_no_guard(executor: str) -> None:
    """Stages that share a number are called as if they were its only readers."""
    stages = {f"reader{number}": lambda number: number + 1 for number in range(20)}
    flow = Pipeline("share", stages={"number": lambda: 1, **stages})

    run = flow.run(executor=executor, workers=2, mutation="error")

    assert dict(run) == {"number": 1, **dict.fromkeys(stages, 2)}
