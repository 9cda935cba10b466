from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pypedream.steps import Chain, Step
from pypedream.steps.items import BatchProtocolError


class Batch(Step):
    """Yields what a function makes of the values."""

    function: Callable[[Iterator[int]], Iterator[Any]]

    def _run_batch(self, values: Iterable[int]) -> Iterator[Any]:
        return self.function(iter(values))


def too_many(values: Iterator[int]) -> Iterator[int]:
    for value in values:
        yield value
        yield value


def too_many_at_last(values: Iterator[int]) -> Iterator[int]:
    yield from values
    yield 0


def too_few(values: Iterator[int]) -> Iterator[int]:
    yield from list(values)[1:]


def too_soon(values: Iterator[int]) -> Iterator[int]:
    yield 0
    yield from values


def stops(values: Iterator[int]) -> Iterator[int]:
    yield next(values)


def fails(values: Iterator[int]) -> Iterator[int]:
    yield next(values)
    next(values)
    raise ZeroDivisionError("second")


def nothing(values: Iterator[int]) -> None:
    list(values)


def named(values: Iterator[int]) -> dict[int, int]:
    return {value: 2 * value for value in values}


def in_no_order(values: Iterator[int]) -> set[int]:
    return {2 * value for value in values}


WRONG = [
    (named, r"_run_batch returned \{1: 2, 2: 4, 3: 6\}: it must yield one result for each"),
    (in_no_order, r"_run_batch returned \{2, 4, 6\}: it must yield one result for each"),
    (nothing, "_run_batch returned None: it must yield one result for each input"),
    (too_many, "yields a result before it takes an input"),
    (too_many_at_last, "yields more than one result for an input"),
    (too_few, "yields 2 results for 3 inputs: it must yield one for each"),
    (too_soon, "yields a result before it takes an input"),
    (stops, "yields 1 results for 3 inputs"),
]


@pytest.mark.parametrize("function, said", WRONG, ids=lambda one: getattr(one, "__name__", ""))
def test_a_batch_that_breaks_its_promise_is_told_so(function, said):
    """Also where nothing is kept."""
    with pytest.raises(BatchProtocolError, match=said):
        list(Batch(function=function).run_many([1, 2, 3]))


@pytest.mark.parametrize("function, said", WRONG, ids=lambda one: getattr(one, "__name__", ""))
def test_nothing_of_a_broken_batch_is_kept(function, said, tmp_path):
    """Nor is the error: the code is to be mended."""
    step = Batch(function=function, infra={"folder": tmp_path})

    with pytest.raises(BatchProtocolError, match=said):
        list(step.run_many([1, 2, 3]))

    assert [step.lookup(value).status for value in (1, 2, 3)] == [None, None, None]


def test_an_error_in_a_batch_is_of_the_inputs_that_were_taken(tmp_path):
    """What was given before is kept, what was not taken is neither."""
    step = Batch(function=fails, infra={"folder": tmp_path})

    with pytest.raises(ZeroDivisionError, match="second"):
        list(step.run_many([1, 2, 3]))

    assert [step.lookup(value).status for value in (1, 2, 3)] == ["success", "error", None]


def test_batches_are_a_stream_between_steps():
    """Nothing is taken before it is needed."""
    taken: list[int] = []

    class Source(Step):
        def _run(self, value: int) -> int:
            taken.append(value)
            return value

    def doubled(values: Iterator[int]) -> Iterator[int]:
        return (2 * value for value in values)

    chain = Chain(steps=[Source(), Batch(function=doubled), Batch(function=doubled)])
    results = iter(chain.run_many([1, 2, 3]))

    assert next(results) == 4
    assert taken == [1]


def test_an_error_names_the_step(tmp_path: Path):
    """With the fields that were set."""

    class Divide(Step):
        by: int = 0

        def _run(self, value: int) -> float:
            return value / self.by

    with pytest.raises(ZeroDivisionError) as caught:
        Chain(steps=[Divide(by=1), Divide(by=0)]).run(1)

    assert caught.value.__notes__ == ["in Divide(by=0)"]


class Stops(Step):
    def _run(self, value: int) -> int:
        if value == 2:
            raise StopIteration
        return value


@pytest.mark.parametrize("is_kept", [False, True], ids=["nothing kept", "kept"])
def test_a_stop_iteration_of_a_step_does_not_end_the_results(tmp_path: Path, is_kept: bool):
    """Whoever asks for the results is told; they do not end as if there were no more."""
    step = Stops(infra={"folder": tmp_path} if is_kept else None)

    with pytest.raises(RuntimeError, match=r"Stops\._run raised StopIteration"):
        list(step.run_many([1, 2, 3]))
    with pytest.raises(RuntimeError, match=r"Stops\._run raised StopIteration"):
        list(map(step.run, [1, 2, 3]))
