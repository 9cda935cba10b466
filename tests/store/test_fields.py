from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs

from pypedream.store.fields import fields_of


class Slotted:
    __slots__ = ("__hidden", "rows", "unset")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.__hidden = 1


class Child(Slotted):
    def __init__(self) -> None:
        super().__init__()
        self.more = 2
        self._more_cache = 3

    def __getattribute__(self, name: str) -> Any:
        if name in ("more", "__dict__"):
            raise AssertionError("reading the fields calls no code of the user")
        return object.__getattribute__(self, name)


@attrs.define
class Item:
    size: int

    @cached_property
    def double(self) -> int:
        return self.size * 2


def test_attributes_and_slots_are_fields() -> None:
    """Private slots count, those that were never set and caches do not."""
    slots = {"_Slotted__hidden": 1, "rows": []}

    assert fields_of(Slotted()) == slots
    assert fields_of(Child()) == {**slots, "more": 2}


def test_what_was_computed_once_is_no_field() -> None:
    """A cached property leaves the fields as they were."""
    item = Item(2)

    assert item.double == 4
    assert fields_of(item) == {"size": 2}


def test_what_keeps_nothing_has_no_fields() -> None:
    """Numbers, text and functions have no fields of interest."""
    assert fields_of(3) == {}
    assert fields_of("text") == {}
