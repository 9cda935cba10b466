"""Journals: a file of lines that says what a process is about to do, locked while it lives.

Whoever finds one that is free finds what a crash left. A run writes one journal after the other
into the same file: to make a file for each stage would take as long as all else that is done.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING, Any

from pypedream.errors import StoreError
from pypedream.store.disk import make_folder
from pypedream.store.file_lock import try_lock
from pypedream.store.owner import Owner, is_gone, this_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Context

__all__ = ["LOCK", "Journal", "alone", "begun", "has_ended", "left_in", "taken", "used_again"]

LOCK = "lock"
"""The file that is locked by who sees to what a crash left."""

_ENDING = ".jsonl"
_DONE = b'{"done": '
_CLOSED = -1
_VERSION = 2
_PAUSE_S = 0.002
_BINARY = getattr(os, "O_BINARY", 0)


class Journal:
    """A journal that this process writes.

    Attributes
    ----------
    id
        A name that nothing else has.
    folder, path
        Where its file is, and the file.
    count
        How many outputs it has told of.
    """

    def __init__(self, folder: str) -> None:
        self.id, self._descriptor, self.path = _made(folder)
        self.folder, self.count = folder, 0
        self._is_torn = False
        self._root = self._real_root = ""
        try:
            own = this_process()
            about = {"host": own.host, "pid": own.pid, "start": own.start}
            self.say({"version": _VERSION, **about})
        except BaseException:
            self.remove()
            raise

    def say(self, record: dict[str, Any]) -> None:
        """Write a line."""
        data = json.dumps(record).encode("ascii") + b"\n"
        if os.write(self._descriptor, data) != len(data):
            self._is_torn = True  # nobody reads what comes after half a line
            raise StoreError(f"cannot write {self.path}: the disk is full")

    def real(self, root: str) -> str:
        """Return the folder of a project without symbolic links; a run asks for it once."""
        if root != self._root:
            self._root, self._real_root = root, os.path.realpath(root)
        return self._real_root

    def flush(self) -> None:
        """Have what was said reach the disk."""
        os.fsync(self._descriptor)

    def end(self) -> None:
        """Say that nothing is left to be done."""
        files = _USED_AGAIN.get()
        if self._is_torn or files is None or not files.keep(self):
            self.remove()

    def close(self) -> None:
        """Leave the rest to others."""
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)

    def remove(self) -> None:
        """Remove the file: nothing is left to be done."""
        # Nobody may take it in between; but Windows removes no file that is open.
        if os.name == "nt":
            self.close()
        with suppress(FileNotFoundError):
            os.unlink(self.path)
        self.close()


class _UsedAgain:
    """The files of journals that one run writes, while nobody writes to them."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = Lock()
        self._is_over = False
        self._journals: dict[str, list[Journal]] = {}

    def take(self, folder: str) -> Journal | None:
        """Return a journal that has nothing more to say; None if there is none."""
        if self._pid != os.getpid():  # they are of the parent process
            return None
        with self._lock:
            journals = self._journals.get(folder)
            return journals.pop() if journals else None

    def keep(self, journal: Journal) -> bool:
        """Take a journal that has said all; say whether it can be used again."""
        if self._pid != os.getpid():
            return False
        try:
            journal.say({"done": journal.count})
        except (OSError, StoreError):  # where nothing can be written a file can be removed
            return False
        with self._lock:
            if not self._is_over:
                self._journals.setdefault(journal.folder, []).append(journal)
            return not self._is_over

    def close(self) -> None:
        """Remove the files; one that is written to is removed by who does so."""
        with self._lock:
            self._is_over = True
            left = [journal for journals in self._journals.values() for journal in journals]
            self._journals.clear()
        for journal in left:
            with suppress(OSError):  # it says that all is done: whoever recovers removes it
                journal.remove()


_USED_AGAIN: ContextVar[_UsedAgain | None] = ContextVar("pypedream.files.journals", default=None)


@contextmanager
def used_again(context: Context) -> Iterator[None]:
    """Let what runs under *context* use the files of journals again, for a block."""
    files = _UsedAgain()
    context.run(_USED_AGAIN.set, files)
    try:
        yield
    finally:
        files.close()


def begun(folder: str) -> Journal:
    """Return a journal in a folder, which is made if need be, to be written."""
    files = _USED_AGAIN.get()
    known = files and files.take(folder)
    if known:
        return known
    if not os.path.isdir(folder):
        make_folder(Path(folder), is_shared=False)
    return Journal(folder)


def left_in(folder: Path) -> list[Path]:
    """Return the journals that are there, whether their processes live or not."""
    return sorted(folder.glob(f"*{_ENDING}"))


def has_ended(path: str | os.PathLike[str]) -> bool:
    """Say whether a journal says that nothing of it is left to be done; its run may go on."""
    with open(path, "rb") as file:
        data = file.read()
    last = data[data[:-1].rfind(b"\n") + 1 :]
    return last.startswith(_DONE) and last.endswith(b"\n")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else sees to what a crash left, and keep others out for a block."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
    try:
        while _try_lock(lock) is False:
            sleep(_PAUSE_S)
        yield
    finally:
        os.close(lock)


@contextmanager
def taken(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]] | None]:
    """Give the id and the lines of a journal; None if its process lives, or it is gone.

    Whoever calls is `alone`. The journal is removed at the end of the block, unless that raises.
    """
    try:
        journal = os.open(path, os.O_RDWR | _BINARY)
    except FileNotFoundError:
        yield None
        return
    try:
        is_locked = _try_lock(journal)
        with open(journal, "rb", closefd=False) as file:
            records = _records(file.read())
        # A child that came off it holds the lock on; where there are no locks its end is enough.
        is_free = is_locked is True or _is_of_the_dead(records)
        if not is_free or not path.exists():
            yield None
            return
        if records and records[0].get("version") != _VERSION:
            raise StoreError(f"{path} is of another version of pypedream: run that one once")
        yield path.name.removesuffix(_ENDING), _not_done(records[1:])
        # Who has just begun it may not lock what is about to go; Windows removes no open file.
        if os.name != "nt":
            path.unlink(missing_ok=True)
    finally:
        os.close(journal)
    if os.name == "nt":
        path.unlink(missing_ok=True)


def _made(folder: str) -> tuple[str, int, str]:
    """Make a file under a new name and lock it; return name, descriptor and path."""
    while True:
        name = os.urandom(8).hex()
        path = os.path.join(folder, f"{name}{_ENDING}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | _BINARY
        journal = os.open(path, flags, 0o600)
        is_locked = _try_lock(journal)
        # Between the two steps it may have been taken for what a crash left.
        if is_locked is not False and os.path.exists(path):
            return name, journal, path
        os.close(journal)


def _is_of_the_dead(records: list[dict[str, Any]]) -> bool:
    if not records:
        return False
    head = records[0]
    return is_gone(Owner(head["host"], head["pid"], head["start"]))


def _records(journal: bytes) -> list[dict[str, Any]]:
    """Return the lines of a journal; the last one may be torn, and then says nothing."""
    found = []
    for line in journal.split(b"\n")[:-1]:
        try:
            found.append(json.loads(line))
        except ValueError:  # power was lost before that line was on the disk
            break
    return found


def _not_done(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ends = [number for number, record in enumerate(records, 1) if "done" in record]
    return records[ends[-1] :] if ends else records


def _try_lock(journal: int) -> bool | None:
    """Lock a journal without waiting; None where the file system has no locks."""
    try:
        return try_lock(journal)
    except OSError:
        return None
