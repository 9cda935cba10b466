"""Whether processes are there."""

from __future__ import annotations

import time
from pathlib import Path

PATIENCE_S = 60


def appeared(path: Path) -> list[int]:
    """The processes that say they are at work, once they do."""
    end = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.005)
    return list(map(int, path.read_text().split()))


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
