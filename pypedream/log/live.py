r"""One line at the bottom of a terminal that is drawn over and over.

Whoever writes an ordinary line to the terminal takes it off first; there is at most one in a
process. A thread draws it, so that it also comes back when nothing happens for long.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import Context
from threading import Event as Signal
from threading import RLock, Thread, current_thread
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from pypedream.log.terminal import cut, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.log.terminal import Screen

__all__ = ["LiveLine"]

PERIOD_S = 0.1
LONGEST_WAIT_S = 1.0
ERASE = "\r\x1b[K"


class LiveLine:
    """The line of one run; lives from its start to its end.

    Parameters
    ----------
    screen
        The terminal.
    compose
        Returns the text to show.
    """

    # The one that is in use. Others do without: two would overwrite each other.
    present: ClassVar[LiveLine | None] = None

    def __init__(self, screen: Screen, compose: Callable[[], str]) -> None:
        self._screen = screen
        self._compose = compose
        self._shown = ""
        self._drawn_s = 0.0
        self._is_paused = False
        self._lock = RLock()
        self._closing = Signal()
        self._thread = Thread(target=self._draw_on, name="pypedream-console", daemon=True)

    @classmethod
    def begin(cls, screen: Screen, compose: Callable[[], str]) -> LiveLine | None:
        """Return a line that is being drawn from now on; None when there is one already."""
        if cls.present is not None:
            return None
        cls.present = live = cls(screen, compose)
        # In an empty context: the thread is not the stage's that happens to run.
        Context().run(live._thread.start)
        return live

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line off while something else is written; it comes back by itself."""
        with self._exclusive():
            self._erase()
            yield
            self._is_paused = False
            if monotonic() - self._drawn_s >= PERIOD_S:
                self._draw()

    def pause(self) -> None:
        """Take the line off until the next ordinary line has been written."""
        with self._exclusive():
            self._erase()
            self._is_paused = True

    def end(self) -> None:
        """Take the line off for good."""
        self._closing.set()
        if self._thread is not current_thread():
            self._thread.join(LONGEST_WAIT_S)
        if LiveLine.present is self:
            LiveLine.present = None
        with self._exclusive():
            self._erase()

    def _draw_on(self) -> None:
        while not self._closing.wait(PERIOD_S):
            with self._exclusive():
                try:
                    self._draw()
                except (OSError, ValueError):  # the terminal is gone; the log goes on
                    return

    def _draw(self) -> None:
        if self._is_paused or self._closing.is_set():
            return
        # One cell is left free: a full line would wrap, and could not be erased any more.
        text = cut(visible(self._compose()), max(self._screen.width() - 1, 1))
        if text != self._shown:
            self._screen.write(ERASE + text)
            self._shown = text
            self._drawn_s = monotonic()

    def _erase(self) -> None:
        if self._shown:
            self._screen.write(ERASE)
            self._shown = ""

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        # Not for ever: after a fork the holder may be a thread that is no more.
        is_held = self._lock.acquire(timeout=LONGEST_WAIT_S)
        try:
            yield
        finally:
            if is_held:
                self._lock.release()
