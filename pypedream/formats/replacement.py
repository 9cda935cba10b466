"""Writing beside a file or folder and then taking its place, so that nobody sees half of it."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNFINISHED = ".tmp-"
"""Begins the name of what is being written: nobody reads it."""

_LONGEST_ENDING = 40
_PRIVATE = 0o600
_NEW = 0o666
"""The kernel takes the umask off this: that is how any new file of this user would look."""


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give an empty file beside *path* to write to; at the end of the block it becomes *path*.

    When the block raises, what was at *path* stays and the other file goes. The file has the same
    ending as *path*, because libraries choose by it. Missing folders are made; a symbolic link
    stays, and what it points to is replaced. The content is as private as can be until it is
    complete; then the file has the mode of the one it replaces, or that of any new file. Nothing
    is forced to the disk: who needs that calls ``os.fsync``. A new file with the name of what is
    being written anyway is written at its place.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "word.txt"
    >>> with replacing(path) as beside:
    ...     _ = beside.write_text("done")
    >>> path.read_text()
    'done'
    """
    from pathlib import Path  # who only names a format needs none

    target, mode, is_beside = _seen(path)
    beside = Path(_beside(target) if is_beside else target)
    descriptor = _made(beside, _NEW)
    try:
        mode = os.fstat(descriptor).st_mode & 0o777 if mode is None else mode
        os.close(descriptor)
        os.chmod(beside, _PRIVATE)
        yield beside
        os.chmod(beside, mode)
        if is_beside:
            os.replace(beside, target)
    except BaseException:
        _remove_if_there(beside)
        raise


def replace(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Put *data* in place of a file, in one step and in half the time that `replacing` takes."""
    target, mode, is_beside = _seen(path)
    beside = _beside(target) if is_beside else target
    descriptor = _made(beside, _NEW if mode is None else _PRIVATE)
    try:
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
        if mode is not None:
            os.chmod(beside, mode)
        if is_beside:
            os.replace(beside, target)
    except BaseException:
        _remove_if_there(beside)
        raise


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write *data* to a file: a disk that is nearly full takes a part, and fails at the next."""
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a name beside *path* to make a folder at; at the end of the block it becomes *path*.

    When the block raises, what was at *path* stays and the other folder goes. A folder cannot be
    replaced in one step: between two renames there is nothing at *path*. The old one is removed
    only after the new one is in place. As with files, one with the name of what is being written
    anyway is made at its place.
    """
    from pathlib import Path

    place, _, is_beside = _seen(path)
    target = Path(place)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(_beside(place)) if is_beside else target
    try:
        yield beside
        if is_beside:
            _swap(beside, target)
    except BaseException:
        _remove(beside)
        raise


def _swap(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
        return
    old = target.with_name(os.path.basename(_beside(str(target))))
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        import shutil  # it takes long to load, and most of what is replaced is a file

        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _seen(path: str | os.PathLike[str]) -> tuple[str, int | None, bool]:
    """Look at what is to be replaced.

    Returns
    -------
    Where it is, whatever folder the process is in later, a last link followed; who may do what with
    it, None if it is not there; and whether to write beside it.
    """
    place = os.fspath(path)
    if not os.path.isabs(place):  # the folder that the process is in may be gone
        place = os.path.join(os.getcwd(), place)
    mode = _mode(place)
    if mode is not None and stat.S_ISLNK(mode):
        place = os.path.realpath(place)
        mode = _mode(place, os.stat)
    place = place.rstrip(os.sep)
    is_unfinished = mode is None and os.path.basename(place).startswith(UNFINISHED)
    return place, None if mode is None else mode & 0o777, not is_unfinished


def _made(beside: str | Path, mode: int) -> int:
    """Make a new file, and the folders that it is in; return its descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        return os.open(beside, flags, mode)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(beside), exist_ok=True)
        return os.open(beside, flags, mode)


def _remove_if_there(path: str | Path) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _beside(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f"{UNFINISHED}{os.urandom(8).hex()}{ending_of(name)}")


def ending_of(name: str) -> str:
    """Return the part of a name by which libraries choose a format.

    Examples
    --------
    >>> ending_of("x.csv.gz"), ending_of(".hidden")
    ('.csv.gz', '')
    """
    parts = [] if name.endswith(".") else name.lstrip(".").split(".")[1:]
    ending = "".join([f".{part}" for part in parts[-2:]])
    return ending if len(ending) <= _LONGEST_ENDING else ""


def _mode(place: str, look: Callable[[str], os.stat_result] = os.lstat) -> int | None:
    try:
        return look(place).st_mode
    except FileNotFoundError:
        return None
