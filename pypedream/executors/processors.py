"""How many processors there are for this process."""

from __future__ import annotations

import os

__all__ = ["processors"]


def processors() -> int:
    """Return how many processors this process may use."""
    count_usable = getattr(os, "process_cpu_count", None)  # from 3.13
    if count_usable is None and hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return (count_usable or os.cpu_count)() or 1
