"""Equality: whether two configurations are the same one, however deep they go."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from pypedream.steps.kinds import Kind, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["are_equal"]

_BY_FIELDS: Any = Kind.__eq__


def are_equal(first: Kind, second: Kind) -> bool:
    """Say whether two objects of one class have equal fields.

    What is within itself equals what is within itself in the same way: two objects that are being
    compared are not compared again.
    """
    left: list[tuple[Any, Any]] = [(first, second)]
    seen = set[tuple[int, int]]()
    while left:
        one, other = left.pop()
        if one is other or (id(one), id(other)) in seen:
            continue
        seen.add((id(one), id(other)))
        parts = _parts(one) if type(one) is type(other) else None
        if parts is None:
            if one != other:
                return False
            continue
        others = _parts(other) or {}
        if parts.keys() != others.keys():
            return False
        left += [(each, others[name]) for name, each in parts.items()]
    return True


def _parts(value: Any) -> Mapping[Any, Any] | None:
    """Return what is compared of a value, by name or place; None if it compares itself."""
    kind = type(value)
    if isinstance(value, Kind):
        return fields_of(value) if kind.__eq__ is _BY_FIELDS else None
    if kind is OrderedDict:
        return {(number, name): each for number, (name, each) in enumerate(value.items())}
    if kind is dict:
        return dict(value)
    return dict(enumerate(value)) if kind in (list, tuple) else None
