"""Run: one execution as the user sees it, a mapping from stage to its return value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream._lazy import shown_as, view
from pypedream.context import STAGE
from pypedream.deferred import Deferred
from pypedream.engine.endings import beginnings_of, count_endings, endings_of
from pypedream.engine.views import KeptOutputs
from pypedream.errors import NoResult
from pypedream.log.durations import duration_text
from pypedream.log.redaction import Redactor
from pypedream.names import did_you_mean, there_are
from pypedream.outputs import RETURN
from pypedream.values import said, short

GRACE_S = 10.0
"""How long what runs may take to end after the run was cancelled, or after the first Ctrl-C."""

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from pypedream.engine.as_given import ValuesAsGiven
    from pypedream.engine.batch import Batch
    from pypedream.engine.diff import RunDiff
    from pypedream.engine.execution import Execution
    from pypedream.engine.failure import Failure
    from pypedream.engine.fan import Fan
    from pypedream.engine.item_runs import ItemRun
    from pypedream.engine.past_run import PastRun
    from pypedream.engine.plan import Plan
    from pypedream.engine.scheduler import Scheduler
    from pypedream.log.displays import Displays
    from pypedream.log.ended import Ended
    from pypedream.log.events import Event
    from pypedream.parameters import Parameters


@frozen(eq=False)
class StageRun:
    """What became of one stage in a run.

    Attributes
    ----------
    state
        "ok", "reused", "skipped", "blocked", "failed", "timeout", "cancelled", "interrupted",
        "pending" (the run ended before) or "running".
    duration_s
        Seconds that the last attempt took.
    attempts
        How often the stage was called.
    reason
        Why it was skipped, reused or blocked.
    error
        What its last attempt raised.
    outputs
        Its outputs by name; empty when it has none, or they were not kept.
    items
        Of a mapped stage what became of each item, as far as they were called here.
    workers
        Who made its calls, as in "thread 2" or "process 4711": of a mapped stage all of them, of
        another the last. None where the thread of the run itself did.
    """

    key: str
    state: str
    duration_s: float
    attempts: int
    reason: str
    error: BaseException | None
    outputs: Mapping[str, Any] = field(repr=short)
    items: Sequence[ItemRun] = field(default=(), repr=short)
    workers: tuple[str, ...] = ()

    @property
    def items_said(self) -> str:
        """How many items a mapped stage has and how many failed, in words; "" for others."""
        said: str = getattr(self.items, "said", "")
        return said.replace("not called", "to go") if self.state == "running" else said

    @property
    def items_failed(self) -> int:
        """How many items of a mapped stage failed."""
        return getattr(self.items, "failed", 0)


class Run(Mapping[str, Any]):
    """One execution of a pipeline: a mapping from stage key to that stage's return value.

    Holds only stages that have a result; it is equal to a dict with the same entries.

    Attributes
    ----------
    id
        Sorts by time of start and is safe as a file name.
    state
        "running", "ok", "failed", "interrupted" or "cancelled".
    failure
        The first stage that failed, with its inputs; None if none did.
    failures
        All of them, in the order in which they came; of a mapped stage each item that failed, up
        to the first thousand.
    error
        What ended the run early: the first failure's exception, or a KeyboardInterrupt.
    batch
        The sweep that the run is part of, and which point of it; None if it is part of none.
    view
        What shows it under a cell of a notebook; None elsewhere.
    """

    def __init__(self, run_id: str, execution: Execution, batch: Batch | None = None) -> None:
        self.id = run_id
        self.batch = batch
        self.state = "running"
        self.failures: list[Failure] = []
        self.error: BaseException | None = None
        self.took_s: float | None = None
        self.code: dict[str, Any] = {}
        self.view: Any = None
        self._execution = execution
        self._scheduler: Scheduler | None = None

    def __getitem__(self, key: str) -> Any:
        try:
            value = self._execution.values[key]
        except KeyError:
            raise NoResult(self._why_none(key)) from None
        return value.present() if isinstance(value, Deferred) else value

    def written(self, key: str) -> Any:
        """Return which files a stage wrote; None if it gave another value, or none."""
        value = self._execution.values.get(key)
        return value if isinstance(value, Deferred) else None

    def __iter__(self) -> Iterator[str]:
        values = self.outputs
        return (key for key in self.plan.blueprint.order if key in values)

    def __len__(self) -> int:
        return len(self.outputs)

    def __contains__(self, key: object) -> bool:
        return key in self.outputs

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Run):
            return self is other
        return dict(self) == other if isinstance(other, Mapping) else NotImplemented

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return run_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def _ipython_display_(self) -> None:
        """Show nothing under the cell where the run is shown already."""
        if self.view is None or not view("notebook").is_shown_here(self.view):
            raise NotImplementedError  # so IPython asks for the bundle

    @property
    def plan(self) -> Plan:
        """The plan that the run carries out."""
        return self._execution.plan

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.plan.pipeline

    @property
    def started_at(self) -> datetime:
        """When the run began, in UTC; where a host calls its stages, when that one's run did."""
        from datetime import UTC, datetime

        host, moments = self._execution.host, self._execution.log.moments
        return host.started_at or datetime.fromtimestamp(moments.start_wall_ns / 1e9, UTC)

    @property
    def logical_date(self) -> datetime:
        """The moment that the run is for: when it began, unless a schedule says another."""
        return self._execution.host.logical_date or self.started_at

    @property
    def attempt(self) -> int:
        """Which attempt the stage is at that asks, or one of its items; 1 outside a stage."""
        here = STAGE.get()
        count = 1 if here is None else max(1, here.number)
        return self._execution.host.attempt + count - 1

    @property
    def parameters(self) -> Parameters:
        """The parameters with the values that they had."""
        return self._execution.parameters

    @property
    def variables(self) -> Any:
        """The variables with their last values."""
        return self._execution.variables

    @property
    def keeps_results(self) -> bool:
        """Whether what its stages gave is in the store of a workspace."""
        return self._execution.keeper is not None

    @property
    def values_in_memory(self) -> Mapping[str, Any]:
        """From stage to its return value, without those that are still to be loaded."""
        return dict(self._execution.values)

    @property
    def values_as_given(self) -> ValuesAsGiven | None:
        """The values in memory, if it is known of them whether they were changed since."""
        from pypedream.engine.as_given import ValuesAsGiven

        values = self._execution.values
        return values if isinstance(values, ValuesAsGiven) else None

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """From stage to its outputs by name; "return" is its return value."""
        return self._execution.stages_view

    @property
    def fans(self) -> Mapping[str, Fan]:
        """From a mapped stage to its items, as far as they were called."""
        return self._execution.fans

    @property
    def events(self) -> Sequence[Event]:
        """Everything that was said and happened, in order."""
        return self._execution.log.events

    @property
    def displays(self) -> Displays:
        """What its stages displayed in a notebook."""
        return self._execution.log.displays

    @property
    def sinks(self) -> Any:
        """The sinks that failed, each with its first error and the number of events lost."""
        return self._execution.log.sink_failures

    @property
    def duration_s(self) -> float:
        """Seconds that it took, or that it has taken so far."""
        took_s = self.took_s
        return _seconds_since(self._execution.log.start_ns) if took_s is None else took_s

    @property
    def failure(self) -> Failure | None:
        """The first stage that failed, with its inputs and where they came from."""
        return self.failures[0] if self.failures else None

    @property
    def stages(self) -> dict[str, StageRun]:
        """From key to what became of the stage, in the order of the run."""
        beginnings = beginnings_of(self._execution) if self.state == "running" else {}
        endings = endings_of(self._execution)
        order = self.plan.blueprint.order
        return {key: self._stage_run(key, endings, beginnings.get(key)) for key in order}

    def count_ended(self) -> int:
        """Count the stages that have ended so far, however they did; it costs little."""
        return sum(count_endings(self._execution).values())

    def cancel(self, *, grace_s: float | None = GRACE_S) -> None:
        """Begin no further stage or item; may be called from any thread.

        Async stages get a ``CancelledError``. What else runs may come to its end; after *grace_s*
        seconds processes are ended and threads are left. A stage that is called in the thread of
        the run itself, as ``executor="serial"`` does, is waited for.

        Parameters
        ----------
        grace_s
            Seconds; 0 waits for nothing and None for everything.

        Raises
        ------
        ValueError
            If *grace_s* is no such number.
        """
        if not is_grace(grace_s):
            raise ValueError(
                f"grace_s={said(grace_s)} is not a number of seconds from 0 up, or None"
            )
        if self.state == "running":
            self._execution.stop("cancelled")
            if self._scheduler is not None:
                self._scheduler.cancel(grace_s)

    @property
    def is_paused(self) -> bool:
        """Whether no stage or item is begun until the run goes on."""
        return self.state == "running" and self._execution.is_paused

    def pause(self) -> None:
        """Begin no further stage or item until `unpause`; may be called from any thread.

        What runs comes to its end. A paused run can be cancelled, and interrupted by Ctrl-C.
        """
        if self.state == "running" and not self._execution.is_paused:
            self._execution.held.add("paused")
            self._execution.log.add("log", "paused: what runs may end, nothing new is begun")

    def unpause(self) -> None:
        """Let a paused run go on."""
        if self.is_paused:
            self._execution.held.discard("paused")
            self._execution.log.add("log", "the run goes on")
            if self._scheduler is not None:
                self._scheduler.wake()

    def diff(self, other: Run | PastRun | str) -> RunDiff:
        """Compare this run with another one: say what changed from this to the other.

        Of runs that recorded their results the records are compared, of others what is in memory.

        Parameters
        ----------
        other
            A run, or the name of one that is recorded in the same workspace: its id, the
            beginning of its id, "last" or "last~1".

        Raises
        ------
        StoreError
            If there is no such run, or this one was not recorded anywhere.
        TypeError
            If *other* is neither.
        """
        from pypedream.engine.compare import compared
        from pypedream.engine.past_run import PastRun

        if isinstance(other, PastRun):
            other = other.id
        if not isinstance(other, (Run, str)):
            raise TypeError(f"diff takes a Run or the id of one, not {said(other)}")
        return compared(self, other)

    def report(self, path: str | os.PathLike[str] = "report.html") -> Path:
        """Write all that there is to see of the run to one HTML file, to be mailed or printed.

        Parameters
        ----------
        path
            A file that is there is replaced; missing folders are made.

        Returns
        -------
        The path.
        """
        written: Path = view("report").write_report(self, path)
        return written

    def timeline(self) -> Any:
        """Return a picture of which worker was at which stage, and when.

        Returns
        -------
        A `pypedream.view.picture.Picture`, which shows itself in a notebook: its `svg`,
        `save("run.svg")`, and in words what it is `about`.
        """
        return view("timeline").timeline_of(self)

    def _stage_run(
        self, key: str, endings: Mapping[str, Ended], begun_ns: int | None = None
    ) -> StageRun:
        ended = endings.get(key)
        outputs: Mapping[str, Any] = {}
        if key in self._execution.values and self.written(key) is None:
            outputs = self.outputs[key]
        elif key in self.outputs:
            outputs = KeptOutputs(self.outputs, key)
        if ended is not None:
            state, reason, attempts = ended.state, ended.reason, ended.attempts
            duration_s = ended.duration_ns / 1e9
        elif begun_ns is not None:
            state, reason, attempts = "running", "", 1
            duration_s = _seconds_since(begun_ns)
        else:
            state, reason = ("pending", "") if key in self.plan.chosen else self._left_out()
            return StageRun(key, state, 0.0, 0, reason, None, outputs)
        error = None if ended is None else ended.error
        items, workers = self._items_of(key), self._workers_of(key, ended)
        return StageRun(key, state, duration_s, attempts, reason, error, outputs, items, workers)

    def _items_of(self, key: str) -> Sequence[ItemRun]:
        fan = self._execution.fans.get(key)
        if fan is None:
            return ()
        from pypedream.engine.item_runs import ItemRuns

        return ItemRuns(fan)

    def _workers_of(self, key: str, ended: Ended | None) -> tuple[str, ...]:
        fan = self._execution.fans.get(key)
        if fan is not None:
            return tuple(fan.workers)
        return (ended.worker,) if ended is not None and ended.worker else ()

    def _left_out(self) -> tuple[str, str]:
        return "skipped", f"not selected ({self.plan.selection})"

    def _why_none(self, key: str) -> str:
        blueprint = self.plan.blueprint
        if key not in blueprint.wiring.wires:
            near = did_you_mean(key, blueprint.order) or f": {there_are(blueprint.order)}"
            return f'no stage "{key}"{near}'
        stage = self._stage_run(key, endings_of(self._execution))
        if stage.state == "ok":
            return f'the result of stage "{key}" was not kept (keep={self.plan.options.keep!r})'
        reason = f": {stage.reason}" if stage.reason else ""
        return f'stage "{key}" has no result, it is {stage.state}{reason}'


