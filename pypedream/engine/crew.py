"""The crew: members in several threads take stages from one queue and call them as they come.

What a stage costs beside its call is one place in that queue and one word to the scheduler. Small
stages are so taken many at a time by whoever has the interpreter; long ones go to whoever is free.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from attrs import Factory, define

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pypedream.engine.execution import Execution, Outcome
    from pypedream.engine.executors import Threads
    from pypedream.engine.wiring import Wire

LEFT: Final = object()
"""What a member says last."""


@define(eq=False)
class Crew:
    """Calls the stages of one run in threads; the scheduler's thread gives it the stages.

    Attributes
    ----------
    tell
        Takes what is to be known of a stage: its `Wire` when it went well and that is recorded, an
        `Outcome` otherwise, and `LEFT` when a member found nothing more to do.
    is_halted
        Whether members start nothing until somebody has decided about a failure.
    """

    execution: Execution
    threads: Threads
    tell: Callable[[object], None]
    is_halted: bool = False
    _queue: deque[Wire] = Factory(deque)
    _numbers: dict[str, int] = Factory(dict)
    _members: int = 0

    def add(self, wires: Collection[Wire]) -> None:
        """Queue the first attempts of stages; `staff` sees to it that somebody takes them."""
        self._queue.extend(wires)

    def add_again(self, wired: Wire, number: int) -> None:
        """Queue another attempt of a stage."""
        self._numbers[wired.key] = number
        self._queue.append(wired)

    def staff(self) -> None:
        """Start members for what is queued, as many as there may be."""
        for _ in range(min(self.threads.workers - self._members, len(self._queue))):
            self.threads.start(self._work)
            self._members += 1

    def left(self) -> None:
        """Take note that a member has left."""
        self._members -= 1

    def recall(self) -> Iterator[Wire]:
        """Take back what nobody has begun."""
        while self._queue:
            try:
                yield self._queue.popleft()
            except IndexError:  # a member was faster
                return

    def _work(self) -> None:
        """Call what is queued, stage after stage, and tell of each."""
        try:
            while self._queue and not self.is_halted and not self.execution.stopping:
                outcome = None
                if self.execution.keeper is None:
                    outcome = self.execution.run_plain(self._queue, self.tell)
                if outcome is None:
                    outcome = self._call_next()
                if outcome is not None:
                    if outcome[5] is not None:
                        self.is_halted = True
                    self.tell(outcome)
        except BaseException as error:  # noqa: BLE001 - not a stage's: the scheduler raises it
            self.tell(error)
        finally:
            self.tell(LEFT)

    def _call_next(self) -> Outcome | None:
        """Call a stage that needs more than its arguments."""
        try:
            wired = self._queue.popleft()
        except IndexError:  # another member was faster
            return None
        return self.execution.attempt(wired, self._numbers.get(wired.key, 1))
