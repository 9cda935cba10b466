"""Ctrl-C during a run: raised in the user's code, a request to the scheduler everywhere else.

A `KeyboardInterrupt` between two lines of the engine would leave a lock held or a stream replaced.
So while a run lasts SIGINT raises only where a stage, a mapper or a condition is at work. That
holds in the main thread and in place of Python's own handler; a handler of the user's stays.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import Factory, define

from pypedream.engine.execution import USER_CALLS
from pypedream.engine.presses import Presses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from pypedream.engine.scheduler import Scheduler

AGAIN_S, SELDOM_S = 0.01, 0.25
MOST_REPEATS = 10
"""After so many a stage that only prints is left in the middle of a print."""
PATIENCE_S = 0.3
"""How long the engine may take to come to its end after the second Ctrl-C."""

_ENGINE = os.path.dirname(os.path.abspath(__file__))
_CARRY_OUT = os.path.join(_ENGINE, "carry_out.py")
_MAPPING = {
    os.path.join(_ENGINE, "mapping.py"),
    os.path.join(_ENGINE, "fan.py"),
    os.path.join(os.path.dirname(_ENGINE), "executors", "calling.py"),
}
"""Where items are called; what is raised between two of them would lose count."""
_USERS = ("call_item", "pull_items")
"""What calls the user's code there."""
_BETWEEN = ("<lambda>", "call")
"""What they call it through."""
_LOG = os.path.join(os.path.dirname(_ENGINE), "log", "")
_WAITING = {_LOG + "asking.py", _LOG + "debugger.py"}
"""Where the log waits for somebody to type."""
_DEAF = ("__del__", "_remove")
"""Python drops what is raised in these: finalizers, and what a WeakSet does when it loses one."""


@contextmanager
def interrupts_for(scheduler: Scheduler) -> Iterator[None]:
    """Let SIGINT bring the run of *scheduler* to an end in good order, as long as this lasts."""
    import signal
    from threading import current_thread, main_thread

    before = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
    around: Any = getattr(before, "__self__", None)
    is_nested = getattr(around, "lets_runs_handle", False)
    if before is not signal.default_int_handler and not is_nested:
        yield
        return
    handler = _Handler(scheduler, around.presses if is_nested else Presses())
    handle, repeat = handler.handle, handler.repeat
    beside = _beside()
    try:
        signal.signal(signal.SIGINT, handle)
        if beside is not None:
            handler.again, before_that = beside, signal.signal(beside, repeat)
        with handler.presses.counted():
            yield
    finally:
        handler.end()
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before)
        if beside is not None and signal.getsignal(beside) is repeat:
            signal.signal(beside, before_that)


def _beside() -> int | None:
    """Return a signal that nobody uses, to repeat SIGINT by; None if there is none.

    The system makes one of two SIGINT that come together: by the same signal a repetition of the
    first Ctrl-C could swallow the second one.
    """
    import signal

    number = getattr(signal, "SIGURG", None)  # ignored where nobody asks for it
    if number is None:
        return None
    now = signal.getsignal(number)
    is_ours = isinstance(getattr(now, "__self__", None), _Handler)  # of a run around this one
    return int(number) if now is signal.SIG_DFL or is_ours else None


