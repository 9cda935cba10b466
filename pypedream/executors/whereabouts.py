"""Whereabouts: what a worker in another process is called, so that people find it again."""

from __future__ import annotations

import os
from functools import cache

__all__ = ["host_name", "process_name"]


@cache
def host_name() -> str:
    """Return the name of this host; "" where it has none."""
    uname = getattr(os, "uname", None)
    return os.environ.get("COMPUTERNAME", "") if uname is None else str(uname().nodename)


def process_name(pid: int, host: str) -> str:
    """Return what a process is called: by its host too, if that is another one.

    Examples
    --------
    >>> process_name(4711, host_name()), process_name(4711, "node-07")
    ('process 4711', 'process 4711 on node-07')
    """
    return f"process {pid}" + (f" on {host}" if host not in ("", host_name()) else "")
