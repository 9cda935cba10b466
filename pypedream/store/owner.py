"""Owner: one process of one machine, and whether it is gone for certain."""

from __future__ import annotations

import os
from functools import lru_cache

from attrs import frozen

__all__ = ["Owner", "is_gone", "this_process"]


@frozen(repr=False)
class Owner:
    """A process.

    Attributes
    ----------
    host
        The machine since its last start, and the table of processes that `pid` is a number of:
        two containers may share the one and not the other.
    start
        When the process started, in ticks of that machine; "" where that cannot be known. A pid is
        used again, with another start.
    """

    host: str
    pid: int
    start: str


def this_process() -> Owner:
    """Return the process that calls."""
    return _owner(os.getpid())


@lru_cache(maxsize=4)  # a child process asks with another pid
def _owner(pid: int) -> Owner:
    status = _status(pid)
    return Owner(_host(), pid, status[1] if status else "")


def is_gone(owner: Owner) -> bool:
    """Say whether a process has ended; False if there is any doubt."""
    # On Windows os.kill(pid, 0) would send Ctrl-C.
    if os.name == "nt" or owner.host != this_process().host:
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is there and not ours
        pass
    status = _status(owner.pid)
    if status is None:
        return False
    state, start = status
    return state in "ZX" or owner.start not in ("", start)


@lru_cache(maxsize=1)
def _host() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            return f"{file.read().strip()}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        from platform import node

        return node()


def _status(pid: int) -> tuple[str, str] | None:
    """Return the state and the start of a process, where the system tells."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The second field is the name, in parentheses, and may hold anything.
            fields = file.read().rpartition(b")")[2].decode("ascii").split()
    except OSError:
        return None
    return fields[0], fields[19]
