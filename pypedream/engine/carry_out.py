"""Carry out a plan: set up what a run needs, let the scheduler work, and put everything back."""

from __future__ import annotations

import sys
from _thread import allocate_lock
from contextlib import nullcontext
from contextvars import Context
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from attrs import define, field

from pypedream import context
from pypedream._lazy import view
from pypedream.engine.endings import count_endings, endings_of
from pypedream.engine.execution import Execution
from pypedream.engine.host import NOBODY
from pypedream.engine.one_shot import has_iterators, read_up_to
from pypedream.engine.record import DISPLAYS, RunFolder, new_run_id
from pypedream.engine.reuse import is_cached
from pypedream.engine.run import Run, state_of
from pypedream.engine.views import Values
from pypedream.log.ended import Ended
from pypedream.log.event_log import EventLog
from pypedream.parameters.copying import copied
from pypedream.parameters.watched import Watched
from pypedream.places import running_kernel

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from pypedream.engine.batch import Batch
    from pypedream.engine.coroutines import LoopHost
    from pypedream.engine.failure import Failure
    from pypedream.engine.guard import Guard
    from pypedream.engine.handed_in import HandedIn
    from pypedream.engine.host import Host
    from pypedream.engine.keeping import Keeper
    from pypedream.engine.options import Options
    from pypedream.engine.plan import Plan
    from pypedream.engine.scheduler import Scheduler
    from pypedream.engine.settlement import Settlement
    from pypedream.parameters import Parameters

PULSE_S = 0.2
MOST_FAILURES = 1000
"""So many items of a mapped stage are told of in `Run.failures`."""
_PLAIN = frozenset([type(None), bool, int, float, complex, str, bytes, list, tuple, dict, set])


