"""A mapping that cannot change, so that a format with one among its options can be hashed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class FrozenMapping(Mapping[Any, Any]):
    """Holds the items of a mapping; equal to any mapping that has the same ones.

    Examples
    --------
    >>> FrozenMapping({"id": "str"})
    {'id': 'str'}
    >>> hash(FrozenMapping({"a": 1, "b": 2})) == hash(FrozenMapping({"b": 2, "a": 1}))
    True
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[Any, Any]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


def frozen_option(value: Any) -> Any:
    """Return an option as something that can be hashed: a list as a tuple, a mapping frozen."""
    if isinstance(value, Mapping):
        return FrozenMapping(value)
    return tuple(value) if isinstance(value, list) else value


def thawed(value: Any) -> Any:
    """Return an option as libraries want it: lists and dicts."""
    if isinstance(value, FrozenMapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
