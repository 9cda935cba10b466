"""Ticks: round numbers along an axis, and how they are written."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10

_EPSILON = 1e-9
_STEPS = (1.0, 2.0, 5.0, 10.0)
_MOST_DIGITS = 6
_UNITS = ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "d"))
_LEAST_SHOWN = 2.0
"""An axis of at least so many of a unit is written in that unit."""


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return at most *most* round numbers from *low* to *high*, at least two if they can be.

    Examples
    --------
    >>> ticks(0, 97), ticks(0.12, 0.31, most=4)
    ([0.0, 20.0, 40.0, 60.0, 80.0], [0.15, 0.2, 0.25, 0.3])
    """
    if not (isfinite(low) and isfinite(high)) or high <= low:
        return [low] if isfinite(low) else []
    for step in _steps_from((high - low) / most):
        first, last = ceil(low / step - _EPSILON), floor(high / step + _EPSILON)
        if last - first < most:
            found = (_exact(number, step) for number in range(first, last + 1))
            return list(dict.fromkeys(found))  # numbers that are almost the same are written alike
    return [low]


def tick_texts(values: list[float]) -> list[str]:
    """Return ticks as texts with the same number of decimals.

    Examples
    --------
    >>> tick_texts([0.0, 0.5, 1.0]), tick_texts([0.0, 20000.0]), tick_texts([1e-7, 2e-7])
    (['0', '0.5', '1.0'], ['0', '20,000'], ['1e-07', '2e-07'])
    """
    largest = max(map(abs, values), default=0.0)
    step = abs(values[1] - values[0]) if len(values) > 1 else largest
    digits = max(0, -floor(log10(step) + _EPSILON)) if step else 0
    if digits > _MOST_DIGITS or largest >= 10.0 ** (_MOST_DIGITS + 1):
        return [f"{value:.6g}" for value in values]
    return ["0" if not value else f"{value:,.{digits}f}" for value in values]


def time_ticks(span_s: float, most: int = 7) -> list[tuple[float, str]]:
    """Return round times from 0 to *span_s* seconds, each with its text.

    Examples
    --------
    >>> time_ticks(2.1, most=5)
    [(0.0, '0'), (0.5, '0.5 s'), (1.0, '1.0 s'), (1.5, '1.5 s'), (2.0, '2.0 s')]
    """
    size, unit = _UNITS[0]
    for one, name in _UNITS:
        if span_s >= (one if one <= 1 else _LEAST_SHOWN * one):
            size, unit = one, name
    found = ticks(0.0, span_s / size, most)
    texts = tick_texts(found)
    said = (f"{text} {unit}" if value else "0" for value, text in zip(found, texts, strict=True))
    return [(value * size, text) for value, text in zip(found, said, strict=True)]


def _steps_from(least: float) -> list[float]:
    """Return round steps from about *least* up."""
    power = 10.0 ** floor(log10(least))
    return [power * step for step in (*_STEPS, 20.0, 50.0) if power * step >= least * 0.5]


def _exact(number: int, step: float) -> float:
    """Return a multiple of a round step without what computing leaves behind it."""
    return float(f"{number * step:.12g}")