@define(eq=False, repr=False)
class Launch:
    """A run that is about to start, starting with an empty log and all its context.

    Attributes
    ----------
    loop
        The caller's event loop, for async stages; None starts one when it is needed.
    batch
        The runs that this one belongs to.
    host
        The system that has a part of its own run carried out here.
    scheduler
        What carries the run out; None before and after.
    """

    plan: Plan
    pipeline: Any
    loop: AbstractEventLoop | None = None
    batch: Batch | None = None
    host: Host = NOBODY
    scheduler: Scheduler | None = field(default=None, init=False)
    run: Run = field(init=False)
    _ending: Any = field(factory=allocate_lock, init=False)
    _execution: Execution = field(init=False)
    _folder: RunFolder | None = None
    _others: list[tuple[str, str]] = field(factory=list, init=False)
    _handed_in: HandedIn = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        plan = self.plan
        _load_for(plan)
        run_id = self.host.run_id or new_run_id()
        parameters = plan.parameters.fresh()
        if plan.options.workspace is not None:
            self._folder = RunFolder.create(plan.options.workspace, run_id)
        secrets = (*context.SECRETS.get(), *parameters.secrets())
        log = _event_log(run_id, plan, secrets, self._folder)
        variables = plan.blueprint.definition.variables.start()
        keeper = self._recorded(run_id, log, parameters)
        guard = _guard_for(plan)
        self._execution = Execution(plan, log, context.copy(), parameters, variables, guard)
        self._execution.host = self.host
        self._execution.has_iterators = has_iterators(parameters)
        plan.reuse.read += read_up_to(getattr(self.pipeline, "last_run", None))
        if plan.options.capture is False:
            from pypedream.log.output import PASS_THROUGH

            self._execution.first_output = PASS_THROUGH
        if plan.blueprint.has_files:
            from pypedream.engine.files_before import finish_files

            finish_files(plan, is_kept=keeper is not None)
        if keeper is not None:
            self._execution.keeper = keeper
            if guard is not None:
                guard.tell = keeper.changed
            self._execution.values = Values()
        elif hasattr(sys, "ps1") and plan.options.keep == "all":
            # Who types may go on from this run.
            from pypedream.engine.as_given import ValuesAsGiven

            self._execution.values = ValuesAsGiven(plan.reuse.digests)
        self.run = Run(run_id, self._execution, self.batch)
        names: tuple[Any, ...] = (
            parameters,
            variables,
            self._execution.stages_view,
            self.run,
            self.pipeline,
        )
        if keeper is not None:
            names = tuple(Watched(each, keeper.note) for each in names)
        self._execution.base = context.scope(
            PIPELINE=names[4],
            PARAMETERS=names[0],
            VARIABLES=names[1],
            STAGES=names[2],
            STAGE=None,
            RUN=names[3],
            LOG=log,
            SECRETS=secrets,
        )

    def _recorded(self, run_id: str, log: EventLog, parameters: Parameters) -> Keeper | None:
        """Write down the run when what it was given is kept: others may resume it from then on."""
        if self._folder is None:
            return None
        try:
            keeper = self._keeper(run_id, log, parameters)
            if keeper is not None and self.plan.blueprint.has_files:
                from pypedream.engine.files_before import keep_others

                self._others = keep_others(self.plan, keeper)
            self._folder.describe(self.plan, self.batch)
        except BaseException:
            self._folder.remove()
            raise
        return keeper

    def _keeper(self, run_id: str, log: EventLog, parameters: Parameters) -> Keeper | None:
        """Return what keeps the results of the run, if they are kept."""
        plan, options = self.plan, self.plan.options
        reuse = plan.reuse
        is_wanted = options.checkpoint or is_cached(plan.blueprint, options)
        if self._folder is None or not (is_wanted or reuse.kept):
            return None
        from pypedream.engine.keeping import keeper_of

        return keeper_of(plan, run_id, log, parameters, self._folder.path)

    def show(self, *, at_once: bool = False) -> Launch:
        """Show the run under the present cell of a notebook, if there is one; return the launch.

        Parameters
        ----------
        at_once
            Whether the cell may be over before the run is.
        """
        if is_viewed(self.plan.options):
            self.run.view = view("notebook").begin(self.run, at_once=at_once)
        return self

    def interrupt(self) -> None:
        """Start no new stage, as after Ctrl-C; may be called from a signal handler."""
        scheduler = self.scheduler
        if scheduler is not None:
            scheduler.interrupt()
        else:
            self._execution.stop("interrupted")  # it has not begun, or is over

    def hurry(self) -> None:
        """Leave what still runs; may be called from a signal handler."""
        scheduler = self.scheduler
        if scheduler is not None:
            scheduler.hurry()

    def give_up(self) -> None:
        """Complete the run although a stage of it goes on in a thread that nobody waits for."""
        self._execution.stop("interrupted", anyway=True)
        self._execution.is_abandoned = True
        self._end([], KeyboardInterrupt())

    def carry_out(self) -> Run:
        """Carry out the plan, and return the run whatever became of it.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C came when the run had its state already.
        """
        is_idle = not (self.plan.chosen or self.plan.selection.given)
        if is_idle:
            self._start()
            if not self.plan.chosen:  # a stage is, if what is kept of it cannot be read
                self._end([], None)
                return self.run
        # What calls stages is loaded when there are stages to call.
        from pypedream.engine.interrupts import interrupts_for
        from pypedream.engine.scheduler import Scheduler
        from pypedream.log.capture import capturing

        options = self.plan.options
        self.scheduler = scheduler = Scheduler(self._execution, self._loops())
        self.run._scheduler = scheduler  # noqa: SLF001 - by it the user can stop the run
        with interrupts_for(scheduler):
            try:
                with capturing(options.capture):
                    if not is_idle:
                        self._start()
                    with self._journals_used_again():
                        self._execution.base.run(scheduler.run)
            except BaseException as error:
                scheduler.break_off(error)
                raise
            finally:
                self._leave(scheduler)
                self.scheduler = None
        if self._execution.stopping == "interrupted" != self.run.state:
            raise KeyboardInterrupt
        return self.run

    def _loops(self) -> LoopHost | None:
        """Return what awaits coroutines, if a stage is one."""
        if not self.plan.blueprint.has_async:
            return None
        from pypedream.engine.coroutines import LoopHost

        return LoopHost(self.loop, self.plan.options.workers)

    async def carry_out_async(self) -> Run:
        """Carry out the plan in a thread, so that the caller's loop goes on meanwhile.

        The thread is the run's own: the loop's pool has few, and runs may be many and nested.
        """
        from asyncio import CancelledError
        from threading import Thread

        assert self.loop is not None
        loop, done = self.loop, self.loop.create_future()

        def work() -> None:
            tell: Any = done.set_result
            try:
                outcome: Any = self.carry_out()
            except BaseException as error:  # noqa: BLE001 - it is raised where the run is awaited
                tell, outcome = done.set_exception, error
            if not loop.is_closed():  # or nobody waits any more
                loop.call_soon_threadsafe(tell, outcome)

        run = context.copy().run
        thread = Thread(target=run, args=(work,), name="pypedream-run", daemon=True)
        thread.start()
        try:
            return await _outcome_of(done)
        except CancelledError as error:
            self.run.cancel()
            await _outcome_of(done)  # whoever cancels twice does not wait for what still runs
            if self.run.state != "ok":
                from pypedream.engine.failure import explain_stop

                explain_stop(self.run, error)
            raise
        finally:
            if done.done():
                thread.join()

    def _journals_used_again(self) -> AbstractContextManager[None]:
        if not self.plan.blueprint.has_files:
            return nullcontext()
        from pypedream.files.journals import used_again

        return used_again(self._execution.base)

    def _start(self) -> None:
        execution = self._execution
        plan = self.plan
        data = {"pipeline": plan.pipeline, "parameters": execution.parameters.redacted()}
        execution.log.add("run.start", data=data)
        if plan.options.mutation != "off" and _has_others(plan):
            from pypedream.engine.handed_in import handed_in

            self._handed_in = handed_in(plan)
        for note in plan.doubtful:
            execution.log.add("warning", note, level="warning")
        reused = {reason: Ended("reused", reason=reason) for reason in plan.reuse.reasons.values()}
        for key, reason in plan.reuse.reasons.items():
            execution.ended[key] = reused[reason]
        for key, reason in plan.skipped.items():
            execution.ended[key] = Ended("skipped", reason=reason)
        execution.values.update(plan.reuse.values)
        if plan.selection.given:
            execution.values.update(copied(plan.selection.given))
        execution.mapped.update(plan.reuse.mapped)
        if plan.blueprint.has_files:
            from pypedream.engine.files_before import save_given

            for stage, text in self._others:
                attempt = context.Attempt(execution.log, stage, 0)
                execution.log.add("warning", text, attempt=attempt, level="warning")
            save_given(execution)
        self._map_given()
        if execution.keeper is not None and plan.reuse.kept:
            from pypedream.engine.keeping import take_over

            take_over(execution, execution.keeper)

    def _map_given(self) -> None:
        """Name the outputs of values that were given in place of a stage that names them."""
        execution = self._execution
        for key in self.plan.selection.given:
            mapper = self.plan.blueprint.definition.stages[key].output_mapper
            if mapper is not None:
                execution.mapped[key] = dict(mapper(execution.values[key]))

    def _leave(self, scheduler: Scheduler) -> None:
        """Let go of threads and loop, and complete the run whatever comes in between."""
        is_done = not scheduler.abandoned
        try:
            scheduler.crews.close(wait=is_done)
            if scheduler.loops is not None:
                scheduler.loops.close(wait=is_done)
        finally:
            settlement = scheduler.settlement
            if settlement.failed:
                _block_the_rest(self._execution, settlement)
            self._end(settlement.failed, settlement.error)

    def _end(self, failed: list[str], error: BaseException | None) -> None:
        """Complete the run's state and record, and let go of everything that was taken; once."""
        if not self._ending.acquire(blocking=False):
            return  # it was given up
        execution, run, log = self._execution, self.run, self._execution.log
        run.state = state_of(failed, execution.stopping)
        run.took_s = (perf_counter_ns() - log.start_ns) / 1e9
        for key in failed:
            run.failures.extend(self._failures(key))
        run.error = error or _raised_in(run)
        if self._handed_in:
            self._tell_of_changes()
        counts = count_endings(execution)
        data = {"state": run.state, "duration_s": run.duration_s, "stages": counts}
        log.add("run.end", level="info" if run.state == "ok" else "error", data=data)
        try:
            log.close()
        finally:  # the second Ctrl-C does not wait for a sink
            if self._folder is not None:
                self._folder.close()
            if execution.keeper is not None:
                execution.keeper.close()
        self._keep_code()
        execution.bound.clear()
        execution.base = Context()  # it holds the run, which would keep itself alive
        if run.view is not None:
            run.view.end()

    def _tell_of_changes(self) -> None:
        """Tell which values of the caller's were changed in place, if the guard has not yet."""
        from pypedream.engine.handed_in import said_of_changes

        guard, log = self._execution.guard, self._execution.log
        for of in guard.told if guard is not None else ():
            self._handed_in.pop(of, None)
        for text in said_of_changes(self.plan, self._handed_in):
            log.add("warning", text, level="warning")

    def _keep_code(self) -> None:
        """Write down what the code of stages is now, where it may be another when one resumes."""
        run, wires = self.run, self.plan.blueprint.wiring.wires
        keys: list[str] = []
        if run.state != "ok":
            keys = [*{**self._execution.values, **self._execution.fans}]
        elif self.plan.blueprint.has_policies:  # files and variables change while functions do not
            policies = {key: wires[key].stage.policy for key in self._execution.values}
            keys = [key for key, policy in policies.items() if policy.depends_on or policy.env]
            keys += [key for key, fan in self._execution.fans.items() if fan.failed]
        if keys:
            from pypedream.engine.calls import code_of

            run.code = {key: code_of(wires[key]) for key in keys}

    def _failures(self, key: str) -> list[Failure]:
        """Describe the failed call of a stage, or those of all its items that failed."""
        execution = self._execution
        wired = self.plan.blueprint.wiring.wires[key]
        arguments = execution.bound.get(key, {})
        changed = execution.guard.changed.get(key, ()) if execution.guard is not None else ()
        from pypedream.engine.failure import failure_of, failure_of_item

        fan = execution.fans.get(key)
        if fan is not None and fan.failed:
            failed = [fan.failed[place] for place in sorted(fan.failed)[:MOST_FAILURES]]
            return [failure_of_item(fan, one, execution.parameters) for one in failed]
        ended = execution.ended[key]
        return [failure_of(wired, ended, arguments, execution.parameters, changed)]


