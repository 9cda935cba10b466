"""Messages between a worker process and its parent: each a pickle with its length before it."""

from __future__ import annotations

import os
import pickle
from struct import Struct
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Channel"]

_LENGTH = Struct("<Q")
_AT_ONCE = 1 << 20
_SMALL = 1 << 16


class Channel:
    """One end of two pipes; lives as long as the worker.

    Any thread may send; one thread receives.

    Parameters
    ----------
    read_fd, write_fd
        The ends of the pipes; they belong to the channel.
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._file = os.fdopen(read_fd, "rb", buffering=_SMALL)
        self._write_fd = write_fd
        self._sending = Lock()

    def send(self, message: Any) -> None:
        """Send *message*, which must be a thing that Python's own pickler knows.

        Raises
        ------
        OSError
            If there is nobody at the other end.
        """
        data = pickle.dumps(message, 5)
        with self._sending:
            for part in _parts(data):
                _write(self._write_fd, part)

    def receive(self) -> Any:
        """Wait for the next message.

        Raises
        ------
        EOFError
            If there is nobody at the other end any more.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        return pickle.loads(self._read(length))  # noqa: S301 - it is from our own process

    def close(self) -> None:
        """Close both ends."""
        self.hang_up()
        self._file.close()

    def hang_up(self) -> None:
        """Close the end that sends, if that was not done."""
        with self._sending:
            write_fd, self._write_fd = self._write_fd, -1
            if write_fd >= 0:
                os.close(write_fd)

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise EOFError
        return data


def _parts(data: bytes) -> Iterator[bytes | memoryview]:
    """Yield what is written at once: a small message is one write."""
    head = _LENGTH.pack(len(data))
    if len(data) < _SMALL:
        yield head + data
        return
    yield head
    view = memoryview(data)
    for start in range(0, len(data), _AT_ONCE):
        yield view[start : start + _AT_ONCE]


def _write(fd: int, data: bytes | memoryview) -> None:
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, data[written:])
