"""The axes of a sweep: for each parameter its values, or what they are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import exp, log
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import DefinitionError
from pypedream.places import calling_place
from pypedream.values import short, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_PAIR = 2


@frozen
class Log:
    """Numbers between two others, as many of each order of magnitude; whole ones if both are."""

    low: float
    high: float

    def draw(self, random: Random) -> float:
        """Return one of them."""
        found = exp(random.uniform(log(self.low), log(self.high)))
        is_whole = isinstance(self.low, int) and isinstance(self.high, int)
        return min(max(round(found) if is_whole else found, self.low), self.high)


def axes_of(function: str, axes: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return all axes by dotted name."""
    if axes is not None and not isinstance(axes, Mapping):
        what = "how many is followed" if function == "sample" else "a parameter is set"
        raise refusal(
            f"{function}: {what} by name=values or a mapping of these, not {written(axes)}"
        )
    found: dict[str, Any] = {}
    for given in ({} if axes is None else axes, named):
        for name, axis in _flat(function, given):
            if name in found:
                raise refusal(f'{function}: axis "{name}" is there twice')
            found[name] = axis
    if not found:
        raise refusal(f"{function}: no axis is given: write {function}(name=[...])")
    return found


def _flat(function: str, axes: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, axis in axes.items():
        if not isinstance(name, str):
            raise refusal(f"{function}: the name of a parameter is a text, not {written(name)}")
        if isinstance(axis, Mapping):
            yield from _flat(function, axis, f"{prefix}{name}.")
        else:
            yield prefix + name, axis


def values_of(name: str, given: Any) -> tuple[Any, ...]:
    """Return the values of an axis that lists them."""
    if isinstance(given, Log) or hasattr(given, "rvs"):
        raise refusal(f'axis "{name}": {written(given)} lists no values: draw them with sample')
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise refusal(f'axis "{name}": {written(given)} is one value: write [{short(given, 40)}]')
    # numbers of an array are numpy's own, which read badly in a table
    is_array = getattr(getattr(given, "dtype", None), "kind", "") in ("b", "i", "u", "f")
    values = tuple(given.tolist() if is_array and hasattr(given, "tolist") else given)
    if not values:
        raise refusal(f'axis "{name}" has no values: name some or leave it out')
    return values


def drawn_from(name: str, axis: Any) -> Callable[[Random], Any]:
    """Return the function that draws a value for an axis."""
    if isinstance(axis, Log):
        return axis.draw
    if hasattr(axis, "rvs"):
        return lambda random: _plain(axis.rvs(random_state=random.getrandbits(32)))
    if callable(axis):
        return axis  # type: ignore[no-any-return]
    if isinstance(axis, tuple) and len(axis) == _PAIR and all(map(is_number, axis)):
        return _between(name, *axis)
    values = values_of(name, axis)
    return lambda random: random.choice(values)


def _between(name: str, low: float, high: float) -> Callable[[Random], float]:
    if not low < high:
        raise refusal(
            f'axis "{name}": ({low}, {high}) is a range and has no numbers between: write the lower'
            f" one first, or [{low}, {high}] to choose from"
        )
    if isinstance(low, int) and isinstance(high, int):
        return lambda random: random.randint(low, high)
    return lambda random: random.uniform(low, high)


def _plain(value: Any) -> Any:
    """Return a number of numpy's as one of Python's."""
    return value.item() if getattr(value, "shape", None) == () else value


def is_number(value: object) -> bool:
    """Say whether *value* is a number; a truth value is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def refusal(what: str) -> DefinitionError:
    """Return the error that says what is wrong, and where the user wrote it."""
    return DefinitionError(f"sweep: {what} ({calling_place()})")
