"""Batches: values go through steps that keep nothing, one by one or as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pypedream.errors import BatchProtocolError
from pypedream.steps.failures import mark
from pypedream.steps.no_value import NO_VALUE
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pypedream.steps.step import Step

__all__ = ["maker", "through"]

_NOTHING = object()
_NO_RESULTS = (Mapping, Set, str, bytes)  # keys, what has no order, and letters


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
        run, given = first, value
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
            step = getattr(run, "__self__", None)
            has_input = run is not first or given is not NO_VALUE
            wrong = _wrong_input(error, step, has_input=has_input)
            _note(wrong or error, step)
            if wrong is not None:
                raise wrong from None
            raise
        return value

    return make


def _wrong_input(error: Exception, step: Any, *, has_input: bool) -> TypeError | None:
    """Return what to say of a step that was given an input and takes none, or needs one."""
    flags = getattr(step, "__pypedream_flags__", None)
    is_of_call = error.__traceback__ is not None and error.__traceback__.tb_next is None
    if not isinstance(error, TypeError) or flags is None or not is_of_call:
        return None
    if has_input and flags.is_pure_generator:
        return TypeError(f"{step.told()} takes no input: run it without one, or first in a chain")
    if not has_input and not flags.is_generator:
        return TypeError(f"{step.told()} needs an input: run(value)")
    return None


def _batched(step: Step, values: Iterable[Any]) -> Iterator[Any]:
    """Yield what one call of ``_run_batch`` gives; see that it is one result for each value."""
    source, taken, given = iter(values), 0, 0

    def counted() -> Iterator[Any]:
        nonlocal taken
        for value in source:
            taken += 1
            yield value

    try:
        for result in _results(step, counted()):
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


def _results(step: Step, values: Iterator[Any]) -> Iterable[Any]:
    results: Any = step._run_batch(values)
    if isinstance(results, _NO_RESULTS) or not isinstance(results, Iterable):
        raise BatchProtocolError(
            f"{step.told()}._run_batch returned {short(results)}: it must yield one result for"
            " each input, in their order"
        )
    return results


def _refuse(step: Step, source: Iterator[Any]) -> None:
    is_over = next(source, _NOTHING) is _NOTHING
    what = "more than one result for an input" if is_over else "a result before it takes an input"
    raise BatchProtocolError(f"{step.told()}._run_batch yields {what}")


def _note(error: Exception, step: object) -> None:
    told = getattr(step, "told", None)
    text = "" if told is None else f"in {told()}"
    if text and text not in getattr(error, "__notes__", ()):  # a step may have called itself
        error.add_note(text)
    mark(error)
