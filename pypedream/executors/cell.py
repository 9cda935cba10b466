"""A few numbers in memory that a worker writes and its parent reads, also when it was killed."""

from __future__ import annotations

import mmap
import os
from typing import Final

__all__ = ["BEGUN", "CALL", "Cell"]

BEGUN: Final = 0
"""Number of the job that was begun last."""
CALL: Final = 1
"""Number of its call that was begun last, from 1 on; 0 before the first."""

SIZE = 8 * 2


class Cell:
    """The numbers; lives as long as the worker.

    Attributes
    ----------
    numbers
        A view of them, to read and to set.
    """

    def __init__(self, fd: int) -> None:
        self._map = mmap.mmap(fd, SIZE)
        self.numbers = memoryview(self._map).cast("q")

    @classmethod
    def new(cls) -> tuple[Cell, int]:
        """Return a cell of zeros and the file that it is in, which the caller closes."""
        fd = scratch_file("cell")
        return cls.in_file(fd), fd

    @classmethod
    def in_file(cls, fd: int) -> Cell:
        """Return a cell of zeros in an open file that is empty."""
        os.truncate(fd, SIZE)
        return cls(fd)

    def close(self) -> None:
        """Let go of the memory."""
        self.numbers.release()
        self._map.close()


def scratch_file(name: str) -> int:
    """Return a new file without a name, in memory where that goes."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(f"pypedream-{name}")
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        return os.dup(file.fileno())
