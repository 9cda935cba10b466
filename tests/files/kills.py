"""A process that is killed at the k-th call that changes the disk, for every k."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

CALLS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "chmod")


def killed_at(
    k: int, work: Callable[[], object], *, is_torn: bool = False, flushed: set[int] | None = None
) -> bool:
    """Do *work* in a child process that is killed in place of such a call; say whether it was.

    Parameters
    ----------
    is_torn
        Count only writes, and kill when half of it is written.
    flushed
        Gets the inodes of the files that had reached the disk by then.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _note_flushed(writing)
            _arm(k, is_torn=is_torn)
            work()
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    os.set_blocking(reading, False)  # a child of the child may live on and have it open
    with open(reading, "rb", buffering=0) as file:
        inodes = {int(line) for line in (file.read(60_000) or b"").split()}
    if flushed is not None:
        flushed |= inodes
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, status
    return status != 0


def _note_flushed(writing: int) -> None:
    fsync, write = os.fsync, os.write

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        write(writing, f"{os.fstat(descriptor).st_ino}\n".encode())

    os.fsync = noted


def _arm(k: int, *, is_torn: bool) -> None:
    left = k

    def armed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if name == "open" and not arguments[1] & (os.O_CREAT | os.O_RDWR | os.O_WRONLY):
                return call(*arguments, **options)
            left -= 1
            if left == 0:
                if is_torn:
                    call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return counted

    for name in ("write",) if is_torn else CALLS:
        setattr(os, name, armed(name, getattr(os, name)))
