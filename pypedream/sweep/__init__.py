"""Sweep: the points that `Pipeline.map_runs` goes through, each a mapping of parameters.

>>> from pypedream import sweep
>>> points = sweep.grid(rate=[0.1, 0.2], depth=range(3))
>>> len(points), points[4]
(6, {'rate': 0.2, 'depth': 1})

Sweeps are put after each other with ``+`` and crossed with ``*``; either side may be a plain list
of dicts. They are sequences that are worked out point by point, so a large grid takes no room.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

from pypedream.sweep.axes import Log, axes_of, drawn_from, is_number, refusal, values_of
from pypedream.sweep.points import Grid, Joined, Listed, Points
from pypedream.values import short, written

__all__ = ["Log", "Points", "grid", "log", "sample", "zip"]


def grid(
    axes: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None, /, **named: Iterable[Any]
) -> Points:
    """Return every combination of values; the last axis changes fastest.

    Parameters
    ----------
    axes
        From parameter to its values, for names with dots. Mappings may be nested. A list of such
        mappings is a grid after a grid.
    named
        The same by keyword.

    Raises
    ------
    DefinitionError
        If an axis is one value and not several, or has none.

    Examples
    --------
    >>> list(grid({"model.depth": [1, 2]}, rate=[0.1]))
    [{'model.depth': 1, 'rate': 0.1}, {'model.depth': 2, 'rate': 0.1}]
    >>> len(grid(rate=[0.1, 0.2]) * grid(seed=range(5)) + [{"rate": 0.5}])
    11
    """
    if axes is not None and not isinstance(axes, (Mapping, str)) and isinstance(axes, Iterable):
        return Joined.of(*(grid(each, **named) for each in axes))
    found = axes_of("grid", axes, named)
    return Grid({name: values_of(name, values) for name, values in found.items()})


def zip(  # noqa: A001 - it is read as sweep.zip, and does what zip does
    axes: Mapping[str, Any] | None = None, /, **named: Iterable[Any]
) -> Points:
    """Return points side by side: the first value of every axis, the second of every axis, ...

    Parameters
    ----------
    axes, named
        As for `grid`.

    Raises
    ------
    DefinitionError
        If axes are not of the same length, or `grid` would refuse one of them.

    Examples
    --------
    >>> list(zip(rate=[0.1, 0.2], depth=[3, 5]))
    [{'rate': 0.1, 'depth': 3}, {'rate': 0.2, 'depth': 5}]
    """
    found = axes_of("zip", axes, named)
    values = {name: values_of(name, each) for name, each in found.items()}
    if len({*map(len, values.values())}) > 1:
        lengths = ", ".join(f"{name} has {len(each)}" for name, each in values.items())
        raise refusal(f"zip: axes are of the same length, and {lengths}: use grid?")
    rows = builtins.zip(*values.values(), strict=True)
    return Listed.of(dict(builtins.zip(values, row, strict=True)) for row in rows)


def sample(
    count: int, axes: Mapping[str, Any] | None = None, /, *, seed: int | None = None, **named: Any
) -> Points:
    """Return points at random; the random numbers of the program are not touched.

    Parameters
    ----------
    count
        How many.
    axes, named
        From parameter to where its values come from: a list to choose from (a value may come
        again), a pair ``(low, high)`` for all numbers between, whole ones if both are, `log` for
        orders of magnitude, a distribution of scipy.stats, or a function of a `random.Random`.
    seed
        The same seed gives the same points, whatever other axes there are, and more points begin
        with those of fewer. None gives others each time.

    Raises
    ------
    DefinitionError
        If *count* is no number from 1 up, or nothing can be drawn from an axis.

    Examples
    --------
    >>> points = sample(20, seed=1, rate=(0.0, 1.0), depth=[1, 2, 3])
    >>> points == sample(20, seed=1, rate=(0.0, 1.0), depth=[1, 2, 3])
    True
    >>> all(0 <= point["rate"] <= 1 for point in points)
    True
    """
    from random import Random, SystemRandom

    if not _is_count(count):
        raise refusal(f"sample: the first argument is how many points, not {written(count)}")
    found = axes_of("sample", axes, named)
    start = SystemRandom().getrandbits(64) if seed is None else seed
    columns = {}
    for name, axis in found.items():
        draw, random = drawn_from(name, axis), Random(f"{start} {name}")  # noqa: S311 - no secrets
        columns[name] = [draw(random) for _ in range(count)]
    return Listed.of({name: columns[name][n] for name in columns} for n in range(count))


def log(low: float, high: float) -> Log:
    """Return a range for `sample` in which each order of magnitude is as likely as the others.

    Raises
    ------
    DefinitionError
        Unless ``0 < low < high``.

    Examples
    --------
    >>> [point["rate"] < 0.01 for point in sample(4, seed=1, rate=log(1e-4, 1))]
    [False, False, True, False]
    """
    if not (is_number(low) and is_number(high) and 0 < low < high):
        raise refusal(f"log({short(low)}, {short(high)}): it takes two numbers, 0 < low < high")
    return Log(low, high)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