async def _outcome_of(done: Future[Run]) -> Run:
    """Wait for a run, which goes on if the wait is cancelled.

    A kernel hears its stop button only when its loop has something to do, so it is given that.
    """
    from asyncio import shield, wait

    while running_kernel() is not None and not done.done():
        await wait([done], timeout=PULSE_S)
    return await shield(done)


def _has_others(plan: Plan) -> bool:
    """Say whether a run is handed values of classes that Python itself does not have."""
    values = (*plan.parameters.given.values(), *plan.selection.given.values())
    kinds = set(map(type, values)) - _PLAIN
    return any(
        str(kind.__module__).partition(".")[0] not in sys.stdlib_module_names for kind in kinds
    )


def _guard_for(plan: Plan) -> Guard | None:
    """Return what watches the inputs that several stages read, or None if there is nothing to."""
    mode = plan.options.mutation
    if not (plan.blueprint.wiring.shared and plan.chosen) or mode == "off":
        return None
    from pypedream.engine.guard import Guard

    return Guard(mode)


def _event_log(
    run_id: str, plan: Plan, secrets: Sequence[str], folder: RunFolder | None
) -> EventLog:
    from pypedream.log.logger import extra_sinks
    from pypedream.log.redaction import Redactor

    options = plan.options
    sinks: list[Any] = [*options.sinks, *extra_sinks()]
    if options.progress is not False and not is_viewed(plan.options):
        sinks.append(_console(plan))
    if folder is not None:
        sinks.extend(folder.sinks)
    log = EventLog(run_id, sinks=sinks, redactor=Redactor(secrets))
    if folder is not None:
        log.displays_folder = folder.path / DISPLAYS
    return log


