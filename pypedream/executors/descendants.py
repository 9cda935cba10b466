"""The children of a process, and theirs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["descendants"]


def descendants(pid: int) -> list[int]:
    """Return the processes that *pid* started, and those that these did; only Linux tells.

    A process whose parent has ended is nobody's child any more.
    """
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for tasks in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with suppress(OSError):
                children = list(map(int, tasks.read_text().split()))
                found += children
                waiting += children
    return found
