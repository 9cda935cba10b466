"""Workflows that differ in how their stages hang together."""

from __future__ import annotations

from pypedream import Parameters, Pipeline, dependency

linear = Pipeline("linear", Parameters.define(n=3))


@linear.stage
def numbers(n):
    return list(range(n))


@linear.stage
def squares(numbers):
    return [number**2 for number in numbers]


@linear.stage
def total(squares):
    return sum(squares)


diamond = Pipeline("diamond", Parameters.define(n=4))
diamond.stage(numbers)


@diamond.stage
def low(numbers):
    return min(numbers, default=None)


@diamond.stage
def high(numbers):
    return max(numbers, default=None)


@diamond.stage(after="low")
def note():
    return "low is known"


@diamond.stage
def width(low, high):
    return None if low is None else high - low


inner = Pipeline("inner", Parameters.define(limit=10))


@inner.stage
def load(limit):
    return list(range(limit))


@inner.stage
def count(load):
    return len(load)


middle = Pipeline("middle")
middle.include(inner, prefix="bronze")


@middle.stage(inputs=[dependency("bronze.count", "count")])
def double(count):
    return 2 * count


# A pipeline within another, twice, and one of them within a third.
included = Pipeline("included")
included.include(inner, prefix="strict")
included.include(middle, prefix="silver")


@included.stage(inputs=[dependency("strict.count", "few"), dependency("silver.double", "many")])
def dropped(few, many):
    return many - few
