"""Running: from what is asked of a pipeline of tables to a run of its steps."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from pypedream.engine.carry_out import Launch
from pypedream.engine.options import HERE
from pypedream.engine.request import plan_for, request_of
from pypedream.engine.reuse import Reuse
from pypedream.engine.run import state_of
from pypedream.engine.selection import select
from pypedream.errors import DefinitionError, NoTableRun, TableRunError
from pypedream.tabular.going_on import steps_to_call
from pypedream.tabular.manifest import Manifest, RunStatus, StepStatus
from pypedream.tabular.quarantine import QUARANTINE
from pypedream.tabular.run_folders import WORKING, choose_run, find_run, runs_in
from pypedream.tabular.run_log import NAME, RunLog
from pypedream.tabular.services import FILES, STATS, TABLES
from pypedream.tabular.stats import StatScope
from pypedream.tabular.table_run import FilesOfRun, Sizes, open_run
from pypedream.values import said

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Mapping

    from pypedream.engine.plan import Blueprint, Plan
    from pypedream.engine.request import Request
    from pypedream.parameters import Parameters
    from pypedream.tabular.manifest import StepState
    from pypedream.tabular.pipeline import Pipeline
    from pypedream.tabular.table_run import TableRun

__all__ = ["id_of", "last_to_go_on", "launched", "manifest_of", "planned", "text_of"]


@define(eq=False, repr=False)
class StepsDone(Reuse):
    """Steps of a run that are done, and so are not called.

    Attributes
    ----------
    manifest
        What is known of the run; None when there is none yet.
    called
        Steps that begin anew, whether or not they are asked for now.
    """

    manifest: Manifest | None = None
    called: frozenset[str] = frozenset()


def planned(
    pipeline: Pipeline, parameters: Mapping[str, Any] | None, asked: Mapping[str, Any]
) -> Plan:
    """Plan which steps of a run are called; nothing is written.

    Raises
    ------
    PlanError
        With all mistakes.
    NoTableRun
        If the run that is named is not there.
    """
    keywords = dict(asked)
    run_id = keywords.pop("run_id", None)
    request = request_of(parameters, keywords)
    again = _asked_again(request, pipeline.blueprint)
    manifest, note = _run_to_plan(pipeline, run_id, is_repeat=bool(again))

    def reuse(base: Blueprint, _: Parameters) -> Reuse:
        if manifest is None:
            return StepsDone(notes=[note])
        return _steps_done(pipeline, manifest, again & base.wiring.wires.keys())

    plan = plan_for(request, pipeline.blueprint, pipeline.options, reuse=reuse)
    if plan.options.executor not in HERE:
        raise DefinitionError(
            f"steps are called in the process of their run: executor={plan.options.executor!r}"
            ' has to be "serial" or "threads"'
        )
    return plan


def launched(pipeline: Pipeline, plan: Plan, loop: AbstractEventLoop | None) -> TableLaunch:
    """Take the run that was planned and make its files ready.

    Raises
    ------
    NoTableRun
        If there is none.
    Locked
        If another process or thread has it.
    TableRunError
        If it is not what it was when it was planned.
    """
    steps_done = plan.reuse
    assert isinstance(steps_done, StepsDone)
    manifest = steps_done.manifest or choose_run(pipeline.pipeline_dir)
    sizes = Sizes(pipeline.large_file_threshold_bytes, pipeline.run_batch_size)
    run = open_run(pipeline.pipeline_dir, manifest.run_id, pipeline.steps, sizes)
    try:
        _refuse_other(pipeline, manifest, run.manifest)
        run.prepare(set(steps_done.called))
        log = RunLog(run.folder / NAME, f"run {manifest.run_id}")
        # What a step did is in its files, and the manifest says so: there is no result to keep.
        logged = evolve(plan.options, sinks=(*plan.options.sinks, log), checkpoint=False)
        return TableLaunch(evolve(plan, options=logged), pipeline, loop, tables=run)
    except BaseException:
        run.let_go()
        raise


def manifest_of(run: object) -> Manifest | None:
    """Return what was known of the run of tables that a run carried out; None if of none."""
    reuse = getattr(getattr(run, "plan", None), "reuse", None)
    return reuse.manifest if isinstance(reuse, StepsDone) else None


def id_of(run: object) -> str:
    """Return the id of the run of tables that somebody means.

    Raises
    ------
    NoTableRun
        If it is no id, and nothing that has one.
    """
    manifest = run if isinstance(run, Manifest) else manifest_of(run)
    if manifest is not None:
        return manifest.run_id
    if isinstance(run, str):
        return run
    raise NoTableRun(f"resume() takes the id of a run, or what run() returned, not {said(run)}")


def last_to_go_on(pipeline: Pipeline) -> str | None:
    """Return the run that a pipeline has carried out last; None if it needs nobody any more."""
    last = manifest_of(pipeline.last_run)
    runs = runs_in(pipeline.pipeline_dir) if last is not None else []
    waiting = {one.run_id for one in runs if one.status is not RunStatus.COMPLETED}
    return last.run_id if last is not None and last.run_id in waiting else None


@define(eq=False, repr=False)
class TableLaunch(Launch):
    """A run of a pipeline that carries out steps of a run of tables.

    Attributes
    ----------
    tables
        The run of tables, which this one lets go of when it is over.
    """

    tables: TableRun = field(kw_only=True)
    _is_settled: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        base, tables = self._execution.base, self.tables
        base.run(TABLES.set, tables)
        base.run(FILES.set, FilesOfRun(tables))
        base.run(STATS.set, tables.stats)

    def _end(self, failed: list[str], error: BaseException | None) -> None:
        try:
            if not self._is_settled:
                self._is_settled = True
                self._settle(state_of(failed, self._execution.stopping))
        finally:
            super()._end(failed, error)

    def _settle(self, state: str) -> None:
        """Write down how far the run of tables is, and let go of it."""
        tables, log = self.tables, self._execution.log
        try:
            status = tables.finish(state)
            found = [each.status for each in tables.manifest.steps.values()]
            took_ms = (perf_counter_ns() - log.start_ns) / 1e6
            tables.note(
                (StatScope.RUN, None, action, value)
                for action, value in (
                    ("steps_completed", found.count(StepStatus.COMPLETE)),
                    ("steps_quarantined", found.count(StepStatus.QUARANTINED)),
                    ("duration_ms", took_ms),
                )
            )
        finally:
            tables.let_go()
            tables.store.close()
        is_well = status in (RunStatus.COMPLETED, RunStatus.INGESTED)
        level = "info" if is_well else "warning"
        log.add("log", text_of(tables.manifest), level=level)


def _run_to_plan(
    pipeline: Pipeline, run_id: str | None, *, is_repeat: bool
) -> tuple[Manifest | None, str]:
    """Return the run that would be carried out now, or None and why there is none."""
    if run_id is not None:
        return find_run(pipeline.pipeline_dir, run_id), ""
    try:
        return choose_run(pipeline.pipeline_dir, is_repeat=is_repeat), ""
    except NoTableRun as error:  # to plan is to look ahead; the run will raise it
        return None, str(error)


def _asked_again(request: Request, base: Blueprint) -> set[str]:
    """Return the stages that are named, and so are called even if they are done."""
    selection = evolve(request.selection, until=(), given={})
    if selection.is_everything:
        return set()
    return select(selection, base.wiring.wires, base.children)


def _steps_done(pipeline: Pipeline, manifest: Manifest, again: set[str]) -> StepsDone:
    steps = pipeline.steps
    called = frozenset(steps_to_call(steps, manifest, again))
    found = StepsDone(manifest=manifest, called=called)
    for step in steps:
        key, state = step.step_id, manifest.step(step.step_id)
        if key not in called:
            found.values[key] = None
            found.reasons[key] = f"{state.status} in run {manifest.run_id}"
        elif state.status is not StepStatus.PENDING:
            found.rerun[key] = f"{state.status} in run {manifest.run_id}"
    return found


def _refuse_other(pipeline: Pipeline, manifest: Manifest, now: Manifest) -> None:
    if now != manifest:
        raise TableRunError(f'run "{manifest.run_id}" was changed meanwhile: run it again')
    missing = [
        spec.name
        for spec in pipeline.ingest_files
        if not (spec.optional or spec.name in manifest.files)
    ]
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        raise TableRunError(f'run "{manifest.run_id}" was ingested without {names}: ingest again')


def text_of(manifest: Manifest) -> str:
    """Say in one line how far a run is and what is next."""
    text = f"run {manifest.run_id} is {manifest.status}"
    for status, words in (
        (StepStatus.FAILED, "failed"),
        (StepStatus.QUARANTINED, "rows in quarantine"),
        (StepStatus.BLOCKED, "blocked by these"),
        (StepStatus.PENDING, "still to be called"),
    ):
        if status is StepStatus.PENDING and manifest.status is not RunStatus.INGESTED:
            continue  # what was not reached is no news beside what went wrong
        found = [
            _named(key, state) for key, state in manifest.steps.items() if state.status is status
        ]
        if found:
            text = f"{text}; {words}: {', '.join(found)}"
    if manifest.status not in (RunStatus.FAILED, RunStatus.QUARANTINED):
        return text
    is_held = any(state.status is StepStatus.QUARANTINED for state in manifest.steps.values())
    look = f"look into {WORKING}/{manifest.run_id}/{QUARANTINE}, " if is_held else ""
    return f"{text}; {look}set right what is wrong and run it again"


def _named(step_id: str, state: StepState) -> str:
    held = sum(sum(rows.quarantined.values()) for rows in state.files.values())
    return f"{step_id} ({held:,})" if held else step_id
