"""Batches: values go through steps that keep nothing, one by one or as a stream."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from pypedream.errors import BatchProtocolError
from pypedream.steps.failures import mark
from pypedream.steps.no_value import NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pypedream.steps.step import Step

__all__ = ["maker", "through"]

_NOTHING = object()


def through(steps: Sequence[Step], values: Iterable[Any]) -> Iterator[Any]:
    """Yield what steps make of values, in their order.

    Steps that take one value at a time are made one after the other for each value; one that makes
    batches gets all values as a stream.
    """
    for is_batched, group in groupby(steps, key=lambda step: step.__pypedream_flags__.is_batched):
        if is_batched:
            for step in group:
                values = _batched(step, values)
        else:
            values = map(maker(list(group)), values)
    return iter(values)


def maker(steps: Sequence[Step]) -> Callable[[Any], Any]:
    """Return what makes steps that take one value at a time, one after the other."""
    first, *rest = [step._run for step in steps]

    def make(value: Any) -> Any:
        run = first
        try:
            value = first() if value is NO_VALUE else first(value)
            for run in rest:
                value = run(value)
        except StopIteration as error:  # it would end the results, as if there were no more
            step = getattr(run, "__self__", None)
            told = RuntimeError(f"{type(step).__name__}._run raised StopIteration")
            _note(told, step)
            raise told from error
        except Exception as error:
            _note(error, getattr(run, "__self__", None))
            raise
        return value

    return make


def _batched(step: Step, values: Iterable[Any]) -> Iterator[Any]:
    """Yield what one call of ``_run_batch`` gives; see that it is one result for each value."""
    source, taken, given = iter(values), 0, 0

    def counted() -> Iterator[Any]:
        nonlocal taken
        for value in source:
            taken += 1
            yield value

    try:
        for result in step._run_batch(counted()):
            if given < taken:
                given += 1
                yield result
            else:
                _refuse(step, source)
    except Exception as error:
        _note(error, step)
        raise
    left = sum(1 for _ in source)
    if given < taken + left:
        raise BatchProtocolError(
            f"{step.told()}._run_batch yields {given} results for {taken + left} inputs: it must"
            " yield one for each, in their order"
        )


def _refuse(step: Step, source: Iterator[Any]) -> None:
    is_over = next(source, _NOTHING) is _NOTHING
    what = "more than one result for an input" if is_over else "a result before it takes an input"
    raise BatchProtocolError(f"{step.told()}._run_batch yields {what}")


def _note(error: Exception, step: object) -> None:
    told = getattr(step, "told", None)
    if told is not None:
        error.add_note(f"in {told()}")
    mark(error)
