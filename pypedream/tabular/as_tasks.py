"""A pipeline of tables as an ordinary one, whose stages may each be called in another process.

What goes from task to task is the id of the run: the rows are in its folder, which all processes
have to see. A stage takes the run, does its part, writes down how far the run is, and lets go of
it. So what is known of the run is as after a run in one process, and either can go on with it.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import evolve

import pypedream.parameters
import pypedream.pipeline
from pypedream import context, graph
from pypedream.errors import DefinitionError, TableRunError
from pypedream.inputs import dependency
from pypedream.parameters.including import with_parameters_of
from pypedream.stage import Stage
from pypedream.tabular.going_on import needs_of
from pypedream.tabular.ingesting import ingest as take_in
from pypedream.tabular.manifest import RunStatus
from pypedream.tabular.run_folders import find_run, runs_in
from pypedream.tabular.running import text_of
from pypedream.tabular.services import FILES, QUARANTINED, STATS, TABLES
from pypedream.tabular.step_stages import is_clear
from pypedream.tabular.table_run import FilesOfRun, Sizes, hindrance, open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream.parameters import Parameters
    from pypedream.tabular.pipeline import Pipeline
    from pypedream.tabular.steps import StepDefinition
    from pypedream.tabular.table_run import TableRun

__all__ = ["TaskPipeline"]

INGEST, FINISH = "ingest", "finish"
_RUN = "ingested_run"
_QUIET = {"progress": False}
_SHARED = (
    "rows and ids are in the folder of the pipeline (.working, .persistent): all tasks have to see"
    " that folder"
)
_OF_TABLES = (FILES, QUARANTINED, STATS, TABLES)


class TaskPipeline(pypedream.pipeline.Pipeline):
    """The stages of a pipeline of tables, with one that ingests before and one that ends it after.

    Its parameters are those of the other and two more: ``source``, the folder of files, which has
    to be set, and ``run_date``, by default the day that the run is for. Where the other has one of
    these names itself, that stays.

    Attributes
    ----------
    origin
        The pipeline of tables.
    notes_for_hosts
        What a host has to see to, a line for each.

    Raises
    ------
    DefinitionError
        If a stage of it has the name of one that is added.
    """

    notes_for_hosts: ClassVar = [_SHARED]

    def __init__(self, origin: Pipeline) -> None:
        super().__init__(origin.name, _parameters(origin), variables=origin.variables)
        self.origin = origin
        self._place = origin.blueprint.definition.place
        _refuse_names_of(origin)
        self._add(INGEST, Stage(_ingesting(origin), name=INGEST, cache="off"))
        before: tuple[str, ...] = ()
        for key in origin.blueprint.order:
            stage = origin.blueprint.definition.stages[key]
            task = _task_of(origin, stage)
            if task is not stage:  # the run is one process's at a time, so these take turns
                after = dict.fromkeys([*before, *task.policy.after])
                policy = evolve(task.policy, after=tuple(after), uses=_other_uses(stage))
                task, before = task.with_policy(policy), (key,)
            self._add(key, task)
        self._add(FINISH, Stage(_finishing(origin), name=FINISH, after=before, cache="off"))


def _parameters(origin: Pipeline) -> Parameters:
    own, ours = origin.parameters, {"source": _SOURCE, "run_date": _RUN_DATE}
    new = {name: each for name, each in ours.items() if name not in own.definitions}
    return with_parameters_of(own, pypedream.parameters.Parameters.define(**new), "")


_SOURCE = pypedream.parameters.Parameter(str, help="The folder of files to ingest")
_RUN_DATE = pypedream.parameters.Parameter(
    str, "", help="YYYY-MM-DD; empty for the day that the run is for"
)


def _refuse_names_of(origin: Pipeline) -> None:
    for name in (INGEST, FINISH):
        if name in origin.blueprint.definition.stages:
            raise DefinitionError(
                f'pipeline "{origin.name}" has a stage "{name}", and a task of this name is added'
                " to it: give it another one"
            )


def _ingesting(origin: Pipeline) -> Callable[..., str]:
    def ingest(source: str, run_date: str) -> str:
        """Take in the files of a folder; return the id of the run."""
        run = context.RUN.get()
        for manifest in runs_in(origin.pipeline_dir):
            if manifest.host == run.id:
                print(f"they came in as run {manifest.run_id} before")
                return manifest.run_id
        day = date.fromisoformat(run_date) if run_date else run.logical_date.date()
        how: dict[str, Any] = {"on_error": None, "max_errors": None, "options": _QUIET}
        manifest = take_in(origin, source, run_date=day, **how, host=run.id)
        print(f"run {manifest.run_id}")
        return manifest.run_id

    # What is taken in, and how, is in the class: a host is told when it has changed.
    ingest.__signature__ = signature(ingest)  # type: ignore[attr-defined]
    ingest.__wrapped__ = type(origin)  # type: ignore[attr-defined]
    return ingest


def _finishing(origin: Pipeline) -> Callable[..., None]:
    def finish(ingest: str) -> None:
        """Write down how far the run is; fail if something is left to do."""
        with _taken(origin, ingest):
            pass
        manifest = find_run(origin.pipeline_dir, ingest)
        if manifest.status is not RunStatus.COMPLETED:
            raise TableRunError(text_of(manifest))
        print(text_of(manifest))

    return finish


def _other_uses(stage: Stage) -> tuple[Any, ...]:
    return tuple(each for each in stage.policy.uses if not str(each).startswith("file:"))


def _task_of(origin: Pipeline, stage: Stage) -> Stage:
    """Return a stage that takes the run for what it reads of it; any other as it is."""
    step = next((each for each in origin.steps if each.step_id == stage.name), None)
    ours = [each for each in stage.inputs if each.bind.source in _OF_TABLES]
    if not ours:
        return stage

    def task(**arguments: Any) -> Any:
        run_id = arguments.pop(_RUN)
        with _taken(origin, run_id, step):
            return stage.function(**arguments, **{each.as_arg: each.bind() for each in ours})

    hidden = {each.as_arg for each in ours}
    own = [
        each for each in signature(stage.function).parameters.values() if each.name not in hidden
    ]
    function: Any = task
    function.__name__ = function.__qualname__ = stage.function.__name__
    function.__doc__ = stage.function.__doc__
    function.__wrapped__ = stage.function
    function.__signature__ = Signature([Parameter(_RUN, Parameter.KEYWORD_ONLY), *own])
    left = [each for each in stage.inputs if each.as_arg not in hidden]
    policy = stage.policy
    if step is not None and policy.when is not None:
        policy = evolve(policy, when=_condition(origin, step))
    inputs = [dependency(INGEST, _RUN), *left]
    return Stage(function, inputs, name=stage.name).with_policy(policy)


def _condition(origin: Pipeline, step: StepDefinition) -> Callable[[str], bool]:
    def what_it_needs_is_complete(ingest: str) -> bool:
        return is_clear(hindrance(find_run(origin.pipeline_dir, ingest), origin.steps, step))

    return what_it_needs_is_complete


@contextmanager
def _taken(origin: Pipeline, run_id: str, step: StepDefinition | None = None) -> Iterator[None]:
    """Have a run while the block is carried out, and write down then how far it is."""
    sizes = Sizes(origin.large_file_threshold_bytes, origin.run_batch_size)
    tables = open_run(origin.pipeline_dir, run_id, origin.steps, sizes)
    try:
        if step is not None:
            after = graph.children_of(needs_of(origin.steps))
            tables.prepare(graph.reach({step.step_id}, after))
        with _offered(tables):
            yield
    finally:
        try:
            tables.finish("ok")
        finally:
            tables.let_go()
            tables.store.close()


@contextmanager
def _offered(tables: TableRun) -> Iterator[None]:
    """Let inputs read the files of a run and what else it offers."""
    values = {TABLES: tables, FILES: FilesOfRun(tables), STATS: tables.stats}
    tokens = [variable.set(value) for variable, value in values.items()]
    try:
        yield
    finally:
        for token in tokens:
            token.var.reset(token)
