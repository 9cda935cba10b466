"""Far: calls that are made in another process, for the member of a crew who waits for them."""

from __future__ import annotations

from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as NotYet
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from attrs import Factory, define

from pypedream import context
from pypedream.context import Attempt
from pypedream.engine.crews import let_down
from pypedream.engine.plan_notes import RESOURCES
from pypedream.engine.views import Scoped
from pypedream.errors import StageKilled, StageTimeout, UnpicklableValue
from pypedream.executors.calling import Made
from pypedream.executors.jobs import Job, Kit
from pypedream.executors.packing import pack_parameters
from pypedream.executors.whereabouts import process_name
from pypedream.places import running_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pypedream.engine.chunks import Chunk
    from pypedream.engine.execution import Execution
    from pypedream.engine.fan import Fan
    from pypedream.engine.wiring import Wire
    from pypedream.executors.jobs import Reply, Row
    from pypedream.executors.packing import Packed

LOOK_UP_S = 0.5
BEGIN_S = 0.02
"""How often one looks whether a call has begun that may only take so long."""


@define(eq=False)
class Far:
    """Has calls made by an executor that is elsewhere.

    Attributes
    ----------
    is_own
        Whether the executor was made for this run, and ends with it.
    """

    execution: Execution
    executor: Any
    is_own: bool
    _is_ended: bool = False
    _futures: set[Any] = Factory(set)
    _parameters: dict[str, Packed] = Factory(dict)
    _warned: set[str] = Factory(set)

    def call(self, wired: Wire, attempt: Attempt, arguments: dict[str, Any]) -> Any:
        """Have a stage called once, and return what it gave."""
        packed = self._kit(wired, attempt, arguments, ()).pack()
        try:
            reply = self._reply(wired, attempt, Job(packed))
        except StageKilled as error:
            self.execution.workers[wired.key] = _killed(error)
            raise
        self.execution.workers[wired.key] = process_name(reply.pid, reply.host)
        if reply.error is not None:
            raise reply.error.error()
        return reply.values[0]

    def maker_of(self, fan: Fan) -> Callable[[Chunk], Made]:
        """Return what has the items of a chunk called."""
        wired, over = fan.wired, fan.wired.over
        assert over is not None
        packed = self._kit(wired, fan.attempt, fan.common, over.names).pack()
        return partial(self._made, fan, packed)

    def close(self, *, wait: bool) -> None:
        """Let go of the executor; without *wait* what still runs is ended."""
        self._is_ended = not wait
        for future in () if wait else tuple(self._futures):
            future.cancel()
        if self.is_own:
            self.executor.shutdown(wait=wait)
        self._parameters.clear()  # what other processes share of them goes with them

    def _made(self, fan: Fan, packed: Packed, chunk: Chunk) -> Made:
        attempt = fan.attempt_of(chunk, 0)
        job = Job(packed, chunk.keys, chunk.calls)
        try:
            reply = self._reply(fan.wired, attempt, job)
        except (StageKilled, StageTimeout, UnpicklableValue) as error:
            lost_at = getattr(error, "index", None)
            return Made(error=error, is_lost=True, lost_at=lost_at, worker=_killed(error))
        raised = None if reply.error is None else reply.error.error()
        ended_ns = reply.ended_ns[: len(reply.values)]
        worker = process_name(reply.pid, reply.host)
        return Made(reply.started_ns, reply.values, ended_ns, raised, worker=worker)

    def _reply(self, wired: Wire, attempt: Attempt, job: Job) -> Reply:
        """Submit a job, and take in what comes back."""
        policy, tell = wired.stage.policy, partial(self._tell, attempt, {})
        job.tell = tell
        job.resources = {
            name: value for name in RESOURCES if (value := getattr(policy, name)) is not None
        }
        future = self.executor.submit(job)
        self._futures.add(future)
        try:
            reply = _result(future, policy.timeout_s, len(job.calls))
        except CancelledError:
            if self._is_ended:
                raise
            raise let_down(wired.key) from None
        finally:
            self._futures.discard(future)
        tell(reply.rows)
        for name, value in reply.variables.items():
            self.execution.variables[name] = value
        if reply.variables and wired.over is not None:
            self._warn_of_variables(wired, attempt, reply.variables)
        if reply.is_unstated and self.execution.keeper is not None:
            self.execution.keeper.note(wired.key)
        return reply

    def _warn_of_variables(self, wired: Wire, attempt: Attempt, names: Iterable[str]) -> None:
        """Warn once a stage that its items do not add to what other items set."""
        if wired.key in self._warned:
            return
        self._warned.add(wired.key)
        told = ", ".join(f'"{name}"' for name in names)
        text = (
            f'items of stage "{wired.key}" set the variable {told} in other processes, where each'
            " begins with what it was before the stage: what one of them set replaces what others"
            " did. Return it instead, and put it together in the next stage"
        )
        self.execution.log.add("warning", text, attempt=attempt, level="warning")

    def _kit(
        self,
        wired: Wire,
        attempt: Attempt,
        common: dict[str, Any],
        names: tuple[str, ...],
    ) -> Kit:
        execution, options = self.execution, self.execution.plan.options
        secrets: tuple[str, ...] = execution.base[context.SECRETS]
        return Kit(
            function=wired.call,
            common=common,
            names=names,
            run=execution.log.run,
            stage=wired.key,
            number=attempt.number,
            data=attempt.data,
            parameters=self._parameters_for(wired),
            variables=dict(execution.variables),
            capture=options.capture,
            secrets=secrets,
            is_shown=running_kernel() is not None,
        )

    def _parameters_for(self, wired: Wire) -> Packed:
        """Return what the stage sees as the parameters, pickled once for all stages of a scope."""
        packed = self._parameters.get(wired.scope)
        if packed is None:
            seen: Any = self.execution.parameters
            if wired.scope:
                seen = Scoped(seen, wired.scope)
            packed = self._parameters[wired.scope] = pack_parameters(seen, f'stage "{wired.key}"')
        return packed

    def _tell(self, attempt: Attempt, items: dict[Any, Attempt], rows: list[Row]) -> None:
        """Take rows of a log that was written elsewhere into the log of the run."""
        log = self.execution.log
        if not rows or log.is_closed:
            return
        moments = log.moments
        behind_ns = moments.start_wall_ns - moments.start_ns
        for wall_ns, key, kind, level, text, stream, data in rows:
            item = items.get(key)
            if item is None:
                items.clear()  # of the item before: rows come in order
                item = items[key] = Attempt(attempt.log, attempt.stage, attempt.number)
                item.item, item.data = key, attempt.data
            ns = wall_ns - behind_ns
            said = data
            if kind == "display" and data is not None:
                said = log.displays.received(item.stage, data, log.redactor)
                if said is None:
                    continue
            said = said or None  # as of what is said here
            log.records.append((next(log.counter), ns, item, kind, level, text, stream, said))
        log.deliver_soon()


def _killed(error: BaseException) -> str:
    """Return the worker that was ended; "" where it is not known."""
    pid = getattr(error, "pid", None)
    return "" if pid is None else process_name(pid, "")


def _result(future: Any, limit_s: float | None, calls: int) -> Reply:
    """Wait for the reply to a job, as long as its calls may take once they have begun."""
    deadline: float | None = None
    patience = LOOK_UP_S if limit_s is None else BEGIN_S
    while True:
        try:
            reply: Reply = future.result(timeout=patience)
        except NotYet:
            if limit_s is None:
                continue
            if deadline is None and future.has_begun():
                deadline = monotonic() + limit_s * calls
            if deadline is not None:
                patience = max(0.0, min(LOOK_UP_S, deadline - monotonic()))
            if not patience:
                future.cancel()
                said = f"it took longer than timeout_s={limit_s:g} and was ended"
                raise StageTimeout(said) from None
        else:
            return reply
