"""Metrics: the results of recorded runs that are numbers, without loading anything else.

To look at runs runs nothing of the user's. What the index of the store does not hold itself is left
where it is; a pickle is read only as far as it is made of plain values and the numbers of numpy.
"""

from __future__ import annotations

import json
import pickle
from hashlib import sha256
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING, Any

from pypedream.errors import PypedreamError
from pypedream.parameters.annotations import unboxed
from pypedream.store.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pypedream.store.results import Result

__all__ = ["is_metric", "metrics_of", "numbers_in"]

_LARGEST_BYTES = 1024
_MOST = 20
_OF_NUMPY = frozenset(
    [
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
    ]
)
"""All that the pickle of a number of numpy needs; none of it calls anything else."""


def metrics_of(workspace: Path, kept: Iterable[Mapping[str, str]]) -> list[dict[str, int | float]]:
    """Return the numbers that each of several runs gave: of stages, and in their small dicts.

    Parameters
    ----------
    kept
        Of each run from stage to the key under which its result is kept.
    """
    runs = list(kept)
    found = _found(workspace, list(dict.fromkeys(key for each in runs for key in each.values())))
    return [
        {
            name: number
            for stage, key in each.items()
            for name, number in numbers_in(stage, found.get(key))
        }
        for each in runs
    ]


def numbers_in(name: str, value: Any) -> Iterator[tuple[str, int | float]]:
    """Yield a number under its name, or those of a small dict under theirs.

    Examples
    --------
    >>> dict(numbers_in("fit", {"auc": 0.9, "kind": "tree"})), dict(numbers_in("total", 3))
    ({'fit.auc': 0.9}, {'total': 3})
    """
    value = unboxed(value)
    if is_metric(value):
        yield name, value
    elif isinstance(value, dict) and len(value) <= _MOST:
        members = ((key, unboxed(member)) for key, member in value.items())
        yield from (
            (f"{name}.{key}", member)
            for key, member in members
            if isinstance(key, str) and is_metric(member)
        )


def is_metric(value: object) -> bool:
    """Say whether a value is a number that can be compared with others."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        return is_number and isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # an integer beyond all floats
        return False


def _found(workspace: Path, keys: list[str]) -> dict[str, Any]:
    """Return the values that may hold numbers, by key; what cannot be read is left out."""
    results = Results(workspace, readonly=True)
    try:
        return {
            key: value
            for key, result in results.find_many(keys).items()
            for value in _values(result)
        }
    except (PypedreamError, OSError):  # whoever wants a value is told
        return {}
    finally:
        results.close()


def _values(result: Result) -> Iterator[Any]:
    """Yield the value of a result if it is small and plain, and what was kept."""
    entry = result.entry
    data = entry.inline
    if data is None or entry.size > _LARGEST_BYTES or sha256(data).hexdigest() != entry.digest:
        return
    try:
        if entry.serializer == "json":
            yield json.loads(data)
        elif entry.serializer == "pickle":
            yield _Plain(BytesIO(data)).load()
    except (ValueError, RecursionError, pickle.UnpicklingError, ImportError):
        return


class _Plain(pickle.Unpickler):
    """Reads plain values and the numbers of numpy, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a number of numpy is made with."""
        if (module, name) not in _OF_NUMPY:
            raise pickle.UnpicklingError(f"{module}.{name} is no number")
        return super().find_class(module, name)
