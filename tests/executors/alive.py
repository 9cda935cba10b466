"""Whether processes are there."""

from __future__ import annotations

import time
from pathlib import Path


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def gone(pids: list[int], within_s: float = 2.0) -> bool:
    """Whether none of the processes is there any more, soon."""
    end = time.monotonic() + within_s
    while any(map(is_alive, pids)):
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
