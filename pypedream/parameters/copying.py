"""Copies of containers, so that what one run does to a list does not reach the next run."""

from __future__ import annotations

from copy import copy
from operator import countOf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection


def copied(value: Any) -> Any:
    """Return *value* with its lists, dicts and sets replaced by copies, down to the leaves.

    A leaf (a frame, an array, a model, an instance of a class) is the same object in the copy.
    A container that holds itself stays one that holds its copy.

    Examples
    --------
    >>> rows = {"sizes": [1, 2]}
    >>> copied(rows)["sizes"] is rows["sizes"]
    False
    """
    return _copied(value, {})


def _copied(value: Any, seen: dict[int, Any]) -> Any:
    if not isinstance(value, (list, dict, set, tuple, bytearray)):
        return value
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, tuple):
        if type(value) is not tuple and not hasattr(value, "_fields"):
            return value  # nobody knows how such a class is made from its members
        return _copied_tuple(value, seen)
    copy_ = seen[id(value)] = copy(value)
    if isinstance(copy_, list) and has_leaves_only(value):
        return copy_
    if isinstance(copy_, list):
        list.__setitem__(copy_, slice(None), [_copied(member, seen) for member in value])
    elif isinstance(copy_, dict):
        for key, member in copy_.items():
            # of dict itself: a subclass may forbid it; the keys are there, so the size stays
            dict.__setitem__(copy_, key, _copied(member, seen))
    return copy_


def has_leaves_only(members: Collection[Any]) -> bool:
    """Say whether all members are of the commonest types, which hold nothing.

    Lists of parameters may be long: this looks at a million members in a few milliseconds, the
    faster if all are of one type.
    """
    types = map(type, members)
    first = next(types, None)
    if first in _LEAVES and countOf(types, first) == len(members) - 1:
        return True
    return _LEAVES.issuperset(map(type, members))


_LEAVES = frozenset([type(None), bool, int, float, complex, str, bytes])


def _copied_tuple(value: tuple[Any, ...], seen: dict[int, Any]) -> tuple[Any, ...]:
    """Keep the tuple itself when it holds nothing that was copied: it cannot change."""
    members = [_copied(member, seen) for member in value]
    if all(new is old for new, old in zip(members, value, strict=True)):
        return value
    # a named tuple is made by its class from its members one by one
    return type(value)(*members) if hasattr(value, "_fields") else tuple(members)
