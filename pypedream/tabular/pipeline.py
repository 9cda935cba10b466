"""Pipelines of tables: files that are ingested once, and steps that are carried out over them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import evolve

import pypedream.pipeline
from pypedream.errors import DefinitionError
from pypedream.places import calling_place, is_interactive
from pypedream.tabular.defining import check_class, step_of
from pypedream.tabular.filters import filtering
from pypedream.tabular.going_on import needs_of
from pypedream.tabular.models import ExecutionMode, StepExecutionMode
from pypedream.tabular.run_folders import choose_run, find_run, runs_in
from pypedream.tabular.running import id_of, last_to_go_on, launched, planned
from pypedream.tabular.step_stages import stage_of
from pypedream.tabular.steps import StepDefinition, StepKind
from pypedream.tabular.table_run import Sizes, file_of

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import polars as pl

    from pypedream.engine.carry_out import Launch
    from pypedream.engine.plan import Plan
    from pypedream.engine.run import Run
    from pypedream.engine.runs import Runs
    from pypedream.places import Place
    from pypedream.tabular.as_tasks import TaskPipeline
    from pypedream.tabular.astro_file import AstroFile, AstroFileSpec
    from pypedream.tabular.filters import FilterFn
    from pypedream.tabular.manifest import Manifest
    from pypedream.tabular.models import IngestFileSpec, OnError
    from pypedream.tabular.run_report import RunReport
    from pypedream.tabular.stats import StatRecord

__all__ = ["Pipeline"]

_MOST_WORKERS = 32
_MORE_THAN_PROCESSORS = 4


class Pipeline(pypedream.pipeline.Pipeline, ABC):
    """A pipeline over ingested files: derive a class, say what comes in and what is done with it.

    `ingest` reads a folder of files into a run, `run` carries out its steps. Each step gets its
    files as the steps before it left them, and is committed as a whole: after a failure, a kill or
    rows in quarantine the next `run` goes on where it is right. What is a stage in any pipeline is
    one here too: parameters, ``@pipeline.stage``, plans, logs and reports.

    Attributes
    ----------
    name
        What statistics, logs and views call it.
    execution_mode
        "serial": nothing is ingested while a run is not completed. "parallel": there may be
        several.
    step_execution_mode
        "serial": one step after the other, in the order of registration. "parallel": side by side,
        but those that share a file in that order.
    max_parallel_workers
        How many steps at the same time; None means four more than processors, at most 32.
    large_file_threshold_bytes
        Above this size a file is a large one.
    ingest_batch_size, run_batch_size
        Rows of a batch when files are ingested, and in `AstroFile.iter_batches`.
    ingest_files
        What is expected of the files that come in.
    parameters, variables
        As of any pipeline, if there are to be any.

    Raises
    ------
    PipelineClassError
        When the class is made, if it says what cannot be; also a TypeError.
    DefinitionError
        When an instance is made and no step is registered; also a ValueError.

    Examples
    --------
    >>> import pandera.polars as pa
    >>> import polars as pl
    >>> from pypedream.tabular import IngestFileSpec, Pipeline
    >>> schema = pa.DataFrameSchema({"id": pa.Column(str)})
    >>> class Register(Pipeline):
    ...     name = "register"
    ...     ingest_files = [IngestFileSpec("schools", "schools*.csv", schema)]
    ...
    ...     def configure_steps(self):
    ...         self.add_filter("No id", pl.col("id").is_null(), ["schools"])
    ...         self.add_step("Sort", sort)
    >>> def sort(schools):
    ...     schools.save_in_place_lazy(schools.scan().sort("id"))
    >>> [step.step_id for step in Register().steps]
    ['no-id', 'sort']
    """

    name: str = "pipeline"
    execution_mode: ExecutionMode = ExecutionMode.SERIAL
    step_execution_mode: StepExecutionMode = StepExecutionMode.SERIAL
    max_parallel_workers: int | None = None
    large_file_threshold_bytes: int = 104_857_600
    ingest_batch_size: int = 100_000
    run_batch_size: int = 100_000
    ingest_files: ClassVar[list[IngestFileSpec]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        is_base = cls.configure_steps is Pipeline.configure_steps
        if not is_base or hasattr(cls, "ingest_files"):
            check_class(cls)

    def __init__(self) -> None:
        kind = type(self)
        given = {name: getattr(kind, name, None) for name in ("parameters", "variables")}
        super().__init__(
            kind.name,
            given["parameters"],
            variables=given["variables"],
            **_executor(kind),
        )
        self.pipeline_dir = _folder_of(self._place)
        self._steps: list[StepDefinition] = []
        self.configure_steps()
        if not self._steps:
            raise DefinitionError(
                f'pipeline "{self.name}" has no step: call self.add_step(...) or'
                f" self.add_filter(...) in configure_steps ({calling_place()})"
            )

    @abstractmethod
    def configure_steps(self) -> None:
        """Register the steps, with `add_step` and `add_filter`."""

    def add_step(
        self,
        label: str,
        fn: Callable[..., Any],
        files: Sequence[type[AstroFileSpec] | str] | None = None,
        *,
        step_id: str | None = None,
        depends_on: Sequence[str] | None = None,
        kind: StepKind = StepKind.STEP,
    ) -> None:
        """Register a step.

        Parameters
        ----------
        label
            What people call it, in logs and views.
        fn
            Gets a `StepContext` and a list of `AstroFile`. What it saves counts when it has ended.
        files
            What it reads and writes: classes derived from `AstroFileSpec`, or names of files. If
            left out, *fn* gets its arguments by their names instead: a file of that name, ``ctx``
            for the context, and everything that stages of a pipeline can have.
        step_id
            The name by which others depend on it; made from the label if left out.
        depends_on
            Ids of steps that have to be complete before. While rows of one of these are in
            quarantine, this one is blocked.
        kind
            What it is. Filters are registered with `add_filter`.

        Raises
        ------
        DefinitionError
            With a line for each mistake; nothing is registered then.
        """
        own = (label, fn, files)
        self._register(*own, step_id=step_id, depends_on=depends_on, kind=kind)

    def add_filter(
        self,
        label: str,
        fn: FilterFn | pl.Expr,
        files: Sequence[type[AstroFileSpec] | str],
        *,
        step_id: str | None = None,
        depends_on: Sequence[str] | None = None,
    ) -> None:
        """Register a filter, which takes rows out of its files and keeps them beside the run.

        Parameters
        ----------
        fn
            An expression that is true for the rows to take out, or a function that gets all rows
            and returns these. Where an expression is null, the row stays.
        files
            The files that it is applied to, one after the other.
        label, step_id, depends_on
            As for `add_step`.

        Raises
        ------
        DefinitionError
            With a line for each mistake; nothing is registered then.
        """
        named = {"step_id": step_id, "depends_on": depends_on}
        self._register(label, fn, files, **named, kind=StepKind.FILTER)

    @property
    def steps(self) -> list[StepDefinition]:
        """The steps in the order of registration."""
        return list(self._steps)

    def ingest(
        self,
        folder: str | os.PathLike[str],
        *,
        run_date: date | None = None,
        on_error: OnError | None = None,
        max_errors: float | None = None,
        **options: Any,
    ) -> Manifest:
        """Take in the files of a folder as a new run; return what is known of it.

        Each of `ingest_files` has to mean one file of the folder, and no file may be left over.
        Either all of them come in, or nothing is left behind and the error tells all that is
        wrong.

        Parameters
        ----------
        folder
            A folder of files, without folders in it.
        run_date
            The date that all steps of the run get; today if left out.
        on_error, max_errors
            As of `IngestFileSpec`, for all files; None leaves it to each of them.
        options
            Options of a run: ``progress=False``.

        Raises
        ------
        IngestError
            With each mistake: the file, line, column, value and reason.
        TableRunError
            If another run is not completed, and `execution_mode` is "serial".
        Locked
            If somebody else ingests at this moment, and it is "serial".
        TypeError
            If *run_date* is no date.
        """
        __tracebackhide__ = True
        from pypedream.tabular.ingesting import ingest

        how: Any = {"run_date": run_date, "on_error": on_error, "max_errors": max_errors}
        return ingest(self, folder, **how, options=options)

    def run(self, parameters: Any = None, /, **request: Any) -> Run:
        """Carry out the steps of an ingested run; return what became of them and of other stages.

        Steps that are done are not called again. A run that was stopped, that failed or that has
        rows in quarantine goes on with the steps that are not done, and with those that come after
        them on the same files.

        Parameters
        ----------
        parameters, request
            As for any pipeline: ``only=``, ``until=``, options, parameters. Steps that are named
            with ``only=``, ``from_=`` or ``tags=`` are called even if they are done, beginning
            with their files as they were then.
        run_id
            Which run. If left out, the latest that waits for somebody: with rows in quarantine,
            then ingested, then failed.

        Raises
        ------
        NotImplementedError
            If it gets a path: files are ingested with `ingest`.
        NoTableRun
            If there is no such run, or none to go on with.
        Locked
            If another process or thread carries it out.
        Exception
            What a step raised, as it is, with notes.
        """
        __tracebackhide__ = True
        if isinstance(parameters, (str, os.PathLike)):
            path = str(parameters)
            raise NotImplementedError(
                f"run({path!r}) does not ingest: call pipeline.ingest({path!r}) and then"
                " pipeline.run(), or python -m pypedream ingest FOLDER and then run"
            )
        return super().run(parameters, **request)

    def resume(self, run: Any = None, /, **request: Any) -> Run:
        """Go on with a run, as `run` does; raises as that.

        Parameters
        ----------
        run
            Its id, what `run` returned, or what is known of it. If left out, it is the last one
            that was carried out here; where that is completed or there is none, `run` chooses.
            As ``run_id`` its id may be given by name.
        """
        __tracebackhide__ = True
        if run is not None:
            request["run_id"] = id_of(run)
        elif request.get("run_id") is None:
            request["run_id"] = last_to_go_on(self)
        return self.run(**request)

    def map_runs(self, *_: Any, **__: Any) -> Runs:
        """Raise, as steps change the files of their one run."""
        raise NotImplementedError(
            "steps change the files of one run, so it cannot be carried out for several points:"
            " ingest once for each, or sweep over a pipeline that reads what this one has made"
        )

    def runs(self) -> list[Manifest]:
        """Return what is known of each run below ``.working``, the newest last."""
        return runs_in(self.pipeline_dir)

    def manifest(self, run_id: str | None = None) -> Manifest:
        """Return what is known of a run: its status, files and steps.

        Parameters
        ----------
        run_id
            Which run; the latest if left out.

        Raises
        ------
        NoTableRun
            If there is none.
        """
        if run_id is not None:
            return find_run(self.pipeline_dir, run_id)
        there = runs_in(self.pipeline_dir)
        return there[-1] if there else choose_run(self.pipeline_dir)

    def file(self, name: str, run_id: str | None = None) -> AstroFile:
        """Return a file of a run as it is now, to look at.

        Parameters
        ----------
        run_id
            Which run; the latest if left out.

        Raises
        ------
        NoTableRun
            If there is no run.
        TableRunError
            If it has no such file.
        """
        return file_of(self.pipeline_dir, self.manifest(run_id), name, self._sizes())

    def statistics(self, run_id: str | None = None) -> list[StatRecord]:
        """Return the numbers that a run has noted; of the latest one if *run_id* is left out.

        Raises
        ------
        NoTableRun
            If there is no run.
        """
        from pypedream.tabular.stat_store import StatisticsStore

        return StatisticsStore(self.pipeline_dir).records(self.manifest(run_id).run_id)

    def report(self, run_id: str | None = None) -> RunReport:
        """Return what came of a run: rules, rows and where they went, steps and numbers.

        It is text when it is printed, and tables in a notebook.

        Raises
        ------
        NoTableRun
            If there is no run.
        """
        from pypedream.tabular.run_report import report_of

        return report_of(self.pipeline_dir, self.manifest(run_id).run_id)

    def as_tasks(self) -> TaskPipeline:
        """Return this pipeline as an ordinary one, whose stages may be called one by one.

        A stage ``ingest`` is added that takes in the folder ``source``, and a stage ``finish`` that
        fails if something is left to do. Each stage may be called in a process of its own, as
        Airflow does it; all of them have to see the folder of the pipeline. Exporters ask for this.

        Raises
        ------
        DefinitionError
            If there is a stage of one of these names.
        """
        from pypedream.tabular.as_tasks import TaskPipeline

        return TaskPipeline(self)

    def _register(self, label: str, fn: Any, files: Any, **named: Any) -> None:
        names = [spec.name for spec in self.ingest_files]
        step = step_of(label, fn, files, **named, names=names, before=self._steps)
        if step.kind is StepKind.FILTER:
            step = evolve(step, fn=filtering(step.step_id, fn))
        after = needs_of([*self._steps, step])[step.step_id]
        optional = {spec.name for spec in self.ingest_files if spec.optional}
        is_optional = not optional.isdisjoint(step.file_names)
        self._add(step.step_id, stage_of(step, after, is_optional=is_optional))
        self._steps.append(step)

    def _planned(self, parameters: Mapping[str, Any] | None, request: Mapping[str, Any]) -> Plan:
        return planned(self, parameters, request)

    def _launch(self, plan: Plan, loop: AbstractEventLoop | None = None) -> Launch:
        launch = launched(self, plan, loop)
        self.last_run = launch.run
        return launch

    def _sizes(self) -> Sizes:
        return Sizes(self.large_file_threshold_bytes, self.run_batch_size)


def _folder_of(place: Place | None) -> Path:
    """Return the folder of the file in which a pipeline was made; of a cell the present one."""
    if place is None or is_interactive(place):
        return Path.cwd()
    return Path(place.file).absolute().parent


def _executor(kind: type[Pipeline]) -> dict[str, Any]:
    """Return the options by which steps are called one after the other or side by side."""
    if kind.step_execution_mode != StepExecutionMode.PARALLEL:
        return {}
    usual = min(_MOST_WORKERS, (os.cpu_count() or 1) + _MORE_THAN_PROCESSORS)
    return {"executor": "threads", "workers": kind.max_parallel_workers or usual}
