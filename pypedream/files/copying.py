"""Copying a file so that both share their blocks where the file system can: until one changes."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pypedream.store.disk import digest_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["copy"]

_BLOCK = 1024 * 1024
_SHARE_BLOCKS = 0x40049409  # FICLONE of Linux


def copy(source: Path, target: Path) -> str:
    """Copy a file, by sharing its blocks if possible; return the digest of the copy."""
    with open(source, "rb", buffering=0) as reading, open(target, "wb", buffering=0) as writing:
        if not _is_cloned(reading.fileno(), writing.fileno()):
            found = sha256()
            while block := reading.read(_BLOCK):
                found.update(block)
                rest = memoryview(block)
                while rest:  # a disk that is nearly full takes a part
                    rest = rest[writing.write(rest) :]
            return found.hexdigest()
    return digest_of(target)


def _is_cloned(source: int, target: int) -> bool:
    try:
        import fcntl

        fcntl.ioctl(target, _SHARE_BLOCKS, source)
    except (ImportError, OSError):  # another system, or a file system that cannot
        return False
    return True
