"""The index of a folder store: one SQLite file, for any number of threads and processes.

A damaged index is set aside and a new one begun: what was in it must be computed again, and
nothing else is lost.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from time import monotonic, time
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from pypedream.errors import StoreError
from pypedream.store.disk import touch_file
from pypedream.store.file_lock import lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Index"]

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL, serializer TEXT NOT NULL,
    metadata_json TEXT NOT NULL, created REAL NOT NULL, used REAL NOT NULL, duration_s REAL,
    signature TEXT NOT NULL, inline BLOB, seal INTEGER NOT NULL
) WITHOUT ROWID;
DROP INDEX IF EXISTS entries_by_digest;
CREATE INDEX IF NOT EXISTS blobs_by_digest ON entries (digest) WHERE inline IS NULL;
CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY, token TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    start TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
"""
_NETWORK = ("9p", "afs", "ceph", "cifs", "fuse.sshfs", "gpfs", "lustre", "ncpfs", "nfs", "smb")
_BUSY_S = 30
_BATCH_S = 0.2  # others wait meanwhile
_DAMAGED = (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB
_EMPTY_LOG = 32  # bytes of a write-ahead log that holds nothing but its header

_READING: WeakSet[Index] = WeakSet()
"""Those that this process has opened to read only."""


class Index:
    """An open index.

    Parameters
    ----------
    path
        The file. It is made, unless *readonly*; then its folder is not changed in any way.
    is_shared
        Whether the group may write.
    """

    def __init__(self, path: Path, *, readonly: bool, is_shared: bool = False) -> None:
        self.path = path
        self._name = str(path)
        self.readonly = readonly
        self._mode = 0o664 if is_shared else 0o600
        self._lock, self._lock_pid = RLock(), os.getpid()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._state: Any = None
        self._batches = 0
        self._begun: float | None = None
        self._foreign: list[sqlite3.Connection] = []
        self._changes = self._changes_asked = 0

    def read(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Return what *work* finds; *otherwise* if there is no index to read."""
        with self._held():
            return self._attempt(lambda: self._reading(work, otherwise))

    def write(self, work: Callable[[sqlite3.Connection], T], *, is_single: bool = False) -> T:
        """Let *work* change the index, in one transaction; a *single* statement is one by itself.

        After that statement *work* may read, no more.
        """
        with self._held():
            self._changes += 1
            if self._batches:
                # Nothing of a batch may be lost to a failure of one of its parts.
                return self._attempt(lambda: self._in_batch(work, is_single))
            if is_single:
                return self._attempt(lambda: work(self._writable()))
            return self._attempt(lambda: self._in_transaction(work))

    def version(self, connection: sqlite3.Connection) -> object:
        """Return what differs after any change, to be asked in `read`; None if that is unknown.

        It is when this process itself has changed something since it was asked for the last time:
        who reads and writes in turns gains nothing from knowing.
        """
        if self._changes != self._changes_asked:
            self._changes_asked = self._changes
            return None
        return self._changes, connection.execute("PRAGMA data_version").fetchone()[0]

    @property
    def is_batch(self) -> bool:
        """Whether what is written now is committed later."""
        return self._batches > 0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Put what is written inside into few transactions; what was written stays in any case."""
        with self._held():
            self._batches += 1
        try:
            yield
        finally:
            with self._held():
                self._batches = max(0, self._batches - 1)  # a child process begins at 0
                if not self._batches:
                    self.commit()

    def commit(self) -> None:
        """Let others see what a batch has written so far."""
        with self._held():
            if self._begun is not None and self._connection is not None:
                self._begun = None
                self._changes += 1  # it may fail, and take back what was read
                connection = self._connection
                self._attempt(lambda: _commit(connection))

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        with self._held():
            if self._connection is not None and self._pid == os.getpid():
                self.commit()
                self._connection.close()
            self._connection = None

    def _held(self) -> RLock:
        if self._lock_pid != os.getpid():  # whoever holds it is a thread of the parent process
            self._lock, self._lock_pid = RLock(), os.getpid()
            self._batches = 0
        return self._lock

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None and self._pid == os.getpid():
            self.close()

    def _attempt(self, work: Callable[[], T]) -> T:
        """Do *work*, a second time if the index was damaged, and name the file in every error."""
        try:
            try:
                return work()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if self.readonly:
                    raise
                if _is_refused(error):
                    self._open_anew()
                elif _is_damage(error):
                    self._set_aside()
                else:
                    raise
                return work()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise StoreError(f"cannot use {self.path}: {error}") from error

    def _reading(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        connection = self._current()
        if connection is None:
            return otherwise
        try:
            return work(connection)
        except sqlite3.OperationalError as error:
            # Whoever was to make the tables was killed; a writer would have made them by now.
            if self.readonly and _has_no_table(error):
                return otherwise
            raise

    def _open_anew(self) -> None:
        """Let go of the file in all that have it open in this process, to open it for writing.

        The connections of a process share the memory of the log. If one that only reads was the
        first, none of the others can write.
        """
        for reader in list(_READING):
            if reader.path == self.path:
                reader.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._writable()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _in_batch(self, work: Callable[[sqlite3.Connection], T], is_single: bool) -> T:
        connection = self._writable()
        if self._begun is None:
            connection.execute("BEGIN IMMEDIATE")
            self._begun = monotonic()
        try:
            result = work(connection) if is_single else _at_savepoint(connection, work)
        except BaseException:
            if not connection.in_transaction:
                # SQLite has taken back the whole batch, as it may when the disk is full.
                self._begun = None
            raise
        if monotonic() - self._begun > _BATCH_S:
            self.commit()
        return result

    def _current(self) -> sqlite3.Connection | None:
        """Return the connection of this process; None if there is nothing to read."""
        if self._connection is not None and self._pid == os.getpid():
            if not self.readonly or self._state == self._seen():
                return self._connection
            self._connection.close()
        elif self._connection is not None:
            # It belongs to the parent process; to close it would let go of the parent's locks.
            self._foreign.append(self._connection)
            self._begun = None
        self._changes += 1
        self._connection = self._opened_readonly() if self.readonly else self._opened()
        if self.readonly:
            _READING.add(self)
        self._pid = os.getpid()
        return self._connection

    def _writable(self) -> sqlite3.Connection:
        """Return the connection, unless the file it has open is not the index any more."""
        connection = self._current()
        if connection is not None and self._begun is None and self._state != self._seen():
            connection.close()
            self._connection = None
            connection = self._current()
        assert connection is not None
        return connection

    def _seen(self) -> Any:
        """Return by what one can tell that the file on disk is another one, or has changed."""
        try:
            now = os.stat(self._name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot use {self.path}: {error.strerror or error}") from error
        if self.readonly:
            # Of a log that a killed process left with its header alone SQLite reads nothing, and
            # complains after ten seconds.
            is_logged = _size(f"{self.path}-wal") > _EMPTY_LOG
            return now.st_ino, now.st_mtime_ns, now.st_size, is_logged
        return now.st_ino, now.st_dev

    def _opened(self) -> sqlite3.Connection:
        # The busy timeout does not hold for the change to WAL, so one opens after the other.
        with _file_lock(self.path.with_suffix(".lock"), self._mode):
            try:
                return self._connected()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
                self._rename_damaged()
                return self._connected()

    def _connected(self) -> sqlite3.Connection:
        touch_file(self.path, self._mode)  # by SQLite it would be readable for everybody
        if self._mode & stat.S_IWGRP:
            _let_group_write(self.path)
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            journal = "DELETE" if _is_on_network(self.path) else "WAL"
            connection.execute(f"PRAGMA journal_mode={journal}")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_SCHEMA)
            connection.execute("SELECT * FROM entries LIMIT 1").fetchall()
        except BaseException:
            connection.close()
            raise
        self._state = self._seen()
        return connection

    def _opened_readonly(self) -> sqlite3.Connection | None:
        self._state = self._seen()
        if self._state is None:
            return None
        if self._state[-1] and not os.path.exists(f"{self.path}-shm"):
            return _copied(self.path)
        # Without a log that others write to, nothing changes under our hands. With one, its shared
        # memory is only read; SQLite would otherwise mark in it how far we have read.
        way = "mode=ro&readonly_shm=1" if self._state[-1] else "mode=ro&immutable=1"
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{way}",
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )

    def _set_aside(self) -> None:
        """Rename the damaged index that is open, unless another process has done so."""
        is_same = self._state == self._seen()
        if self._connection is not None:
            self._connection.close()
        self._connection, self._begun = None, None
        if is_same:
            with _file_lock(self.path.with_suffix(".lock"), self._mode):
                if self._state == self._seen():
                    self._rename_damaged()

    def _rename_damaged(self) -> None:
        mark = f"damaged-{time():.0f}-{os.getpid()}"
        for ending in ("-wal", "-shm", ""):
            path = Path(f"{self.path}{ending}")
            if path.exists():
                path.replace(f"{self.path}.{mark}{ending}")


def _at_savepoint(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("SAVEPOINT one")
    try:
        result = work(connection)
        connection.execute("RELEASE one")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
        raise
    return result


def _copied(path: Path) -> sqlite3.Connection:
    """Return a copy in memory: a log that nobody has open can only be read with a new file."""
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        _copy_into(memory, path)
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror or error}") from error
    return memory


def _copy_into(memory: sqlite3.Connection, path: Path) -> None:
    import shutil
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="pypedream-") as folder:
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError):  # it was removed meanwhile
                shutil.copyfile(f"{path}{ending}", Path(folder, f"index.db{ending}"))
        copy = sqlite3.connect(Path(folder, "index.db"), isolation_level=None)
        try:
            copy.backup(memory)
        finally:
            copy.close()


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_refused(error: Exception) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF == sqlite3.SQLITE_READONLY