@contextmanager
def interrupts_told(tell: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C outside a run call *tell*; not where somebody else handles it."""
    import signal
    from threading import current_thread, main_thread

    handler = _Between(tell)
    handle = handler.handle
    is_main = current_thread() is main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    try:
        signal.signal(signal.SIGINT, handle)
        with handler.presses.counted():
            yield
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@define(eq=False, repr=False)  # `signal` asks for the repr of every handler that it sees
class _Handler:
    """The handler of SIGINT for one run.

    Attributes
    ----------
    lets_runs_handle
        Whether a run within may handle SIGINT itself.
    presses
        Counts SIGINT; a call of the handler may stand for several.
    again
        The signal that repeats SIGINT until it is heeded; None if that is SIGINT itself.
    """

    lets_runs_handle: ClassVar = True
    scheduler: Scheduler
    presses: Presses
    again: int | None = None
    _is_over: bool = False
    _is_told: bool = False
    _is_repeating: bool = False
    _is_repeated: bool = False
    _repeats: int = 0
    _hurried_s: float = 0.0
    _sending: Any = Factory(allocate_lock)

    def handle(self, _number: int, frame: FrameType | None) -> None:
        """Raise in the user's code; elsewhere tell the scheduler, and at last raise as well."""
        count = self.presses.take() - self._is_repeated
        self._is_repeated = False
        if count > 1:  # what is raised in a stage of this thread would end that one alone
            self.scheduler.interrupt()
            self._hurry()
        self._act(frame, is_new=count > 0)

    def repeat(self, _number: int, frame: FrameType | None) -> None:
        """Do so once more for what was not heeded yet; the signal may be somebody else's."""
        if self._is_repeating:
            self._act(frame, is_new=False)

    def _act(self, frame: FrameType | None, *, is_new: bool) -> None:
        if _is_users(frame, has_log=self._repeats < MOST_REPEATS):
            self._is_repeating, self._repeats = False, 0
            raise KeyboardInterrupt
        if not self._is_told:
            self._is_told = True
            # The first one may have been raised in a stage: then the run is on its way out, and
            # this one says that it takes too long.
            if self.scheduler.execution.stopping == "interrupted" and is_new:
                self._hurry()
            else:
                self.scheduler.interrupt()
        elif is_new and not self._hurried_s:
            self._hurry()
        elif self._hurried_s and monotonic() - self._hurried_s > PATIENCE_S:
            self._hurried_s = monotonic()
            raise KeyboardInterrupt
        is_heard = self.scheduler.deadline is not None and not self._hurried_s
        if is_heard:
            self._is_repeating = False
        elif not self._is_repeating:
            self._is_repeating = True
            start_new_thread(self._repeat, ())  # a Thread takes locks, and we may be within them

    def _hurry(self) -> None:
        self._hurried_s = monotonic()
        self.scheduler.hurry()

    def end(self) -> None:
        """Send no signal any more."""
        with self._sending:
            self._is_over = True

    def _repeat(self) -> None:
        """Send the signal until it is heeded: a stage that prints is rarely in its own code.

        Soon it is sent but seldom: where it is SIGINT itself, the second Ctrl-C is not to be taken
        for one of these.
        """
        while True:
            is_soon = self._repeats < MOST_REPEATS or self._hurried_s
            sleep(AGAIN_S if is_soon else SELDOM_S)
            with self._sending:
                if self._is_over or not self._is_repeating:
                    return
                self._is_repeated = self.again is None
                self._repeats += 1
                _interrupt_main(self.again)


@define(eq=False, repr=False)
class _Between:
    """The handler of SIGINT for a sweep: a run in the same thread puts its own before it."""

    lets_runs_handle: ClassVar = True
    tell: Callable[[], None]
    presses: Presses = Factory(Presses)

    def handle(self, _number: int, _frame: object) -> None:
        """Raise nothing: it would leave what is between two runs half done."""
        for _ in range(min(self.presses.take(), 2)):
            self.tell()


def _interrupt_main(number: int | None) -> None:
    """Send a signal, by default SIGINT, to the main thread; on POSIX it leaves what it waits in."""
    import _thread
    import signal
    from threading import main_thread

    ident = main_thread().ident
    if hasattr(signal, "pthread_kill") and ident is not None:
        signal.pthread_kill(ident, number or signal.SIGINT)
    else:
        _thread.interrupt_main()


def _is_users(frame: FrameType | None, *, has_log: bool) -> bool:
    """Say whether *frame* works for a stage, and not for the engine or, with *has_log*, the log."""
    while frame is not None:
        code = frame.f_code
        if code in USER_CALLS:
            return True
        file = code.co_filename
        if file in _MAPPING and code.co_name not in _BETWEEN:
            return code.co_name in _USERS
        if file == _CARRY_OUT:
            return False
        if has_log and (code.co_name in _DEAF or (file.startswith(_LOG) and file not in _WAITING)):
            return False
        frame = frame.f_back
    return True
