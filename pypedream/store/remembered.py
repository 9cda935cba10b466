"""Identities of functions, kept as long as the function lives and nothing has changed.

A plan asks for the identity of the same functions again and again. What was kept holds only if
everything that the walk has looked at is what it was; otherwise the walk is done again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import ReferenceType, ref

from pypedream.store.observations import still_hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.store.identity import CodeIdentity
    from pypedream.store.observations import Look, Observations

_KEPT: Final[dict[int, tuple[ReferenceType[Any], list[Look], CodeIdentity]]] = {}


def remembered(
    function: Any, walk: Callable[[Any], tuple[CodeIdentity, Observations]]
) -> CodeIdentity:
    """Return the identity of a function, from a new walk only if something has changed."""
    number, known = id(function), _KEPT
    kept = known.get(number)
    if kept is not None and kept[0]() is function and still_hold(kept[1]):
        return kept[2]
    identity, observations = walk(function)
    known.pop(number, None)
    if observations.is_complete and observations.looks:
        alive = ref(function, lambda _: known.pop(number, None))
        known[number] = alive, observations.looks, identity
    return identity
