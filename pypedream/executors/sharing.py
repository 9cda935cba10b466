"""Large buffers where two processes see them: one copy, however many workers read it.

On Linux that is a piece of memory without a name, which the other process opens by way of
``/proc``: whatever happens to either, nothing is left behind. Elsewhere it is a temporary file. A
reader maps it and may change what it sees; nobody else sees that change.
"""

from __future__ import annotations

import mmap
import os
import sys
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, WeakValueDictionary, finalize

from attrs import frozen

from pypedream.executors.packing import LARGE, Packed

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import RawIOBase

__all__ = ["Segment", "Shared", "Sharing", "Wire", "packed_of", "wire_of"]

MOST_MAPS = 64
_MOST_AT_ONCE = 1 << 30
_maps: WeakSet[mmap.mmap] = WeakSet()


@frozen
class Shared:
    """Where another process finds a buffer."""

    place: str
    size: int

    def map(self) -> mmap.mmap | bytearray:
        """Map the buffer into this process; what is changed in it is changed for us only.

        A map has an open file until Python 3.12. When there are many, it is a copy.
        """
        fd = os.open(self.place, os.O_RDONLY | getattr(os, "O_BINARY", 0) | os.O_CLOEXEC)
        with os.fdopen(fd, "rb", buffering=0) as file:
            if sys.version_info >= (3, 13):
                return mmap.mmap(fd, self.size, access=mmap.ACCESS_COPY, trackfd=False)
            if len(_maps) < MOST_MAPS:
                mapped = mmap.mmap(fd, self.size, access=mmap.ACCESS_COPY)
                _maps.add(mapped)
                return mapped
            return _read_all(file, self.size)


Wire = tuple[str, str, "bytes | Shared", "list[bytes | Shared]"]
"""A `Packed` as it is sent: small buffers within the message, large ones named."""


class Segment:
    """A copy of one buffer that other processes can map; goes when nobody here holds it.

    Parameters
    ----------
    view
        The bytes. The segment keeps their owner alive.

    Raises
    ------
    OSError
        If there is no room for it.
    """

    def __init__(self, view: memoryview) -> None:
        self._view = view
        place, fd, remove = _new_place()
        self._finalizer = finalize(self, remove)
        try:
            _write_all(fd, view)
        except BaseException:
            self._finalizer()
            raise
        self.shared = Shared(place, view.nbytes)

    def forget(self) -> None:
        """Let go of the copy now; who has mapped it keeps it."""
        self._finalizer()


class Sharing:
    """The segments of this process, by what they are a copy of; lives as long as an executor.

    A segment is used again only while somebody holds it, and so for calls that are being made: a
    user who changes an array between two runs changes what the second one sees.
    """

    def __init__(self) -> None:
        self._segments: WeakValueDictionary[tuple[int, int], Segment] = WeakValueDictionary()
        self._lock = Lock()

    def segment(self, buffer: Any) -> Segment | None:
        """Return the segment for *buffer*; None where there is no room for one."""
        view = memoryview(buffer)
        raw = view.cast("B") if view.c_contiguous else memoryview(buffer.raw())
        key = (_address(view), raw.nbytes)
        with self._lock:
            segment = self._segments.get(key)
            if segment is None:
                try:
                    segment = Segment(raw)
                except OSError:
                    return None
                self._segments[key] = segment
            return segment


def wire_of(packed: Packed, share: Callable[[Any], Segment | None] | None) -> Wire:
    """Return *packed* as it is sent.

    Parameters
    ----------
    share
        Returns the segment for a large buffer, which *packed* then holds. None sends all of it.
    """

    def sent(buffer: Any) -> bytes | Shared:
        segment = None if share is None else share(buffer)
        if segment is None:
            return bytes(buffer)
        packed.keep[id(segment)] = segment
        return segment.shared

    data: bytes | Shared = packed.data if len(packed.data) < LARGE else sent(packed.data)
    return packed.id, packed.of, data, [sent(buffer) for buffer in packed.buffers]


def packed_of(wire: Wire) -> Packed:
    """Return what was sent as *wire*."""
    name, of, data, buffers = wire
    mapped = tuple(
        buffer.map() if isinstance(buffer, Shared) else bytearray(buffer) for buffer in buffers
    )
    whole = data.map() if isinstance(data, Shared) else data
    return Packed(name, of, whole, mapped)  # type: ignore[arg-type]


def is_shared(wire: Wire) -> bool:
    """Say whether anything of *wire* is not in the message."""
    return any(isinstance(part, Shared) for part in (wire[2], *wire[3]))


def _address(view: memoryview) -> int:
    """Return where the bytes are: two views of one array may be two objects."""
    owner = view.obj
    interface = getattr(owner, "__array_interface__", None)
    if isinstance(interface, dict):
        return int(interface["data"][0])
    address = getattr(owner, "address", None)  # of Arrow
    return address if isinstance(address, int) else id(owner)


def _new_place() -> tuple[str, int, Callable[[], None]]:
    """Return the place, the open file, and what gives both back."""
    if sys.platform == "linux":
        fd = os.memfd_create("pypedream")
        return f"/proc/{os.getpid()}/fd/{fd}", fd, lambda: os.close(fd)
    from tempfile import mkstemp

    fd, path = mkstemp(prefix="pypedream-")

    def remove() -> None:
        os.close(fd)
        with suppress(OSError):
            os.unlink(path)

    return path, fd, remove


def _read_all(file: RawIOBase, size: int) -> bytearray:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        count = file.readinto(view[done:])
        if not count:
            raise EOFError
        done += count
    return data


def _write_all(fd: int, view: memoryview) -> None:
    done = 0
    while done < view.nbytes:
        done += os.write(fd, view[done : done + _MOST_AT_ONCE])
