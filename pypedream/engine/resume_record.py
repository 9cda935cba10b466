"""Resume from a record: go on with a run of which only the workspace is left.

The process that ran it failed, was interrupted or killed, or is simply another one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from attrs import define

from pypedream.engine.asked_before import AskedBefore, asked_before, is_whole
from pypedream.engine.calls import Calls, identity_of, read_by, unlike_any
from pypedream.engine.explain import differences, why_lost
from pypedream.engine.history import UNKNOWN, gone_on_from, recorded_run, recorded_runs
from pypedream.engine.options import ENVIRONMENT
from pypedream.engine.problem import Problem
from pypedream.engine.result_log import recorded_results
from pypedream.engine.resume import set_again
from pypedream.engine.reuse import Reuse
from pypedream.errors import PlanError, StoreError
from pypedream.store.results import Results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.history import RecordedRun
    from pypedream.engine.plan import Blueprint
    from pypedream.engine.result_log import ResultLine
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters
    from pypedream.pipeline import Pipeline
    from pypedream.store.results import Result


@define(eq=False)
class RecordedWork:
    """What is left of a run in its workspace.

    Attributes
    ----------
    run
        Its record.
    lines
        What is written down of each stage that finished, in it or in a run that it goes on from.
    runs
        The ids of all these runs.
    asked
        What it was asked to do.
    """

    run: RecordedRun
    workspace: str | os.PathLike[str]
    lines: Mapping[str, ResultLine]
    runs: frozenset[str]
    asked: AskedBefore

    @classmethod
    def of(cls, workspace: str | os.PathLike[str], pipeline: str, name: str | None) -> RecordedWork:
        """Return what is left of a run.

        Parameters
        ----------
        name
            Its id or the beginning of it; None means the last one of the pipeline.

        Raises
        ------
        StoreError
            If there is no such run, or it is not over yet.
        """
        run = recorded_run(workspace, name) if name else _last(workspace, pipeline)
        if run.pipeline != pipeline:
            raise StoreError(f'run {run.id} is of pipeline "{run.pipeline}", not of "{pipeline}"')
        if run.state == "running":
            raise StoreError(f"run {run.id} is still running: wait for it or stop it first")
        if not is_whole(run.asked):
            raise _damaged(run)
        results = Results(workspace, readonly=True)
        try:
            asked = asked_before(run.asked, run.id, results)
        finally:
            results.close()
        # What a run takes over is written down when it has started; it may be killed before.
        runs = list(gone_on_from(run))
        lines: dict[str, ResultLine] = {}
        for one in reversed(runs):
            lines.update(recorded_results(one.folder).lines)
        return cls(run, workspace, lines, frozenset(one.id for one in runs), asked)

    def parameters(self, parameters: Parameters, request: Mapping[str, Any]) -> Parameters:
        """Set parameters to what they were set to for the run.

        Raises
        ------
        PlanError
            If a value is refused by now, or is neither kept nor in *request*.
        """
        start = parameters.with_environment(os.environ)
        told = {*request, *request.get("given", {})}
        lost = {
            name: reason
            for name, reason in self.asked.lost.items()
            if name not in told and not (name in self.asked.hidden and _has_default(name, start))
        }
        problems = [
            Problem(f'the value of "{name}" in run {self.run.id} {reason}', None, "give it again")
            for name, reason in lost.items()
        ]
        if problems:
            raise PlanError(self.run.pipeline, problems)
        return set_again(start, self.asked.values, self.run.id, self.run.pipeline)

    def reuse(self, given: Mapping[str, Any], base: Blueprint, parameters: Parameters) -> Reuse:
        """Decide which of its results are taken over.

        Parameters
        ----------
        given
            From stage to the value that is taken in its place.
        """
        calls = Calls(parameters, stages=base.definition.stages)
        calls.digests.update(
            {key: identity_of(value) or unlike_any() for key, value in given.items()}
        )
        results = Results(self.workspace, readonly=True)
        if base.has_files:
            calls.look_at_files(results.store)
        try:
            return self._reuse(results, base, calls)
        finally:
            results.close()

    def _reuse(self, results: Results, base: Blueprint, calls: Calls) -> Reuse:
        reuse = Reuse(resumes=self.run.id)
        for key in base.order:
            if key in calls.digests:
                continue
            wired = base.wiring.wires[key]
            reason = next(
                (f'needs "{one}", which runs' for one in read_by(wired) if one in reuse.rerun), ""
            )
            if not reason:
                found = self._finished(wired, calls, results)
                if not isinstance(found, str):
                    calls.digests[key] = found.identity
                    reuse.kept[key] = found
                    reuse.reasons[key] = f"finished in run {self.run.id}"
                    continue
                reason = found
            reuse.rerun[key] = reason
        return reuse

    def _finished(self, wired: Wire, calls: Calls, results: Results) -> Result | str:
        """Return what a stage gave in the run, or why that does not hold."""
        call = calls.of(wired)
        line = self.lines.get(wired.key)
        if line is None:
            # its line may be lost, or torn when the process was killed
            found = results.find(call.key) if call.key else None
            is_of_it = found is not None and found.about.get("run") in self.runs
            if found is not None and is_of_it and not calls.lost(wired, found):
                return found
            return f"did not finish in run {self.run.id}"
        changed = ", ".join(differences(line.call, call))
        if changed:
            return changed
        kept = results.find(line.key) if line.key else None
        if kept is None:
            return "its result is kept no more"
        lost = calls.lost(wired, kept)
        return why_lost(lost) if lost else kept


def _has_default(name: str, parameters: Parameters) -> bool:
    return name in parameters and name not in parameters.missing


def recorded_work(pipeline: Pipeline, name: str | None, request: Mapping[str, Any]) -> RecordedWork:
    """Return what is left of a run of *pipeline*, in the workspace that is asked for.

    Raises
    ------
    PlanError
        If there is no workspace, or no such run in it.
    """
    workspace = (
        request.get("workspace")
        or pipeline.options.get("workspace")
        or os.environ.get(f"{ENVIRONMENT}WORKSPACE")
        or pipeline.blueprint.state
    )
    if not workspace:
        hint = "run() first" if name is None else "say where it is recorded: workspace=..."
        what = "there is no run to resume" if name is None else f'no run "{name}" is in memory'
        raise PlanError(pipeline.name, [Problem(what, None, hint)])
    try:
        return RecordedWork.of(workspace, pipeline.name, name)
    except StoreError as error:
        raise PlanError(pipeline.name, [Problem(str(error))]) from error


def _last(workspace: str | os.PathLike[str], pipeline: str) -> RecordedRun:
    for run in recorded_runs(workspace):
        if run.pipeline == pipeline:
            return run
        if run.pipeline == UNKNOWN:
            raise _damaged(run)
    raise StoreError(f'no run of pipeline "{pipeline}" is recorded in {workspace}')


def _damaged(run: RecordedRun) -> StoreError:
    what = f"what run {run.id} was asked to do cannot be read: {run.folder} is damaged"
    return StoreError(f'{what}; name another run, resume("..."), or begin anew, run()')
