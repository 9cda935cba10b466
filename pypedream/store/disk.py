"""Files of a folder store: written under another name, flushed, and renamed when they are whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from time import time
from typing import TYPE_CHECKING

from pypedream.store.owner import Owner, is_gone, this_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "digest_of",
    "flush",
    "make_folder",
    "remove_tree",
    "stale",
    "temporary_folder",
    "touch_file",
    "write_new",
]

_DAY_S = 24 * 3600


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file that is not there yet, all of it."""
    binary = getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, mode)
    try:
        rest = memoryview(data)
        while rest:  # a disk that is nearly full takes a part, and fails at the next call
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def touch_file(path: Path, mode: int) -> None:
    """Make an empty file unless there is one."""
    with suppress(FileExistsError):
        write_new(path, b"", mode)


def flush(path: Path) -> None:
    """Have what was written to a file reach the disk."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, *, is_shared: bool) -> None:
    """Make a folder for its owner, or for his group; one that is there stays as it is."""
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o775 if is_shared else 0o700)
        if is_shared:
            path.chmod(0o2775)  # whoever asks for sharing means it in spite of his umask


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def new_name() -> str:
    """Return a name that nothing else has, and that tells which process made it."""
    owner = this_process()
    host = hashlib.sha256(owner.host.encode()).hexdigest()[:16]
    return f"{host}.{owner.pid}.{owner.start}.{os.urandom(6).hex()}"


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Give a folder for a block; formats may have more files there than they speak of."""
    folder = parent / new_name()
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _empty(folder)


def stale(folder: Path) -> Iterator[Path]:
    """Yield what processes that are gone left behind, and what is a day old."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # its owner removed it
            if _is_abandoned(path.name) or path.lstat().st_mtime < time() - _DAY_S:
                yield path


def _is_abandoned(name: str) -> bool:
    here = this_process()
    host, _, rest = name.partition(".")
    pid, _, rest = rest.partition(".")
    start = rest.partition(".")[0]
    ours = hashlib.sha256(here.host.encode()).hexdigest()[:16]
    return host == ours and pid.isdigit() and is_gone(Owner(here.host, int(pid), start))


def remove_tree(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):
        if not path.is_dir():
            raise
        shutil.rmtree(path)


def _empty(folder: Path) -> None:
    """Remove a folder, which mostly has nothing or one file in it."""
    for name in os.listdir(folder):
        remove_tree(folder / name)
    folder.rmdir()
