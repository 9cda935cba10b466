from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs
import pytest

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


class Results:
    """What is fitted, as statsmodels has it: a summary adds to it."""

    __module__ = "statsmodels.regression.linear_model"

    def __init__(self) -> None:
        self.params = [1.0]

    def summary(self) -> str:
        self.diagn = {"condno": 1.0}
        self._nobs_int = 1
        return "OLS"


class OwnResults(Results):
    """One that a user derives."""


@pytest.mark.parametrize("kind", [Results, OwnResults])
def test_what_a_summary_of_statsmodels_adds_is_no_field(kind: type[Results]) -> None:
    """To look at what was fitted changes nothing of it; other changes are seen."""
    results = kind()

    assert results.summary() == "OLS"
    assert fields_of(results) == {"params": [1.0]}
    results.params = [2.0]
    assert fields_of(results) == {"params": [2.0]}


def test_what_another_class_calls_so_is_a_field() -> None:
    """The names are those of one library."""

    class Own:
        diagn = None

        def __init__(self) -> None:
            self.diagn = 1

    assert fields_of(Own()) == {"diagn": 1}


def test_what_keeps_nothing_has_no_fields() -> None:
    """Numbers, text and functions have no fields of interest."""
    assert fields_of(3) == {}
    assert fields_of("text") == {}