def _seconds_since(ns: int) -> float:
    return (perf_counter_ns() - ns) / 1e9


def run_text(run: Run) -> str:
    """Return a run as an aligned table, one line a stage."""
    stages = run.stages.values()
    wide = max((len(stage.key) for stage in stages), default=0)
    took = duration_text(run.duration_s)
    state = f"{run.state}, paused" if run.is_paused else run.state
    lines = [f"{run.pipeline}: {state} in {took} (run {run.id})"]
    lines += [f"  {stage.key:<{wide}}  {stage.state:<11}  {_said(stage)}" for stage in stages]
    hide = Redactor(run.parameters.secrets()).text
    return hide("\n".join(line.rstrip() for line in lines))


def _said(stage: StageRun) -> str:
    return ": ".join(filter(None, (stage.items_said, _said_of_all(stage))))


def _said_of_all(stage: StageRun) -> str:
    if stage.error is not None:
        from pypedream.engine.failure import shown_error

        return shown_error(stage.error, 60)
    if isinstance(stage.outputs, KeptOutputs):
        return stage.reason  # to look at a run loads nothing
    return short(stage.outputs[RETURN], 60) if RETURN in stage.outputs else stage.reason


def is_grace(value: object) -> bool:
    """Say whether *value* is a time that a stage may be given to end."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None or (is_number and value >= 0)  # type: ignore[operator]


def state_of(failed: Sequence[str], stopping: str) -> str:
    """Return the state of a run in which these stages failed, and that stopped for this reason."""
    if stopping in ("interrupted", "cancelled"):
        return stopping
    return "failed" if failed or stopping == "failed" else "ok"
