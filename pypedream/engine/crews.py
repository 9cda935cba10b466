"""Crews: who calls which stage, where stages may say themselves where they are called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream.engine.options import SERIAL, THREADS
from pypedream.errors import ExecutorError
from pypedream.stage import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.engine.crew import Crew
    from pypedream.engine.execution import Execution
    from pypedream.engine.wiring import Wire
    from pypedream.protocols import Executor


@define(eq=False, repr=False)
class Crews:
    """The crews of one run; each is made when the first stage needs it.

    Attributes
    ----------
    default
        Who calls stages that say nothing: a crew, an executor of the user's, or None for the
        thread of the scheduler.
    tell
        Takes what members have to say.
    """

    execution: Execution
    tell: Callable[[object], None]
    default: Crew | Executor | None = None
    _made: dict[Any, Crew | Executor | None] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        options = self.execution.plan.options
        self.default = self._crew(options.executor, options.workers)

    def __iter__(self) -> Iterator[Crew]:
        return (crew for crew in map(as_crew, self._made.values()) if crew is not None)

    @property
    def is_serial(self) -> bool:
        """Whether every stage is called by the thread of the scheduler."""
        return self.default is None and not self.has_others

    @property
    def has_others(self) -> bool:
        """Whether any stage says itself where it is called."""
        plan = self.execution.plan
        if not plan.blueprint.has_policies:
            return False
        wires = plan.blueprint.wiring.wires
        return any(wires[key].stage.policy.executor is not None for key in plan.chosen)

    def of(self, wired: Wire) -> Crew | Executor | None:
        """Return who calls a stage."""
        policy = wired.stage.policy
        if policy is USUAL or policy.executor is None:
            return self.default
        workers = policy.workers or self.execution.plan.options.workers
        return self._crew(policy.executor, workers)

    def close(self, *, wait: bool) -> None:
        """Let go of all threads and processes."""
        for crew in self:
            crew.close(wait=wait)

    def _crew(self, chosen: Any, workers: int | None) -> Crew | Executor | None:
        if chosen == SERIAL:
            return None
        key = (chosen if isinstance(chosen, str) else id(chosen), workers)
        if key not in self._made:
            self._made[key] = self._new_crew(chosen, workers)
        return self._made[key]

    def _new_crew(self, chosen: Any, workers: int | None) -> Crew | Executor:
        from pypedream.engine.crew import Crew
        from pypedream.engine.threads import Threads

        if chosen == THREADS:
            return Crew(self.execution, Threads(workers or os.cpu_count() or 1), self.tell)
        from pypedream.executors.recognition import remote_executor_for

        far = remote_executor_for(chosen, workers, self.execution.plan.options)
        if far is None:
            own: Executor = chosen
            return own
        from pypedream.engine.far import Far

        is_own = far is not chosen
        return Crew(
            self.execution, Threads(far.workers), self.tell, Far(self.execution, far, is_own)
        )


def as_crew(caller: object) -> Crew | None:
    """Return who calls a stage, if it is a crew."""
    if caller is None:
        return None
    from pypedream.engine.crew import Crew  # where the scheduler makes all calls there is none

    return caller if isinstance(caller, Crew) else None


def let_down(key: str) -> ExecutorError:
    """Return what a stage raises whose call was cancelled by somebody else than the run."""
    return ExecutorError(
        f'stage "{key}": its executor was shut down while the run went on, or somebody cancelled'
        " the call there: keep it open until the run has ended, and go on with"
        " pipeline.resume(executor=...)"
    )
