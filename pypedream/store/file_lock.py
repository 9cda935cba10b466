"""A lock on an open file: the system lets go of it when its process ends, however it ends.

So none is ever left behind. It is held by the open file, not by the process: of two threads that
open one each, the second has to wait. It keeps nobody from reading or writing.
"""

from __future__ import annotations

import os
from time import sleep

__all__ = ["lock", "try_lock"]

_FAR = 1 << 30  # on Windows nobody may read what is locked
_PAUSE_S = 0.01


def try_lock(descriptor: int, *, is_shared: bool = False) -> bool:
    """Lock an open file without waiting; say whether it is locked now.

    Parameters
    ----------
    is_shared
        Whether others may share it, as those that only look do: of two that look at once neither
        must take the other for one that is at work.

    Raises
    ------
    OSError
        If it cannot be locked by anybody, as on a file system without locks.
    """
    try:
        if os.name == "nt":
            _try_on_windows(descriptor)
        else:
            import fcntl

            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def lock(descriptor: int) -> None:
    """Lock an open file as soon as nobody else has it locked.

    Raises
    ------
    OSError
        If it cannot be locked by anybody.
    """
    if os.name == "nt":
        while not try_lock(descriptor):
            sleep(_PAUSE_S)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _try_on_windows(descriptor: int) -> None:
    import msvcrt

    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _FAR, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)
