"""A process that is killed at the k-th call that changes the disk, for every k."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

CALLS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "chmod")


def killed_at(k: int, work: Callable[[], object], *, is_torn: bool = False) -> bool:
    """Do *work* in a child process that is killed in place of such a call; say whether it was.

    Parameters
    ----------
    is_torn
        Count only writes, and kill when half of it is written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _arm(k, is_torn=is_torn)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, status
    return status != 0


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
