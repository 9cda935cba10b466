"""Quiet: waiting until nothing more is entered, as a browser may send a click too early.

While the kernel has not answered to what was entered first, as when another cell runs, a browser
holds back what is typed next. A click is not held back, so it can come before the last letters of
a number. What was held back comes as soon as the kernel answers, which it does when the handler
of the click returns.
"""

from __future__ import annotations

from asyncio import get_running_loop
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from collections.abc import Callable

PAUSE_S = 0.3
"""How long nothing may have been entered; the way to a browser and back takes less."""


class Quiet:
    """Calls one thing at a time, when nothing has been entered for a moment."""

    def __init__(self) -> None:
        self._action: Callable[[], None] | None = None
        self._timer: TimerHandle | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether something is still to be called."""
        return self._action is not None

    def call(self, action: Callable[[], None]) -> None:
        """Call *action* when all is quiet, or at once where no event loop can wait for that."""
        self._action = action
        try:
            self._timer = get_running_loop().call_later(PAUSE_S, self._act)
        except RuntimeError:
            self._act()

    def disturb(self) -> None:
        """Wait anew: something was entered."""
        if self._timer is not None and self._action is not None:
            self._timer.cancel()
            self.call(self._action)

    def _act(self) -> None:
        action, self._action, self._timer = self._action, None, None
        if action is not None:
            action()
