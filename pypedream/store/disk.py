"""Files of a folder store: written under another name, flushed, and renamed when they are whole."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from errno import ENOTEMPTY
from itertools import count
from time import time
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.errors import StoreError
from pypedream.store.owner import Owner, is_gone, this_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

__all__ = [
    "FileState",
    "Staging",
    "digest_of",
    "flush",
    "make_folder",
    "remove_tree",
    "scratch",
    "stale",
    "told",
    "touch_file",
    "write_new",
]

_DAY_S = 24 * 3600
_MOST_TIMES_FILLED = 20


@frozen(repr=False)
class FileState:
    """By what one can tell that a file has not been written to since."""

    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileState:
        """Return what the system says of a file."""
        return cls(stat.st_ino, stat.st_size, stat.st_mtime_ns)


class told:  # noqa: N801 - a generator would do the same, and take six times as long
    """Turn a failure of the file system into one line that names what cannot be written.

    It may be entered again and again, by several threads at once.
    """

    def __init__(self, what: str | os.PathLike[str]) -> None:
        self._what = what

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError) and not isinstance(error, StoreError):
            raise StoreError(f"cannot write {self._what}: {error.strerror or error}") from error


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


class Staging:
    """Paths for files that are being written, in a folder for each process.

    One folder for all that a process writes: to make and remove one for each file would take
    longer than everything else.
    """

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self._folders: dict[int, Path] = {}
        self._numbers = count()

    @contextmanager
    def path(self) -> Iterator[Path]:
        """Give a path for a block; what is left there is removed.

        After a failure so is what has a name made from it: formats write under one first.
        """
        name = f"{next(self._numbers)}-value"
        path = self._made() / name
        try:
            yield path
        except BaseException:
            for left in list(path.parent.glob(f"*{name}*")):
                remove_tree(left)
            raise
        remove_tree(path)

    def close(self) -> None:
        """Remove the folder, if nothing is being written."""
        folder = self._folders.pop(os.getpid(), None)
        if folder is not None:
            with suppress(OSError):  # another thread is at work, or the store is gone
                folder.rmdir()

    def _made(self) -> Path:
        # In one step: of two threads that come at once both must get the same.
        folder = self._folders.setdefault(os.getpid(), self.parent / new_name())
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder of the system's for a block; it is gone afterwards."""
    from pathlib import Path
    from tempfile import TemporaryDirectory  # it takes long to load and is seldom needed

    with TemporaryDirectory(prefix="pypedream-") as folder:
        yield Path(folder)


def stale(folder: Path) -> Iterator[Path]:
    """Yield what processes that are gone left behind, and of other machines what is a day old."""
    for path in folder.iterdir() if folder.is_dir() else ():
        owner = _owner_of(path.name)
        with suppress(FileNotFoundError):  # it was removed meanwhile
            is_old = path.lstat().st_mtime < time() - _DAY_S
            if is_old if owner is None else is_gone(owner):
                yield path


def _owner_of(name: str) -> Owner | None:
    """Return the process of this machine that made a name; None if it is of another one."""
    here = this_process()
    host, _, rest = name.partition(".")
    pid, _, rest = rest.partition(".")
    is_ours = host == hashlib.sha256(here.host.encode()).hexdigest()[:16] and pid.isdigit()
    return Owner(here.host, int(pid), rest.partition(".")[0]) if is_ours else None


def remove_tree(path: Path) -> None:
    """Remove a file or a folder, if it is there; others may remove it at the same time."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):
        if path.is_dir():
            _remove_folder(path)
        elif path.exists():
            raise


def _remove_folder(path: Path) -> None:
    import shutil  # it takes long to load and is seldom needed

    times_filled = 0
    while path.exists():
        try:
            shutil.rmtree(path)
        except FileNotFoundError:  # another one is at it as well: there is less each time
            continue
        except OSError as error:  # what came into it meanwhile goes, too
            times_filled += 1
            if error.errno != ENOTEMPTY or times_filled == _MOST_TIMES_FILLED:
                raise