def _is_damage(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) or 0
    is_no_text = isinstance(error, UnicodeDecodeError) or "Could not decode" in str(error)
    return code & 0xFF in _DAMAGED or _has_no_table(error) or is_no_text


def _has_no_table(error: Exception) -> bool:
    return "no such table" in str(error)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _let_group_write(path: Path) -> None:
    if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & stat.S_IWGRP:
        path.chmod(0o664)


def _is_on_network(path: Path, mounts: str = "/proc/mounts") -> bool:
    """Say whether *path* is on a network file system, where a write-ahead log does not work."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.split() for line in file]
    except OSError:
        return False
    whole = os.path.realpath(path)
    kinds = {_unescaped(place): kind for _, place, kind, *_ in lines}
    inside = [place for place in kinds if whole.startswith(place.rstrip("/") + "/")]
    return bool(inside) and kinds[max(inside, key=len)].startswith(_NETWORK)


def _unescaped(mount: str) -> str:
    return mount.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


@contextmanager
def _file_lock(path: Path, mode: int) -> Iterator[None]:
    """Hold a lock that the system takes back when the process ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror}") from error
    try:
        if mode & stat.S_IWGRP:
            _let_group_write(path)
        try:
            lock(descriptor)
        except OSError as error:
            raise StoreError(f"cannot lock {path}: {error.strerror}") from error
        yield
    finally:
        os.close(descriptor)
