"""Execution: the state of one run, and how one attempt of a stage is made.

What is here is called once or more a stage and written for that: a record is a plain tuple, an
attempt a small object, and everything that could be decided before was decided by the wiring.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from threading import get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream import context
from pypedream.context import Attempt
from pypedream.engine.host import NOBODY
from pypedream.engine.plain import call_plain, finished
from pypedream.engine.reuse import Taken
from pypedream.engine.views import Outputs, Scoped
from pypedream.engine.wiring import bind, read_link
from pypedream.errors import StageTimeout
from pypedream.inputs import InputBinding
from pypedream.log.streams import STREAMS
from pypedream.outputs import NOT_GIVEN
from pypedream.stage import ASYNC_GENERATOR, GENERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextvars import Context

    from pypedream.engine.crew import Crew
    from pypedream.engine.fan import Fan
    from pypedream.engine.guard import Guard
    from pypedream.engine.host import Host
    from pypedream.engine.item_keeping import ItemKeeper
    from pypedream.engine.keeping import Keeper
    from pypedream.engine.part import Part
    from pypedream.engine.plan import Plan
    from pypedream.engine.resources import Resources
    from pypedream.engine.wiring import Wire
    from pypedream.log.ended import Ended
    from pypedream.log.event_log import EventLog
    from pypedream.parameters import Parameters

SKIPPED: Final = object()

new_ended = tuple.__new__
"""Makes a named tuple at the price of a tuple."""

Outcome = tuple["Wire", Attempt, int, int, Any, "BaseException | None"]
"""Wire, attempt, start and end in ns, value, error."""


@define(eq=False, repr=False)
class Execution:
    """The state of one run.

    Attributes
    ----------
    values
        From stage to its return value, while it is kept.
    mapped
        From stage to its named outputs, for stages with an output mapper.
    ended
        From stage to how it ended, but for those that ended well at their first attempt, which
        only the log knows: see `endings_of`.
    bound
        From a stage whose call failed to the arguments of that call.
    base
        The context that every attempt starts from.
    stopping
        Why no new stage will start: "", "failed", "interrupted", "cancelled" or "exited".
    held
        What keeps stages and items from being begun at the moment: that the run stops, that it is
        paused, or both. Any thread may change it, as each change is one step.
    keeper
        Keeps results in the workspace; None where nothing is kept.
    fans
        From a mapped stage to its items.
    ranks
        From stage to its rank, the first ones from 0; None where there is nothing to choose.
    resources
        What stages use; None where none uses anything, or one runs at a time.
    is_abandoned
        Whether nobody waits any more for the stages that still run.
    first_output
        The output that an attempt begins with: None, or in a run that captures nothing one that
        lets everything through, as another run may capture at the same time.
    home
        The thread that carries out the run.
    workers
        From a stage whose last attempt is not settled to the worker that made it, if that was not
        the thread of the run.
    has_iterators
        Whether a parameter is an iterator, which can be read once.
    host
        The system that has a part of its own run carried out here.
    """

    plan: Plan
    log: EventLog
    base: Context
    parameters: Parameters
    variables: Any
    guard: Guard | None
    first_output: Any = None
    has_iterators: bool = False
    host: Host = NOBODY
    keeper: Keeper | None = None
    fans: dict[str, Fan] = Factory(dict)
    ranks: dict[str, int] | None = None
    resources: Resources | None = None
    stopping: str = ""
    held: set[str] = Factory(set)
    is_abandoned: bool = False
    values: dict[str, Any] = Factory(dict)
    mapped: dict[str, dict[str, Any]] = Factory(dict)
    ended: dict[str, Ended] = Factory(dict)
    bound: dict[str, dict[str, Any]] = Factory(dict)
    home: int = Factory(get_ident)
    workers: dict[str, str] = Factory(dict)
    _threads: dict[int, str] = Factory(dict)
    _thread_numbers: Iterator[int] = Factory(partial(count, 1))

    @property
    def stages_view(self) -> Mapping[str, Mapping[str, Any]]:
        """The outputs of all stages so far, as mappers see them."""
        return Outputs(self.values, self.mapped)

    def stop(self, why: str, *, anyway: bool = False) -> None:
        """Let nothing be begun any more, for this reason; *anyway* if there is one already."""
        if anyway or not self.stopping:
            self.stopping = why
        self.held.add("stopping")

    def part_of(self, key: str) -> Part | None:
        """Return which items of a mapped stage are to be called; None for all of them."""
        return self.host.parts.get(key)

    @property
    def is_paused(self) -> bool:
        """Whether nothing is begun until the run goes on."""
        return "paused" in self.held

    def worker_here(self) -> str:
        """Return which worker the current thread is; "" for the thread of the run itself."""
        ident = get_ident()
        if ident == self.home:
            return ""
        name = self._threads.get(ident)
        if name is None:
            name = self._threads[ident] = f"thread {next(self._thread_numbers)}"
        return name

    def attempt(self, wired: Wire, number: int, crew: Crew | None = None) -> Outcome:
        """Call a stage here, under a context of its own; what it raises is in the outcome.

        Parameters
        ----------
        crew
            Who calls it, and may do so in another process.
        """
        attempt = self._new_attempt(wired, number)
        if wired.over is None and (crew is None or crew.far is None) and get_ident() != self.home:
            self.workers[wired.key] = self.worker_here()
        STREAMS.ensure()
        start = perf_counter_ns()
        if not wired.condition:
            self._record_start(wired, attempt, start)
        value, error = None, None
        try:
            if (
                wired.is_plain
                and self.keeper is None
                and (crew is None or crew.far is None)
                and not self._is_guarded(wired)
            ):
                value = self._call_plainly(wired, attempt)
            else:
                value = self.base.copy().run(self.call, wired, attempt, crew)
        except BaseException as raised:  # noqa: BLE001 - the scheduler decides what becomes of it
            error = raised
        return (wired, attempt, start, finished(attempt), value, error)

    def _new_attempt(self, wired: Wire, number: int) -> Attempt:
        attempt = Attempt(self.log, wired.key, number)
        attempt.output = self.first_output
        return attempt

    async def attempt_async(self, wired: Wire, number: int) -> Outcome:
        """Await a stage; the task that runs this has a context of its own."""
        attempt = self._new_attempt(wired, number)
        start = perf_counter_ns()
        if not wired.condition:
            self._record_start(wired, attempt, start)
        value, error = None, None
        try:
            value = await self._call_async(wired, attempt)
        except BaseException as raised:  # noqa: BLE001 - the scheduler decides what becomes of it
            error = raised
        return (wired, attempt, start, finished(attempt), value, error)

    def _record_start(self, wired: Wire, attempt: Attempt, start: int) -> None:
        if attempt.number == 1:
            self._record(attempt, start, "stage.start", None)
        if wired.stage.policy.retries and wired.over is None:
            self._record(attempt, start, "attempt.start", None)

    def _record(self, attempt: Attempt, now: int, kind: str, data: Ended | None) -> None:
        """Append what becomes of a stage; a file gets it within a tenth of a second."""
        log = self.log
        log.records.append((next(log.counter), now, attempt, kind, "info", None, None, data))
        if log.is_live:
            log.deliver_soon()

    def _is_guarded(self, wired: Wire) -> bool:
        """Say whether the guard has to look on while a plain stage is called."""
        guard = self.guard
        return guard is not None and bool(wired.guarded) and guard.concerns(wired, self.values)

    def _call_plainly(self, wired: Wire, attempt: Attempt) -> Any:
        needs, values = wired.needs, self.values
        try:
            return self.base.copy().run(call_plain, attempt, wired.function, needs, values)
        except BaseException:
            self.bound[wired.key] = {need: values[need] for need in needs}
            raise

    def call(self, wired: Wire, attempt: Attempt, crew: Crew | None = None) -> Any:
        """Bind the arguments and call the function; runs inside the attempt's context."""
        arguments = self._arguments(wired, attempt)
        if arguments is None:
            return SKIPPED
        compute = partial(self._computed, wired, attempt, arguments, crew)
        try:
            if self.keeper is None:
                return compute(None)
            return self._not_called(wired, self.keeper.result(wired, compute))
        except BaseException:
            self._keep_failed(wired, attempt, arguments)
            raise

    def _computed(
        self,
        wired: Wire,
        attempt: Attempt,
        arguments: dict[str, Any],
        crew: Crew | None,
        kept: ItemKeeper | None,
    ) -> Any:
        if wired.over is not None:
            from pypedream.engine.mapping import map_over

            if wired.files is not None:
                arguments = _loaded(arguments)
            value = map_over(self, wired, attempt, arguments, crew=crew, kept=kept)
        elif crew is not None and crew.far is not None:
            value = crew.far.call(wired, attempt, arguments)
        else:
            value = _called(wired, arguments)
            if wired.flags & GENERATOR and wired.files is None:
                value = list(value)
        return self._accepted(wired, attempt, arguments, value)

    async def _call_async(self, wired: Wire, attempt: Attempt) -> Any:
        arguments = self._arguments(wired, attempt)
        if arguments is None:
            return SKIPPED
        compute = partial(self._computed_async, wired, attempt, arguments)
        try:
            if self.keeper is None:
                return await compute(None)
            value = await self.keeper.result_async(wired, compute)
            return self._not_called(wired, value)
        except BaseException:
            self._keep_failed(wired, attempt, arguments)
            raise

    async def _computed_async(
        self,
        wired: Wire,
        attempt: Attempt,
        arguments: dict[str, Any],
        kept: ItemKeeper | None,
    ) -> Any:
        if wired.over is not None:
            from pypedream.engine.mapping_async import map_over_async

            if wired.files is not None:
                arguments = _loaded(arguments)
            value = await map_over_async(self, wired, attempt, arguments, kept=kept)
        else:
            value = await awaited(wired, arguments)
        return self._accepted(wired, attempt, arguments, value)

    def _not_called(self, wired: Wire, value: Any) -> Any:
        """Return *value*; if it was taken over, the guard need not wait for the stage any more."""
        if type(value) is Taken and wired.guarded and self.guard is not None:
            self.guard.left(wired)
        return value

    def _keep_failed(self, wired: Wire, attempt: Attempt, arguments: dict[str, Any]) -> None:
        self.bound[wired.key] = arguments
        if wired.guarded and self.guard is not None:
            self.guard.after(wired, arguments, attempt, has_failed=True)

    def _arguments(self, wired: Wire, attempt: Attempt) -> dict[str, Any] | None:
        """Enter the attempt and bind its arguments; None when its condition does not hold."""
        context.STAGE.set(attempt)
        if wired.scope:
            self._enter_scope(wired.scope)
        if wired.condition:
            if not self._holds(wired):
                return None
            self._record_start(wired, attempt, perf_counter_ns())
        arguments = bind(wired, self)
        if wired.logged:
            attempt.data = {name: arguments[name] for name in wired.logged if name in arguments}
        if self.has_iterators:
            from pypedream.engine.one_shot import note_what_is_read

            note_what_is_read(self, wired, attempt)
        if wired.guarded and self.guard is not None:
            self.guard.before(wired, arguments, attempt)
        return arguments

    def _accepted(
        self, wired: Wire, attempt: Attempt, arguments: dict[str, Any], value: Any
    ) -> Any:
        """Look after what the function returned, still inside the attempt's context."""
        if wired.guarded and self.guard is not None:
            self.guard.after(wired, arguments, attempt)
        self.name_outputs(wired, value)
        return value

    def name_outputs(self, wired: Wire, value: Any) -> None:
        """Name the outputs of a stage that has a mapper for them."""
        if wired.stage.output_mapper is not None and self.part_of(wired.key) is None:
            self.mapped[wired.key] = dict(wired.stage.output_mapper(value))

    def _enter_scope(self, scope: str) -> None:
        """Let mappers of an included stage see the names of its own pipeline."""
        for names in (context.PARAMETERS, context.VARIABLES, context.STAGES):
            names.set(Scoped(self.base[names], scope))

    def _holds(self, wired: Wire) -> bool:
        """Say whether the condition of a stage holds."""
        when = wired.stage.policy.when
        values = {link.argument: read_link(link, self) for link in wired.condition}
        given = {name: value for name, value in values.items() if value is not NOT_GIVEN}
        if isinstance(when, (str, InputBinding)):
            return bool(given) and all(given.values())
        assert when is not None
        return bool(when(**given))


USER_CALLS: Final = frozenset({call_plain.__code__, Execution.call.__code__})
"""The code under which all runs that is the user's: what it raises ends an attempt."""


def _loaded(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a mapped stage: its files are loaded once for all items."""
    from pypedream.files.stage_files import present

    return {name: present(value) for name, value in arguments.items()}


def _called(wired: Wire, arguments: dict[str, Any]) -> Any:
    if not wired.arguments.positional:
        return wired.call(**arguments)
    first, rest = wired.arguments.split(arguments)
    return wired.call(*first, **rest)


async def awaited(wired: Wire, arguments: dict[str, Any]) -> Any:
    """Await a coroutine, or collect what an asynchronous generator yields, within its time."""
    from asyncio import timeout

    limit = wired.stage.policy.timeout_s
    try:
        async with timeout(limit) as timer:
            value = _called(wired, arguments)
            if wired.flags & ASYNC_GENERATOR and wired.files is None:
                return [one async for one in value]
            return await value
    except TimeoutError as error:
        if timer.expired():
            raise StageTimeout(f"it took longer than timeout_s={limit:g}") from error
        raise
