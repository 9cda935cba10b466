"""Presses: how often Ctrl-C was pressed, counted as the signals arrive.

Python only notes that a signal came, and calls the handler when the main thread is next at work. A
thread that keeps the interpreter delays that, by milliseconds or by as long as its C code lasts.
All that came meanwhile is one call; but the wakeup descriptor got a byte of each.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_BYTES = 1 << 16
"""What a pipe holds. Where other signals have filled it, a call of the handler is one press."""


@define(eq=False, repr=False)
class Presses:
    """Counts SIGINT, in the main thread, for the handler of a run or a sweep and those within.

    A process has one wakeup descriptor. Who has it already, or takes it meanwhile as an event loop
    in a stage may do, keeps it; then a call of the handler is one press.
    """

    _ends: tuple[int, int] | None = field(default=None, init=False)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count presses as long as this lasts, if they are not counted already."""
        if self._ends is not None:
            yield
            return
        try:
            self._open()
            yield
        finally:
            self.close()

    def take(self) -> int:
        """Return how many there were since the last time, as the handler is called for some."""
        import signal

        if self._ends is None:
            return 1
        try:
            came = os.read(self._ends[0], SIZE_BYTES)
        except OSError:  # there is nothing to be read
            return 1
        return max(1, came.count(signal.SIGINT))

    def close(self) -> None:
        """Count no more."""
        import signal

        if self._ends is None:
            return
        (reads, writes), self._ends = self._ends, None
        _counting.discard(self)
        now = signal.set_wakeup_fd(-1)
        if now not in (writes, -1):
            _give_back(now)
        os.close(reads)
        os.close(writes)

    def _open(self) -> None:
        import signal

        if os.name == "nt":  # a pipe would make the signal wait when it is full
            return
        with suppress(OSError):  # so many files are open that there is no pipe to be had
            self._ends = os.pipe()
            for end in self._ends:
                os.set_blocking(end, False)
            _counting.add(self)
            before = signal.set_wakeup_fd(self._ends[1], warn_on_full_buffer=False)
            if before != -1:
                _give_back(before)
                self.close()


def _give_back(descriptor: int) -> None:
    import signal

    with suppress(OSError, ValueError):  # it was closed since
        signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)


_counting: set[Presses] = set()


def _leave_to_the_parent() -> None:
    """Let go in a child: a terminal sends it Ctrl-C as well, which is no second one."""
    for presses in [*_counting]:
        presses.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)
