"""The crew: members in several threads take stages from one queue and call them as they come.

What a stage costs beside its call is one place in that queue and one word to the scheduler. Small
stages are so taken many at a time by whoever has the interpreter; long ones go to whoever is free.
A stage that is called in another process has a member who waits for it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.engine.plain import run_plain
from pypedream.engine.ranking import merge
from pypedream.engine.wiring import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pypedream.engine.chunks import Chunk
    from pypedream.engine.execution import Execution, Outcome
    from pypedream.engine.fan import Fan
    from pypedream.engine.far import Far
    from pypedream.engine.threads import Threads
    from pypedream.executors.calling import Made

LOOK_UP_S = 0.05


@define(eq=False, repr=False)
class Crew:
    """Calls the stages of one run in threads; the scheduler's thread gives it the stages.

    Attributes
    ----------
    tell
        Takes what is to be known of a stage: its `Wire` when it went well and that is recorded, an
        `Outcome` otherwise, and the crew itself when a member found nothing more to do.
    far
        Where calls are made that are not made in this process.
    is_halted
        Whether members start nothing until somebody has decided about a failure.
    """

    execution: Execution
    threads: Threads
    tell: Callable[[object], None]
    far: Far | None = None
    is_halted: bool = False
    _queue: deque[Wire | Fan] = Factory(deque)
    _numbers: dict[str, int] = Factory(dict)
    _members: int = 0
    _is_shared: bool = False

    def add(self, wires: Sequence[Wire]) -> None:
        """Queue first attempts, in order of rank; `staff` sees to it that somebody takes them."""
        merge(self._queue, wires, self.execution.ranks)

    def add_again(self, wired: Wire, number: int) -> None:
        """Queue another attempt of a stage."""
        self._numbers[wired.key] = number
        merge(self._queue, [wired], self.execution.ranks)

    def share(self, fan: Fan) -> None:
        """Let others help with the items of a mapped stage."""
        self._is_shared = True
        merge(self._queue, [fan], self.execution.ranks)
        self.tell(None)  # the scheduler staffs the crew

    def members_for(self, wired: Wire) -> int:
        """Return how many may call items of a mapped stage at the same time."""
        return min(wired.stage.policy.workers or self.threads.workers, self.threads.workers)

    def made_by(self, fan: Fan) -> Callable[[Chunk], Made]:
        """Return what calls the items of a chunk where this crew makes calls."""
        if self.far is not None:
            return self.far.maker_of(fan)
        from pypedream.engine.mapping import made_here

        return made_here(self.execution, fan)

    def staff(self) -> None:
        """Start members for what is queued, as many as there may be."""
        queued = len(self._queue)
        if self._is_shared and any(type(one) is not Wire for one in list(self._queue)):
            queued = self.threads.workers  # one entry stands for many items
        for _ in range(min(self.threads.workers - self._members, queued)):
            self.threads.start(self._work)
            self._members += 1

    def left(self) -> None:
        """Take note that a member has left."""
        self._members -= 1

    def recall(self) -> Iterator[Wire]:
        """Take back what nobody has begun."""
        while self._queue:
            try:
                one = self._queue.popleft()
            except IndexError:  # a member was faster
                return
            if isinstance(one, Wire):
                yield one

    def close(self, *, wait: bool) -> None:
        """Let go of the threads, and end calls that are made elsewhere if nobody waits for them."""
        if self.far is not None:
            self.far.close(wait=wait)
        self.threads.shutdown(wait=wait)

    def _work(self) -> None:
        """Call what is queued, stage after stage, and tell of each."""
        try:
            while self._queue and not self.is_halted and not self.execution.held:
                outcome = None
                if self.execution.keeper is None and self.far is None:
                    outcome = run_plain(self.execution, self._queue, self.tell)  # type: ignore[arg-type]
                if outcome is None:
                    outcome = self._call_next()
                if outcome is not None:
                    if outcome[5] is not None:
                        self.is_halted = True
                    self.tell(outcome)
        except BaseException as error:  # noqa: BLE001 - not a stage's: the scheduler raises it
            self.tell(error)
        finally:
            self.tell(self)

    def _call_next(self) -> Outcome | None:
        """Call a stage that needs more than its arguments, or some items of one."""
        try:
            one = self._queue.popleft()
        except IndexError:  # another member was faster
            return None
        if isinstance(one, Wire):
            number = self._numbers.get(one.key, 1)
            return self.execution.attempt(one, number, self)
        self._help(one)
        return None

    def _help(self, fan: Fan) -> None:
        """Call items of a mapped stage as long as there are any."""
        from pypedream.engine.mapping import work_on

        if not fan.let_in():
            return
        try:
            merge(self._queue, [fan], self.execution.ranks)  # for whoever comes next
            while (
                not self.execution.held
                and not fan.is_to_make_room
                and (work_on(fan) or self._waits_for_retries(fan))
            ):
                pass
        finally:
            fan.let_out()

    def _waits_for_retries(self, fan: Fan) -> bool:
        """Wait a moment if items are tried again soon and there is nothing else to do."""
        is_idle = fan.retry_in_s is not None and all(one is fan for one in list(self._queue))
        if is_idle:
            fan.wait(LOOK_UP_S)
        return is_idle