def _console(plan: Plan) -> Any:
    """Return what says the lines of a run that has no view."""
    within = context.STAGE.get()
    if within is not None and running_kernel() is not None:
        from pypedream.log.relay import Relay

        return Relay(within)
    from pypedream.log.console import ConsoleSink

    called = [key for key in plan.blueprint.order if key in plan.chosen]
    return ConsoleSink(progress=bool(plan.options.progress), stages=called)


def _load_for(plan: Plan) -> None:
    """Load what the run will need: the first of a process shall not seem to take longer."""
    if plan.chosen or plan.selection.given:
        import pypedream.engine.interrupts
        import pypedream.engine.scheduler
        import pypedream.log.capture
    if plan.blueprint.has_async:
        import pypedream.engine.coroutines  # noqa: F401 - it is only to be loaded
    if is_viewed(plan.options):
        view("notebook")


def is_viewed(options: Options) -> bool:
    """Say whether a run that starts now has a view in a notebook and so no need of a console."""
    is_outermost = context.STAGE.get() is None
    return options.progress is not False and is_outermost and running_kernel() is not None


def _raised_in(run: Run) -> BaseException | None:
    """Return the exception of the failure that stopped the run, or else of the first one."""
    if not run.failures:
        return None
    from pypedream.engine.failure import stopped_by

    return (stopped_by(run) or run.failures[0]).error


def _block_the_rest(execution: Execution, settlement: Settlement) -> None:
    """Mark the descendants of stages that failed as blocked; others are merely pending."""
    from pypedream import graph

    blueprint, ended = execution.plan.blueprint, endings_of(execution)
    blocked_by: dict[str, str] = {}
    for failed in settlement.failed:
        for key in graph.reach([failed], blueprint.children):
            blocked_by.setdefault(key, failed)
    for key in blueprint.order:
        if key in blocked_by and key in execution.plan.chosen and key not in ended:
            reason = f'needs "{blocked_by[key]}", which failed'
            settlement.pass_over(key, "blocked", reason)
