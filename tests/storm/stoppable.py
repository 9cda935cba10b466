"""A pipeline that takes a while wherever it is called, for who wants to stop it."""

from __future__ import annotations

import os
import subprocess
import sys
from time import monotonic, sleep

from pypedream import Parameters, Pipeline

SHORT_S = 0.15

flow = Pipeline("stoppable", Parameters.define(lasts_s=SHORT_S, items=list(range(12))))


def busy(seconds: float) -> None:
    """Keep the interpreter busy, in pieces: a sleep of its own is another way to be stopped."""
    end = monotonic() + seconds
    while monotonic() < end:
        sum(range(2_000))


@flow.stage
def first() -> int:
    """Say that it has begun."""
    print("begun", flush=True)
    return os.getpid()


@flow.stage(over={"item": "items"}, chunk=3)
def each(item: int, first: int, lasts_s: float) -> int:
    """Work on one item."""
    print("item", item)
    busy(lasts_s / 3)
    return item * item


@flow.stage
def sleeper(first: int, lasts_s: float) -> str:
    """Sleep."""
    sleep(lasts_s)
    return "slept"


@flow.stage
def parent(first: int, lasts_s: float) -> int:
    """Wait for a process of its own."""
    code = f"import time; time.sleep({lasts_s})"
    return subprocess.run([sys.executable, "-S", "-c", code], check=False).returncode


@flow.stage
def last(each: list[int], sleeper: str, parent: int) -> int:
    """Come to an end."""
    return sum(each)
