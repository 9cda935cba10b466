"""Choosing: which executor a name or an object of the user's stands for."""

from __future__ import annotations

from typing import Any

__all__ = ["remote_executor_for"]


def remote_executor_for(chosen: Any, workers: int | None) -> Any:
    """Return the executor for calls in other processes; None if it calls in this one."""
    if chosen == "processes":
        from pypedream.executors.processes import Processes

        return Processes(workers)
    return chosen if getattr(chosen, "is_remote", False) is True else None
