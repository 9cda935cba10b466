"""Copying a file so that both share their blocks where the file system can: until one changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.store.disk import digest_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["copy"]

_SHARE_BLOCKS = 0x40049409  # FICLONE of Linux


def copy(source: str | Path, target: Path) -> str:
    """Copy a file, by sharing its blocks if possible; return the digest of the copy."""
    with open(source, "rb") as reading, open(target, "wb") as writing:
        is_cloned = _is_cloned(reading.fileno(), writing.fileno())
    if not is_cloned:
        import shutil  # it takes long to load; the system itself copies for it

        shutil.copyfile(source, target)
    return digest_of(target)


def _is_cloned(source: int, target: int) -> bool:
    try:
        import fcntl

        fcntl.ioctl(target, _SHARE_BLOCKS, source)
    except (ImportError, OSError):  # another system, or a file system that cannot
        return False
    return True
