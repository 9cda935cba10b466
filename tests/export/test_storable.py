"""Which values cannot leave their process, as far as annotations tell."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pypedream.export.storable import values_that_stay


@pytest.fixture
def staying(importable):
    """Return what is said of the values of the stages of a module."""
    numbers = iter(range(100))

    def of(text: str) -> list[str]:
        module = importable(f"travel_values_{next(numbers)}.py", dedent(text))
        return [str(each) for each in values_that_stay(module.flow.blueprint)]

    return of


STAYING = {
    "a connection": ("sqlite3.Connection", "return what it is made of, or its path"),
    "a lock": ("threading.Lock", "return what it is made of, or its path"),
    "an open file": ("typing.TextIO", "return what it is made of, or its path"),
    "an iterator": ("abc.Iterator[int]", "return a list"),
    "a module": ("types.ModuleType", "return what it is made of, or its path"),
    "a connection or nothing": ("sqlite3.Connection | None", "return what it is made of"),
}


@pytest.mark.parametrize("kind, way_out", STAYING.values(), ids=STAYING)
def test_a_value_that_cannot_leave_its_process_is_refused(staying, kind, way_out):
    """By the annotation of the stage that gives it."""
    found = staying(
        f"""
        import sqlite3, threading, types, typing
        from collections import abc
        from pypedream import Pipeline
        flow = Pipeline("co2")
        @flow.stage
        def make() -> {kind}:
            return None
        @flow.stage
        def use(make):
            return 1
        """
    )

    (reason,) = found
    assert reason.startswith('stage "make" gives a value of type ')
    assert 'which cannot leave its process, and stage "use" in another task takes it' in reason
    assert way_out in reason


def test_a_value_that_nobody_reads_may_stay(staying):
    """What a generator yields is collected, and what is only mapped over is listed."""
    found = staying(
        """
        import sqlite3
        from collections.abc import Iterator
        from pypedream import Pipeline
        flow = Pipeline("co2")
        @flow.stage
        def connection() -> sqlite3.Connection:
            return None
        @flow.stage
        def numbers() -> Iterator[int]:
            yield 1
        @flow.stage
        def lines() -> Iterator[int]:
            return iter([1])
        @flow.stage
        def total(numbers):
            return sum(numbers)
        @flow.stage(over={"line": "lines"})
        def each(line):
            return line
        """
    )

    assert found == []
