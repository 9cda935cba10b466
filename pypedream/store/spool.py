"""Spool: a file to write to that stays in memory while it is small, and is hashed on the way."""

from __future__ import annotations

import io
import os
from hashlib import sha256
from pickle import PickleBuffer
from threading import Thread
from typing import TYPE_CHECKING, Any

from pypedream.store.entry import INLINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Spool"]

_BLOCK = 1024 * 1024
_LARGE = 4 * 1024 * 1024  # from here on a second thread pays


class Spool(io.RawIOBase):
    """What one serializer writes; it lives until its content has become an entry.

    Parameters
    ----------
    staged
        Gives the path of the file; called once, and only if there is more than an entry can hold.
    """

    def __init__(self, staged: Callable[[], Path]) -> None:
        self._staged = staged
        self._held = bytearray()
        self._hash = sha256()
        self._descriptor: int | None = None
        self._on_disk = 0
        self.path: Path | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._on_disk + len(self._held)

    def write(self, data: Any) -> int:
        """Write all of *data*, which may be changed afterwards."""
        view = PickleBuffer(data).raw()  # one row of bytes, whatever the shape
        if view.nbytes >= _BLOCK:
            self._drain()
            self._put(view)
        else:
            self._held += view
            if len(self._held) >= _BLOCK:
                self._drain()
        return view.nbytes

    def inline(self) -> bytes | None:
        """Return the content if an entry can hold it, otherwise None."""
        is_small = self._descriptor is None and len(self._held) <= INLINE_BYTES
        return bytes(self._held) if is_small else None

    def flushed(self) -> os.stat_result:
        """Have everything reach the disk, as a file at `path`; say what the file is then."""
        self._drain()
        assert self._descriptor is not None
        os.fsync(self._descriptor)
        return os.fstat(self._descriptor)

    def hexdigest(self) -> str:
        """Return the SHA-256 of what has reached the disk."""
        return self._hash.hexdigest()

    def release(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _drain(self) -> None:
        held, self._held = self._held, bytearray()
        if held:
            self._put(memoryview(held))

    def _put(self, view: memoryview) -> None:
        if self._descriptor is None:
            self.path = self._staged()
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self.path, flags, 0o666)
        if view.nbytes < _LARGE:
            self._hash.update(view)
            _write_all(self._descriptor, view)
        else:
            self._put_large(view, self._descriptor)
        self._on_disk += view.nbytes

    def _put_large(self, view: memoryview, descriptor: int) -> None:
        """Hash while the disk is at work: that takes as long as the other, and each its own."""
        hashing = _Hashing(self._hash, view)
        try:
            _write_all(descriptor, view)
            getattr(os, "fdatasync", os.fsync)(descriptor)
        finally:
            hashing.join()


class _Hashing:
    """A hash that takes in *view* in a thread of its own, where one can be started."""

    def __init__(self, hashed: Any, view: memoryview) -> None:
        self._work: Callable[[], None] = lambda: hashed.update(view)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="pypedream hash")
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter ends, or the system has no more threads
            self._work()
            self._thread = Thread()

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - `join` raises it
            self._error = error


def _write_all(descriptor: int, data: memoryview) -> None:
    rest = data
    while rest:  # a disk that is nearly full takes a part, and fails at the next call
        rest = rest[os.write(descriptor, rest) :]
