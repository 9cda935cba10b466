"""Jobs for workers of all kinds, and stages that these find by their names."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from time import monotonic
from typing import Any

from pypedream.executors.jobs import Job, Kit, Row
from pypedream.executors.remote import RemoteFuture

LONGEST_S = 60


def add(a: int, b: int = 0) -> int:
    return a + b


def shift(item: int, by: int) -> int:
    return item + by


def talk(item: str = "it") -> None:
    print("printed", item)
    print("to stderr", item, file=sys.stderr)
    logging.getLogger("lib").warning("logged %s", item)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"careful {item}", stacklevel=1)


def divide(by: int) -> float:
    return 1 / by


def leave(item: int = 2) -> int:
    print("item", item)
    if item == 2:
        os._exit(3)
    return item


def die() -> None:
    print("last words")
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_file(path: str) -> bool:
    deadline = monotonic() + LONGEST_S
    while not os.path.exists(path) and monotonic() < deadline:
        time.sleep(0.01)
    return os.path.exists(path)


def hang() -> None:
    print("begun")
    time.sleep(LONGEST_S)


def spoil(rows: Any) -> Any:
    rows += 1
    return rows


def add_one(item: Any) -> Any:
    item += 1
    return item


def append(path: str, then: str) -> None:
    with open(path, "a") as file:
        file.write("called\n")
    if then == "die":
        os._exit(3)


def where() -> int:
    return os.getpid()


def tell_secret(word: str) -> None:
    print("the word is", word)


def job_of(
    function: Callable[..., Any],
    *,
    items: tuple[Any, ...] | None = None,
    resources: dict[str, Any] | None = None,
    segment: str | None = None,
    secrets: tuple[str, ...] = (),
    **common: Any,
) -> tuple[Job, list[Row]]:
    """Return a job, and the list to which its rows come while it runs."""
    names = () if items is None else ("item",)
    kit = Kit(function, common, names, run="r1", stage=function.__name__, secrets=secrets)
    keys = [None] if items is None else list(items)
    calls = [()] if items is None else [(item,) for item in items]
    rows: list[Row] = []
    return Job(kit.pack(), keys, calls, resources or {}, segment, rows.extend), rows


def texts(rows: list[Row]) -> list[str | None]:
    return [text for _, _, _, _, text, _, _ in rows]


def wait_for_rows(future: RemoteFuture, rows: list[Row]) -> None:
    """Wait until a job has said something."""
    deadline = monotonic() + LONGEST_S
    while not rows:
        assert monotonic() < deadline
        try:
            future.result(timeout=0.1)
        except TimeoutError:
            continue
