"""A worker dies with its parent, whatever it does, and its children with it.

The worker has one end of a pipe that nobody writes to; when the parent is gone, the pipe is closed.
On Linux the kernel itself then kills the worker's process group, also while C code holds the
interpreter. Elsewhere, and as well, a thread waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from threading import Thread
from typing import NoReturn

__all__ = ["die_with_parent", "end_group"]

PERIOD_S = 0.5
_SET_SIGNAL = 10  # F_SETSIG of Linux, which the module fcntl does not name


def die_with_parent(parent: int, fd: int | None) -> None:
    """See to it that this process group ends when the process *parent* does.

    Parameters
    ----------
    fd
        The end of the pipe; None on Windows.
    """
    if fd is not None and sys.platform == "linux":
        with suppress(OSError, ValueError):
            _let_kernel_kill(fd)
    Thread(target=_watch, args=(parent, fd), name="pypedream-sentinel", daemon=True).start()


def end_group() -> NoReturn:
    """Kill this process and its children."""
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _let_kernel_kill(fd: int) -> None:
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(fd, _SET_SIGNAL, signal.SIGKILL)
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)


def _watch(parent: int, fd: int | None) -> None:
    if fd is None:
        _wait_for_process(parent)
    else:
        _wait_for_pipe(parent, fd)
    end_group()


def _wait_for_pipe(parent: int, fd: int) -> None:
    from select import poll  # `select` takes low numbers only

    pipe = poll()
    pipe.register(fd)
    # A child that the parent forked may hold the other end as well: so a look now and then.
    while os.getppid() == parent and not pipe.poll(PERIOD_S * 1000):
        pass


def _wait_for_process(parent: int) -> None:
    if sys.platform == "win32":
        import _winapi

        synchronize, for_ever = 0x00100000, 0xFFFFFFFF
        with suppress(OSError):  # it is gone already
            handle = _winapi.OpenProcess(synchronize, False, parent)
            _winapi.WaitForSingleObject(handle, for_ever)
