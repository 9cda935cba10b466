"""Collected failures: what stands among the results of a mapped stage for items that failed.

Whoever reads the results gets them as well. That is what ``on_error="collect"`` is for, and a
surprise for a function that adds up numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pypedream.engine.failure import Failure


def without_failures(results: Any) -> Any:
    """Return *results* without failures, see `Failure.without`."""
    if isinstance(results, Mapping):
        kept = {key: one for key, one in results.items() if not isinstance(one, Failure)}
        return {key: without_failures(one) for key, one in kept.items()}
    if isinstance(results, (list, tuple)):
        return [without_failures(one) for one in results if not isinstance(one, Failure)]
    if str(getattr(results, "dtype", "")) == "object" and hasattr(results, "tolist"):
        return without_failures(results.tolist())
    return results


def hints(failure: Failure) -> Iterator[str]:
    """Yield a line for each input of a failed call that holds failures, or is one itself."""
    for name, one in failure.inputs.items():
        if isinstance(one.value, Failure):
            yield (
                f'  "{name}" is itself a failure that was collected: let a stage before leave such'
                " items out, by Failure.without(...)"
            )
        elif count := _count(one.value):
            failures, them = ("a failure", "it") if count == 1 else (f"{count:,} failures", "them")
            yield (
                f'  "{name}" holds {failures} that on_error="collect" put there:'
                f" Failure.without({name}) leaves {them} out"
            )


def _count(value: Any) -> int:
    """Return how many failures there are among results, also in lists within lists."""
    if isinstance(value, Failure):
        return 1
    members = value.values() if type(value) is dict else value if type(value) is list else ()
    return sum(_count(one) for one in members if type(one) in _HOLDERS)


_HOLDERS = (Failure, list, dict)
