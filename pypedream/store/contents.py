"""Contents: what entries hold, compared with its digest before anyone sees it."""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pypedream.store.corruption import Damaged
from pypedream.store.disk import FileState, digest_of, scratch, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.store.backend import Backend
    from pypedream.store.entry import Entry

__all__ = ["Contents", "know"]

_ALWAYS_VERIFIED = 64 * 1024 * 1024
_REMEMBERED = 1024 * 1024
_MEMORY_BYTES = 64 * 1024 * 1024

_verified: set[tuple[str, FileState]] = set()
"""Large files that this process has compared with a digest, or hashed as it wrote them."""


def know(digest: str, state: FileState) -> None:
    """Take a file for verified that this process has written and hashed on the way."""
    if state.size >= _ALWAYS_VERIFIED:
        _verified.add((digest, state))


class Contents:
    """The contents of one backend's entries; small ones that were used last stay in memory.

    Bytes are remembered and not values, so that who changes a value changes his own.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._remembered: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    @contextmanager
    def file(self, entry: Entry) -> Iterator[Path]:
        """Give a file with the content, for as long as the block lasts; nobody may write to it.

        Raises
        ------
        Damaged
            If the content is not what was stored.
        """
        data = self.data(entry)
        if data is not None:
            with _holding(data) as path:
                yield path
            return
        blob = self._backend.blob(entry)
        if blob is not None:
            _verify_once(entry, blob)
            yield blob
            return
        with scratch() as folder:
            path = folder / "value"
            self._fetch(entry, path)
            _verify(entry, path)
            yield path

    def data(self, entry: Entry) -> bytes | None:
        """Return the content, or None if it is large; raise Damaged as `file` does."""
        if entry.inline is not None:
            return self._inline(entry, entry.inline)
        if entry.size > _REMEMBERED:
            return None
        with self._lock:
            known = self._remembered.get(entry.digest)
            if known is not None:
                self._remembered.move_to_end(entry.digest)
                return known
        data = _matching(entry, self._small(entry))
        self._remember(entry.digest, data)
        return data

    def verify(self, entry: Entry) -> None:
        """Compare the content where it is kept with its digest; raise Damaged as `file` does."""
        if entry.inline is not None:
            _matching(entry, entry.inline)
            return
        blob = self._backend.blob(entry)
        if blob is not None:
            _verify(entry, blob)
            return
        with scratch() as folder:
            path = folder / "value"
            self._fetch(entry, path)
            _verify(entry, path)

    def _inline(self, entry: Entry, data: bytes) -> bytes:
        """Compare the content with what is known of that digest: that is faster than hashing."""
        if self._remembered.get(entry.digest) != data:
            self._remember(entry.digest, _matching(entry, data))
        return data

    def _small(self, entry: Entry) -> bytes:
        blob = self._backend.blob(entry)
        if blob is not None:
            try:
                return blob.read_bytes()
            except FileNotFoundError:
                raise Damaged("missing") from None
        with scratch() as folder:
            path = folder / "value"
            self._fetch(entry, path)
            return path.read_bytes()

    def _fetch(self, entry: Entry, path: Path) -> None:
        try:
            self._backend.fetch(entry, path)
        except FileNotFoundError:
            raise Damaged("missing") from None

    def _remember(self, digest: str, data: bytes) -> None:
        with self._lock:
            known = self._remembered.get(digest, b"")
            self._size += len(data) - len(known)
            self._remembered[digest] = data
            while self._size > _MEMORY_BYTES:
                self._size -= len(self._remembered.popitem(last=False)[1])


def _matching(entry: Entry, data: bytes) -> bytes:
    if len(data) < entry.size:
        raise Damaged("truncated")
    if sha256(data).hexdigest() != entry.digest:
        raise Damaged("changed")
    return data


def _verify(entry: Entry, path: Path) -> None:
    try:
        size = path.stat().st_size
        digest = digest_of(path) if size == entry.size else ""
    except FileNotFoundError:
        raise Damaged("missing") from None
    if size < entry.size:
        raise Damaged("truncated")
    if digest != entry.digest:
        raise Damaged("changed")


def _verify_once(entry: Entry, path: Path) -> None:
    """Compare a file with its digest; a large one once in this process, unless it changes."""
    try:
        mark = (entry.digest, FileState.of(path.stat()))
    except FileNotFoundError:
        raise Damaged("missing") from None
    if entry.size < _ALWAYS_VERIFIED or mark not in _verified:
        _verify(entry, path)
        _verified.add(mark)


@contextmanager
def _holding(data: bytes) -> Iterator[Path]:
    """Give a file with *data*, in memory where the system has such files."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("pypedream")
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            yield Path(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    with scratch() as folder:
        path = folder / "value"
        write_new(path, data)
        yield path
