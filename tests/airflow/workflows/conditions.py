"""Stages that are called under a condition, and stages that fail."""

from __future__ import annotations

import os
from pathlib import Path

from pypedream import Parameters, Pipeline

chosen = Pipeline("chosen", Parameters.define(n=4, thorough=False))


@chosen.stage
def rows(n):
    return list(range(n))


@chosen.stage(when="thorough")
def checked(rows):
    return len(rows)


@chosen.stage
def report(checked):
    return f"{checked} rows are right"


@chosen.stage(when=lambda rows: len(rows) > 3)
def long(rows):
    return rows[3:]


@chosen.stage
def either(rows, long=None):
    return [len(rows), long]


@chosen.stage(over={"row": "rows"}, when="thorough")
def each(row):
    return -row


@chosen.stage
def lowest(each):
    return min(each, default=0)


def calls(name: str) -> int:
    """Count a call in the folder for it, and return its number."""
    file = Path(os.environ["CALLS"]) / name
    number = len(file.read_bytes()) + 1 if file.exists() else 1
    file.write_bytes(b"." * number)
    return number


flaky = Pipeline("flaky", Parameters.define(start=1))


@flaky.stage(retries=2, retry_delay_s=0.01)
def once(start):
    if calls("once") % 2:
        raise ConnectionError("the first call fails")
    return start + 1


@flaky.stage
def later(once):
    return once + 1


# Each item fails at its first call; several items may be one task.
flaky_items = Pipeline("flaky_items", Parameters.define(n=3))


@flaky_items.stage
def numbers(n):
    return list(range(n))


@flaky_items.stage(over={"number": "numbers"}, retries=1, retry_delay_s=0.01)
def patient(number):
    if calls(f"item-{number}") % 2:
        raise ConnectionError("the first call fails")
    return number + 1


@flaky_items.stage
def most(patient):
    return max(patient)


# What is wrong does not get better by another attempt.
hopeless = Pipeline("hopeless")


@hopeless.stage(retries=3, retry_delay_s=0.01, retry_on=ConnectionError)
def wrong():
    calls("wrong")
    raise ValueError("no other attempt helps")


failing = Pipeline("failing", Parameters.define(divisor=0))


@failing.stage
def fine():
    return 1


@failing.stage
def broken(fine, divisor):
    return fine / divisor


@failing.stage
def never(broken):
    return broken


@failing.stage
def aside(fine):
    return fine + 1
