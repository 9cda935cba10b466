"""Locks: what only one process or thread may do at a time, held by the system and not by a file.

The system lets go of a lock when its process ends, however it ends, so none is ever left behind.
The file says who has it, for the message to the one who has to wait.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, BinaryIO

from pypedream.errors import Locked, StoreError
from pypedream.store.file_lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["held", "lock", "unlock"]

_PAUSE_S = 0.02


@contextmanager
def held(path: Path, *, doing: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock for a block; arguments as for `lock`."""
    file = lock(path, doing=doing, wait_s=wait_s)
    try:
        yield
    finally:
        unlock(file)


def lock(path: Path, *, doing: str, wait_s: float = 0.0) -> BinaryIO:
    """Take a lock, and return what `unlock` lets go of it with.

    Parameters
    ----------
    path
        The file that stands for the lock. It is made if it is not there, and stays.
    doing
        What the caller is about to do, for whoever is refused: "run ab12c".
    wait_s
        Seconds to wait for another one to be done.

    Raises
    ------
    Locked
        If another one has it still; the text names its process.
    StoreError
        If it cannot be locked by anybody, as on a file system without locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _opened(path)
    end = monotonic() + wait_s
    while not _try_lock(file, path):
        if monotonic() >= end:
            what, pid = _said_in(file)
            file.close()
            who = "somebody else" if pid is None else f"process {pid}"
            raise Locked(f"{who} is at it: {what or doing} ({path}); wait until it is done", pid)
        sleep(_PAUSE_S)
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()} {doing}".encode())
    return file


def unlock(file: BinaryIO) -> None:
    """Let go of a lock; do nothing if that is done."""
    if not file.closed:
        with suppress(OSError):  # what it says is of no use any more, and may not stay
            file.truncate(0)
        file.close()


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)


def _try_lock(file: BinaryIO, path: Path) -> bool:
    try:
        return try_lock(file.fileno())
    except OSError as error:
        file.close()
        raise StoreError(f"cannot lock {path}: {error.strerror}") from error


def _said_in(file: BinaryIO) -> tuple[str, int | None]:
    """Return what the one who has the lock does, and its process."""
    file.seek(0)
    pid, _, doing = file.read().decode(errors="replace").partition(" ")
    return doing, int(pid) if pid.isdigit() else None
