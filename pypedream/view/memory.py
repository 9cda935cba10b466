"""Memory: how much of it a value takes, where its library can tell that at once."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

__all__ = ["memory_text"]

LEAST: Final = 1_000_000
"""Bytes; what takes less is not worth a word."""
_THOUSAND: Final = 1_000
_UNITS: Final = ("MB", "GB", "TB")


def memory_text(value: Any) -> str:
    """Return how much memory a large frame or array takes, as text; "" for all else.

    Values that objects in its cells refer to are not counted: that would mean to look at each.
    """
    size = 0
    with suppress(Exception):  # a subclass of the user's may do anything when asked
        size = int(_bytes_of(value))
    return "" if size < LEAST else _text(size)


def _bytes_of(value: Any) -> int:
    homes = {base.__module__.partition(".")[0] for base in type(value).__mro__}
    if "pandas" in homes and hasattr(type(value), "memory_usage"):
        usage: Any = value.memory_usage()  # of a frame by column, of a series in all
        return int(usage.sum() if hasattr(usage, "sum") else usage)
    if "polars" in homes and hasattr(type(value), "estimated_size"):
        return int(value.estimated_size())
    if homes & {"numpy", "pyarrow"}:
        return int(value.nbytes)
    return 0


def _text(size: int) -> str:
    amount, units = size / LEAST, list(_UNITS)
    while amount >= _THOUSAND and len(units) > 1:
        amount, units = amount / _THOUSAND, units[1:]
    return f"{amount:.1f} {units[0]}"
