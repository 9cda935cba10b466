"""Versions of a file: each is written beside, flushed and put in place in one step.

No file that a run may still need is ever written into: a new version is a new file under the old
name. So another name of the old one, a hard link, is a whole copy of it that costs nothing.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.formats.replacement import UNFINISHED, replacing
from pypedream.store.disk import flush

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "Stamp",
    "keep_version",
    "new_version",
    "restore_version",
    "unlink_version",
]


@frozen
class Stamp:
    """By what one can tell that a file was not written into.

    Attributes
    ----------
    inode
        Which file it is, whatever its name.
    size_bytes, changed_ns
        Its size, and when it was written to.
    """

    inode: int
    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Return the stamp of a file."""
        stat = path.stat()
        return cls(stat.st_ino, stat.st_size, stat.st_mtime_ns)


@contextmanager
def new_version(path: Path) -> Iterator[Path]:
    """Give a file to write to, which becomes *path* at the end of the block.

    What is at *path* can be read in the block, and stays if that raises.
    """
    with replacing(path) as beside:
        yield beside
        flush(beside)


def keep_version(path: Path, kept: Path, *, is_ours: bool) -> None:
    """Keep what is at *path* now under the name *kept* as well.

    Parameters
    ----------
    is_ours
        Whether only `new_version` writes there. What others may write into is copied.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    _put(path, kept, may_link=is_ours)


def restore_version(kept: Path, path: Path, *, may_link: bool = True) -> None:
    """Have *path* be again what was kept; what was kept stays.

    Parameters
    ----------
    may_link
        Whether both may be one file, as only `new_version` writes there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _put(kept, path, may_link=may_link)


def unlink_version(path: Path) -> None:
    """Have a file be none of the versions that are kept of it, so that it may be written into."""
    if path.stat().st_nlink > 1:
        _put(path, path, may_link=False)


def _put(source: Path, target: Path, *, may_link: bool) -> None:
    beside = target.with_name(f"{UNFINISHED}{token_hex(8)}")
    try:
        if not (may_link and _linked(source, beside)):
            shutil.copyfile(source, beside)
            flush(beside)
        beside.replace(target)
    finally:
        # Where both are names of one file already, a system renames nothing.
        beside.unlink(missing_ok=True)


def _linked(source: Path, target: Path) -> bool:
    """Make another name of a file; False where the file system cannot."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except (OSError, NotImplementedError):
        return False
    return True
