"""Pipeline: a named table of stages, with the parameters and variables that they read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pypedream._lazy import export, shown_as, view
from pypedream.engine.table import StageTable, has_params, named_stages
from pypedream.errors import DefinitionError, PipelineConfigError
from pypedream.parameters.given import as_parameters, as_variables
from pypedream.places import calling_place
from pypedream.stage import Stage, may_name_files
from pypedream.values import said

if TYPE_CHECKING:
    import os
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Mapping

    from pypedream.engine.at_rest import Rest
    from pypedream.engine.carry_out import Launch
    from pypedream.engine.handle import RunHandle
    from pypedream.engine.links import Definition
    from pypedream.engine.past_run import PastRun
    from pypedream.engine.plan import Blueprint, Plan
    from pypedream.engine.run import Run
    from pypedream.engine.runs import Runs
    from pypedream.export.airflow.exporting import WrittenDag
    from pypedream.export.module import Written
    from pypedream.export.prefect.exporting import WrittenFlow
    from pypedream.files.stage_files import StageFiles
    from pypedream.inputs import Input
    from pypedream.parameters import Parameters, Variables
    from pypedream.parameters.given import Settings
    from pypedream.protocols import OutputMapper
    from pypedream.view.form import Form

F = TypeVar("F", bound="Callable[..., Any]")


class Pipeline:
    """A named table of stages with parameters and variables; running it changes nothing in it.

    Parameters
    ----------
    name
        What logs and views call it.
    parameters
        What may be set before a run: `Parameters`, or an attrs class, a dataclass or a pydantic
        model; an instance of one gives the defaults.
    stages
        From key to `Stage`, or to a plain function.
    variables
        What stages may change while they run.
    workspace
        Folder for the records of runs; None writes nothing. A relative one is below the folder that
        is the current one now, and stays there.
    options
        Fields of `pypedream.engine.options.Options` that hold for every run of this pipeline.

    Raises
    ------
    DefinitionError
        If a stage is neither a `Stage` nor a function, or an option is unknown or wrong.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline
    >>> flow = Pipeline("mean", Parameters.define(numbers=[1, 2, 6]))
    >>> @flow.stage
    ... def total(numbers):
    ...     return sum(numbers)
    >>> @flow.stage
    ... def mean(total, numbers):
    ...     return total / len(numbers)
    >>> flow.run()["mean"]
    3.0
    """

    def __init__(
        self,
        name: str = "pipeline",
        parameters: Parameters | Settings | None = None,
        stages: Mapping[str, Stage | Callable[..., Any]] | None = None,
        *,
        variables: Variables | None = None,
        workspace: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(name, str):
            raise DefinitionError(
                "the first argument of a pipeline is its name, not a value of type"
                f" {type(name).__name__} ({calling_place()})"
            )
        self.name = name
        self.parameters = as_parameters(parameters)
        self.variables = as_variables(variables)
        where = {} if workspace is None else {"workspace": workspace}
        self.options = _own_options({**options, **where}, name)
        self.last_run: Run | None = None
        self.last_runs: Runs | None = None
        self._table = StageTable(name)
        self._blueprint: Blueprint | None = None
        self._place = calling_place()
        for key, stage in named_stages(stages).items():
            one = stage if isinstance(stage, Stage) else Stage(stage, name=key)
            self._add(key, self._with_files(one))

    @property
    def stages(self) -> Mapping[str, Stage]:
        """From key to stage, each with an explicit Input for every argument that is bound."""
        from pypedream.engine.explicit import ExplicitStages

        return ExplicitStages(self._definition())

    @overload
    def stage(self, function: F, /) -> F: ...

    @overload
    def stage(
        self,
        function: F,
        /,
        *,
        inputs: Iterable[Input] = (),
        output_mapper: OutputMapper | None = None,
        name: str | None = None,
        **policy: Any,
    ) -> F: ...

    @overload
    def stage(
        self,
        name: str | None = None,
        /,
        *,
        inputs: Iterable[Input] = (),
        output_mapper: OutputMapper | None = None,
        **policy: Any,
    ) -> Callable[[F], F]: ...

    def stage(
        self,
        function_or_name: Any = None,
        /,
        *,
        inputs: Iterable[Input] = (),
        output_mapper: OutputMapper | None = None,
        name: str | None = None,
        **policy: Any,
    ) -> Any:
        """Add a function as a stage, as a decorator or directly; the function stays as it is.

        ``@flow.stage``, ``@flow.stage("name", retries=2)`` and ``flow.stage(fn, name="x")`` all
        work, and one function may become several stages.

        Parameters
        ----------
        function_or_name
            The function or a `Stage`, or the key of the stage (else the function's name).
        inputs, output_mapper, policy
            As for `Stage`.
        """
        if isinstance(function_or_name, Stage):
            self._add(name or function_or_name.name, self._with_files(function_or_name))
            return function_or_name
        if function_or_name is not None and not isinstance(function_or_name, str):
            return self._add_function(name, inputs, output_mapper, policy, function_or_name)
        return partial(self._add_function, function_or_name or name, inputs, output_mapper, policy)

    def register(
        self,
        function: F,
        /,
        *,
        name: str | None = None,
        params: Any = None,
        dep_path_overrides: Mapping[str, Any] | None = None,
        out_path_overrides: Mapping[str, Any] | None = None,
        matrix: Mapping[str, Any] | None = None,
        **policy: Any,
    ) -> F:
        """Add a function whose annotations say which files it reads and writes.

        Parameters
        ----------
        function
            The function, as it is; it can be called with values as before.
        name
            The key of the stage, as "train" or "train@small"; the function's name if left out.
        params
            The parameters of the stage, an instance of the class that an argument is annotated
            with. They are set as a group of the pipeline's parameters that is called like the
            stage: ``run({"train.rate": 0.2})``, ``-p train.rate=0.2``, or in ``params.yaml``.
        dep_path_overrides, out_path_overrides
            Other paths than the annotations have, by argument and by field of what is returned.
        matrix
            By name a list of values: there is a stage for each combination, "train@bert_0.1". A
            value fills ``{name}`` in paths, the field of the parameters that is called so, or the
            argument. Values that are no texts or numbers are given by name: a dict.
        policy
            As for `Stage`.

        Raises
        ------
        PipelineConfigError
            With one line for each mistake in the annotations, or if there is such a stage.
        """
        stage = Stage(function, name=name, **policy)
        from pypedream.files.project import files_of_stage

        own = (params, dep_path_overrides, out_path_overrides)
        files = files_of_stage(stage, self._place, *own, pipeline=self.name)
        if matrix is not None:
            self._add_variants(stage, files, matrix)
        else:
            self._add(stage.name, stage if files is None else stage.with_files(files))
        return function

    def _add_variants(self, stage: Stage, files: StageFiles | None, matrix: Any) -> None:
        """Add a stage for each combination of values; none if anything is wrong."""
        from pypedream.engine.variants import variants_of

        try:
            made = variants_of(stage, files, matrix)
        except PipelineConfigError as error:
            lines = (f"{line} ({calling_place()})" for line in str(error).splitlines())
            raise PipelineConfigError("\n".join(lines)) from None
        for number, each in enumerate(made):
            try:
                self._add(each.name, each)
            except PipelineConfigError:
                for other in made[:number]:
                    self.remove(other.name)
                raise

    def remove(self, key: str) -> None:
        """Take a stage out, as after it was renamed in a notebook cell.

        Raises
        ------
        PipelineConfigError
            If there is no such stage; the nearest is named.
        """
        before = self._table.stages.get(key)
        self._table.remove(key)
        if before is not None and before.files is not None:
            self._take_params(key, None, before)
        self._blueprint = None

    def include(self, other: Pipeline, *, prefix: str | None = None) -> None:
        """Take in all stages, parameters and variables of another pipeline, as it is now.

        Parameters
        ----------
        prefix
            What stands before the names of the other pipeline, with a dot: "bronze.load". Names
            that its stages use still mean its own first, then those of this pipeline.

        Raises
        ------
        PipelineConfigError
            If a name is there already, or a pipeline is to include itself. Nothing is taken in
            then.
        """
        from pypedream.parameters.including import with_parameters_of, with_variables_of

        self._refuse_include(other, prefix)
        scope = prefix or ""
        try:
            parameters = with_parameters_of(self.parameters, other.parameters, scope)
            variables = with_variables_of(self.variables, other.variables, scope)
        except PipelineConfigError as error:
            raise PipelineConfigError(f"{error} ({calling_place()})") from None
        self.parameters, self.variables = parameters, variables
        self._table.include(other._table, scope)
        self._blueprint = None

    def plan(
        self,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        only: str | Iterable[str] | None = None,
        until: str | Iterable[str] | None = None,
        from_: str | Iterable[str] | None = None,
        tags: str | Iterable[str] | None = None,
        given: Mapping[str, Any] | None = None,
        **options_or_parameters: Any,
    ) -> Plan:
        """Decide what a run with the same arguments will do; nothing is called or written.

        Parameters
        ----------
        parameters
            Values by name; needed only for a parameter that bears the name of an option.
        only
            Stages to run, and no others.
        until
            Stages to run, with all that they need.
        from_
            Stages to run, with all that needs them.
        tags
            Run the stages that bear one of these tags.
        given
            From stage to the value to take in place of calling it.
        options_or_parameters
            Options by name (executor, workers, on_error, ...); every other name is a parameter.

        Raises
        ------
        PlanError
            If anything is wrong; the error lists every mistake, each with its place.
        """
        selection = {"only": only, "until": until, "from_": from_, "tags": tags, "given": given}
        return self._planned(parameters, {**selection, **options_or_parameters})

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        only: str | Iterable[str] | None = None,
        until: str | Iterable[str] | None = None,
        from_: str | Iterable[str] | None = None,
        tags: str | Iterable[str] | None = None,
        given: Mapping[str, Any] | None = None,
        **options_or_parameters: Any,
    ) -> Run:
        """Run the stages in order and return their results; arguments as for `plan`.

        Raises
        ------
        PlanError
            If anything is wrong before the run; nothing was called then.
        Exception
            What a stage raised, as it is, with notes that say which stage, what it was called
            with and how to go on. With ``on_error="continue"`` the run is returned instead.
        """
        __tracebackhide__ = True
        plan = self.plan(
            parameters,
            only=only,
            until=until,
            from_=from_,
            tags=tags,
            given=given,
            **options_or_parameters,
        )
        run = self._launch(plan).show().carry_out()
        error = _raised_by(run)
        if error is not None:
            raise error
        return run

    def map_runs(
        self,
        parameters: Iterable[Mapping[str, Any]] | None = None,
        /,
        *,
        at_once: int = 1,
        results: str | Iterable[str] | None = None,
        **options_or_parameters: Any,
    ) -> Runs:
        """Run once for each point of a sweep, as one batch with a table of results.

        Each is a run of its own, with its id and its record. After one that failed the others go
        on, unless ``on_error="stop"``. With a workspace and ``cache="cached"`` results that runs
        share are computed once, and a sweep that was stopped goes on where it was.

        Parameters
        ----------
        parameters
            For each run a mapping of parameters: a list, or what `pypedream.sweep` makes.
        at_once
            How many runs go on at the same time, each in a thread.
        results
            Which results the table is to show: names of stages, with a dot for what is within
            ("model.auc"). None means numbers, short texts and the like.
        options_or_parameters
            As for `run`; a parameter that is named here is the same in all runs.

        Returns
        -------
        The runs in the order of the points. While they go on, and after Ctrl-C or an exception,
        they are in `last_runs`.

        Raises
        ------
        PlanError
            With every mistake of every point; nothing was called then.
        KeyboardInterrupt
            After Ctrl-C: no run starts any more, and those under way have ended.
        Exception
            With ``on_error="stop"``, what a stage raised, when the runs under way have ended.

        Examples
        --------
        >>> from pypedream import Parameters, Pipeline, sweep
        >>> flow = Pipeline("loss", Parameters.define(rate=0.1, depth=1))
        >>> @flow.stage
        ... def loss(rate, depth):
        ...     return (rate - 0.2) ** 2 + depth
        >>> runs = flow.map_runs(sweep.grid(rate=[0.1, 0.2, 0.3], depth=[1, 2]))
        >>> runs.best("loss", minimize=True).parameters.as_dict()
        {'rate': 0.2, 'depth': 1}
        >>> [row["loss"] for row in runs.table()][:2] == [1.01, 2.01]
        True
        """
        __tracebackhide__ = True
        from pypedream.engine.sweep import sweep

        return sweep(self, parameters, at_once, results, options_or_parameters)

    def history(self, *, workspace: str | os.PathLike[str] | None = None) -> Runs:
        """Return the runs of this pipeline that its workspace has a record of, the newest last.

        Parameters, states and times are read now, from the records alone; the value of a stage is
        loaded when it is asked for: ``history()[-1]["score"]``, ``.table(results=["score"])``.

        Parameters
        ----------
        workspace
            Where to look; by default the workspace of the pipeline, or ``PYPEDREAM_WORKSPACE``.

        Raises
        ------
        StoreError
            If there is no workspace, or it cannot be read.
        """
        from pypedream.engine.past_runs import past_runs

        return past_runs(self, workspace)

    async def arun(self, parameters: Mapping[str, Any] | None = None, /, **request: Any) -> Run:
        """Run the stages while the caller's event loop goes on; arguments as for `run`.

        Async stages run on the caller's loop, the others in a thread of the run.
        """
        __tracebackhide__ = True
        from asyncio import get_running_loop

        plan = self._planned(parameters, request)
        launch = self._launch(plan, get_running_loop()).show(at_once=True)
        run = await launch.carry_out_async()
        error = _raised_by(run)
        if error is not None:
            raise error
        return run

    def start(self, parameters: Mapping[str, Any] | None = None, /, **request: Any) -> RunHandle:
        """Start a run that goes on in a thread, and return at once; arguments as for `run`.

        Returns
        -------
        A handle to wait for the run, to pause or to cancel it; ``handle.run`` is the run.

        Raises
        ------
        PlanError
            If anything is wrong before the run; nothing was called then.
        """
        from pypedream.engine.handle import RunHandle

        plan = self._planned(parameters, request)
        handle = RunHandle(self._launch(plan).show(at_once=True))
        handle.start()
        return handle

    def form(self, parameters: Mapping[str, Any] | None = None, /, **request: Any) -> Form:
        """Return a form of the parameters, with buttons to plan and to run; for Jupyter.

        It needs ipywidgets, the extra "notebook"; without them it says so, with the code to write.

        Parameters
        ----------
        parameters
            Values to begin with, by name.
        request
            As for `run`. A parameter that is named here begins with that value.

        Raises
        ------
        PlanError
            If a value to begin with is not accepted.

        Examples
        --------
        >>> from pypedream import Parameters, Pipeline
        >>> flow = Pipeline("loss", Parameters.define(rate=0.1, depth=1))
        >>> form = flow.form(rate=0.2)
        >>> form.values
        {'rate': 0.2, 'depth': 1}
        >>> print(form.code)
        pipeline.run(rate=0.2)
        """
        __tracebackhide__ = True
        form: Form = view("form").form_of(self, parameters, request)
        return form

    def resume(self, run: Run | PastRun | str | None = None, /, **request: Any) -> Run:
        """Go on after a failure: run what failed or changed, and all that depends on it.

        Stages that had finished are not called again, as long as their code, their inputs and
        the parameters that they read are the same.

        Parameters
        ----------
        run
            The run to go on from, or the id of one that the workspace has a record of, whatever
            became of its process. If left out it is the last one of this pipeline.
        request
            As for `run`. Parameters that are not named keep the values of that run.

        Raises
        ------
        PlanError
            If there is no run to go on from, or the pipeline cannot run.
        """
        __tracebackhide__ = True
        from pypedream.engine.resume import resume_plan

        earlier = run if run is not None else self.last_run
        resumed = self._launch(resume_plan(self, earlier, request)).show().carry_out()
        error = _raised_by(resumed)
        if error is not None:
            raise error
        return resumed

    def adopt(self, stage: str, /, was: str | None = None, **request: Any) -> str:
        """Say that a stage gives what it gave before it was renamed or written otherwise.

        The last result that is kept for it, or for the stage *was*, then counts as that of the
        stage as it is now; so what depends on it need not be computed again either.

        Parameters
        ----------
        stage
            The stage as it is called now.
        was
            What it was called; by default the same.
        request
            Parameters and options, as for `run`.

        Returns
        -------
        The id of the run in which that result was computed.

        Raises
        ------
        PlanError
            If there is no such result, or if it was computed from other inputs.
        """
        from pypedream.engine.adopt import adopt

        return adopt(self, stage, was or stage, request)

    def to_module(
        self,
        path: str | os.PathLike[str],
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        check: bool = True,
        overwrite: bool = False,
        **request: Any,
    ) -> Written:
        """Write the pipeline as a module of its own, with exactly what its stages need.

        The text is yours, comments included: the imports, constants, helpers and classes that the
        fingerprints count, the parameters, the pipeline and its stages. Values of secrets are not
        written.

        Parameters
        ----------
        path
            The file, "flow.py". One that is there is replaced if nobody has changed it since it
            was written like this.
        parameters, request
            As for `run`, for the proof.
        check
            Whether both are run, the module in a fresh interpreter, to prove that each stage
            gives what it gives here. With ``False`` nothing is called.
        overwrite
            Whether a file that is someone's work may be replaced.

        Returns
        -------
        What was written, and what the proof found.

        Raises
        ------
        ExportError
            If something cannot be written, with all reasons, or if the proof fails. Nothing is
            written then.
        """
        __tracebackhide__ = True
        written: Written = export("module").to_module(
            self, path, parameters, check=check, overwrite=overwrite, **request
        )
        return written

    def to_airflow(
        self,
        path: str | os.PathLike[str],
        *,
        schedule: str | None = None,
        store: str | None = None,
        group_as_task: str | Iterable[str] = (),
        map_chunk: int | None = None,
        project_root: str | os.PathLike[str] | None = None,
        dag_id: str | None = None,
        overwrite: bool = False,
    ) -> WrittenDag:
        """Write the pipeline as a DAG file for Airflow 2.9 and later, and 3.x.

        The file has a task for each stage, with its edges, parameters and policy, and imports
        nothing but Airflow. Each task imports the pipeline where it runs and has its stage called
        by pypedream, so a module has to have the pipeline. Nothing is called to write it.

        Parameters
        ----------
        path
            The file, "dags/flow.py". One that is there is replaced if nobody has changed it since
            it was written like this.
        schedule
            When it runs by itself: "@daily" or a cron expression. None never does.
        store
            Folder or URL where values are kept between tasks that are too large, or not of a kind,
            for Airflow's database. It has to be the same for all workers.
        group_as_task
            Prefixes of included pipelines whose stages are one task together.
        map_chunk
            How many items of a mapped stage are one task. None makes a task of each, or so many
            that Airflow allows them.
        project_root
            A folder that workers import from, if it is not installed there. The file names it as
            seen from itself.
        dag_id
            What Airflow calls it; by default the name of the pipeline, in the letters of ids.
        overwrite
            Whether a file that is someone's work may be replaced.

        Returns
        -------
        What was written, and what is to be known before it runs in Airflow.

        Raises
        ------
        ExportError
            If it cannot run there, with all reasons. Nothing is written then.
        PlanError
            With all mistakes in the pipeline.
        """
        __tracebackhide__ = True
        written: WrittenDag = export("airflow.exporting").to_airflow(
            self,
            path,
            schedule=schedule,
            store=store,
            group_as_task=group_as_task,
            map_chunk=map_chunk,
            project_root=project_root,
            dag_id=dag_id,
            overwrite=overwrite,
        )
        return written

    def to_prefect(
        self,
        path: str | os.PathLike[str],
        *,
        store: str | None = None,
        group_as_task: str | Iterable[str] = (),
        map_chunk: int | None = None,
        project_root: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
    ) -> WrittenFlow:
        """Write the pipeline as a flow file for Prefect 3.

        The file has a flow with the parameters as typed arguments and a task for each stage, and
        imports nothing but Prefect. Each task imports the pipeline where it runs and has its stage
        called by pypedream, so a module has to have the pipeline. Nothing is called to write it.

        Parameters
        ----------
        path
            The file, "flow.py". One that is there is replaced if nobody has changed it since it
            was written like this.
        store
            Folder or URL where values are kept between tasks. None hands them over in memory, or
            as the task runner of Prefect carries what tasks return.
        group_as_task
            Prefixes of included pipelines whose stages are one task together.
        map_chunk
            How many items of a mapped stage are one task. None makes a task of each, or as many
            items a task as make 1024 tasks.
        project_root
            A folder that the flow imports from, if it is not installed there. The file names it
            as seen from itself.
        overwrite
            Whether a file that is someone's work may be replaced.

        Returns
        -------
        What was written, and what is to be known before it runs in Prefect.

        Raises
        ------
        ExportError
            If it cannot run there, with all reasons. Nothing is written then.
        PlanError
            With all mistakes in the pipeline.
        """
        __tracebackhide__ = True
        written: WrittenFlow = export("prefect.exporting").to_prefect(
            self,
            path,
            store=store,
            group_as_task=group_as_task,
            map_chunk=map_chunk,
            project_root=project_root,
            overwrite=overwrite,
        )
        return written

    def __repr__(self) -> str:
        return f"<Pipeline {self.name!r} with {len(self._table.stages)} stages>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def _planned(self, parameters: Mapping[str, Any] | None, request: Mapping[str, Any]) -> Plan:
        from pypedream.engine.request import plan_for, request_of

        return plan_for(request_of(parameters, request), self.blueprint, self.options)

    def _launch(self, plan: Plan, loop: AbstractEventLoop | None = None) -> Launch:
        from pypedream.engine.carry_out import Launch

        launch = Launch(plan, self, loop)
        self.last_run = launch.run
        return launch

    @property
    def blueprint(self) -> Blueprint:
        """The pipeline wired, checked and put in order; made once, however often it runs."""
        made = self._blueprint
        if (
            made is None
            or made.definition.parameters is not self.parameters
            or made.definition.variables is not self.variables
        ):
            if any(map(has_params, self._table.stages.values())):
                from pypedream.files.stage_groups import missing_groups

                self.parameters = missing_groups(self.parameters, self._table.stages)
            from pypedream.engine.plan import blueprint

            self._blueprint = made = blueprint(self._definition())
        return made

    @property
    def rest(self) -> Rest:
        """The pipeline as it is now, to see quickly that it has nothing to do."""
        from pypedream.engine.at_rest import Rest

        file = "" if self._place is None else self._place.file
        return Rest(self.name, self._table, self.parameters, self.variables, self.options, file)

    def _definition(self) -> Definition:
        from pypedream.engine.links import Definition

        stages, scopes = dict(self._table.stages), dict(self._table.scopes)
        own = (self.name, stages, self.parameters, self.variables, scopes, self._place)
        return Definition(*own, self._table.has_files)

    def _refuse_include(self, other: Pipeline, prefix: str | None) -> None:
        what = ""
        if other is self:
            what = f'pipeline "{self.name}" cannot include itself'
        elif not isinstance(other, Pipeline):
            what = f'pipeline "{self.name}" can include a Pipeline, not {said(other)}'
        elif prefix and not all(part.strip() for part in prefix.split(".")):
            what = f'prefix="{prefix}" is no name: dots are put between names, not around them'
        else:
            clash = self._table.clash_with(other._table, prefix or "")
            if clash is not None:
                near = "another" if prefix else "a"
                what = (
                    f'pipeline "{self.name}": stage "{clash}" already exists: include'
                    f' "{other.name}" with {near} prefix, or give one of them another name=...'
                )
        if what:
            raise PipelineConfigError(f"{what} ({calling_place()})")

    def _add_function(
        self,
        name: str | None,
        inputs: Iterable[Input],
        output_mapper: OutputMapper | None,
        policy: dict[str, Any],
        function: F,
    ) -> F:
        stage = Stage(function, inputs, output_mapper, name=name, **policy)
        try:
            is_annotated = function.__annotations__
        except Exception:  # noqa: BLE001 - a name is not there, or it is no plain function
            is_annotated = {"return": None}
        if is_annotated and may_name_files(function):
            stage = self._with_files(stage)
        self._add(stage.name, stage)
        return function

    def _with_files(self, stage: Stage) -> Stage:
        """Return a stage with what its annotations say that it reads and writes, if anything."""
        if stage.files is not None or not may_name_files(stage.function):
            return stage
        from pypedream.files.project import files_of_stage

        files = files_of_stage(stage, self._place, pipeline=self.name)
        return stage if files is None else stage.with_files(files)

    def _add(self, key: Any, stage: Stage) -> None:
        self._blueprint = None
        if stage.files is None and not self._table.has_files:
            self._table.add(key, stage)
            return
        before = self._table.stages.get(key) if isinstance(key, str) else None
        self._table.add(key, stage)
        self._take_params(key, stage, before)

    def _take_params(self, key: str, stage: Stage | None, before: Stage | None) -> None:
        """Let the parameters of a stage be a group of those of the pipeline."""
        if not any(map(has_params, (stage, before))):
            return
        from pypedream.files.stage_groups import with_stage_params, without_stage_params

        self.parameters = without_stage_params(self.parameters, key, before)
        if stage is not None:
            try:
                self.parameters = with_stage_params(self.parameters, key, stage)
            except PipelineConfigError as error:
                self._table.remove(key)
                raise PipelineConfigError(f"{error} ({calling_place()})") from None


def _own_options(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the options of a pipeline; what options there are is loaded where some are given."""
    if not given:
        return {}
    from pypedream.engine.options import own_options

    return own_options(given, name)


def _raised_by(run: Run) -> BaseException | None:
    """Return what the caller of a run is to see raised; None when the run itself is the answer."""
    if run.state == "ok":
        return None
    from pypedream.engine.failure import raised_by

    return raised_by(run)
