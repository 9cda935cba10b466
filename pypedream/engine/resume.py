"""Resume: which results of an earlier run still hold.

A stage's result holds when the stage had finished, its value is still there, its code and its
inputs are the same, the parameters that it reads have the same values, and everything it needs
holds as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict

from pypedream import context
from pypedream.engine.calls import code_of, identity_of, read_by
from pypedream.engine.one_shot import read_up_to
from pypedream.engine.past_run import PastRun
from pypedream.engine.problem import Problem
from pypedream.engine.request import plan_for, request_of
from pypedream.engine.reuse import Reuse
from pypedream.engine.views import KeptOutputs
from pypedream.errors import ParameterError, PlanError, StoreError
from pypedream.places import calling_place
from pypedream.store.identity import changes
from pypedream.values import said, short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.engine.links import Link
    from pypedream.engine.plan import Blueprint, Plan
    from pypedream.engine.run import Run, StageRun
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters
    from pypedream.pipeline import Pipeline
    from pypedream.stage import Stage

_FINISHED = ("ok", "reused")


def resume_plan(
    pipeline: Pipeline, run: Run | PastRun | str | None, request: Mapping[str, Any]
) -> Plan:
    """Plan how to go on from a run.

    Parameters
    ----------
    run
        The run, the id of a recorded one, or None for the last one that is recorded.
    request
        What is asked for now; everything else is as it was asked for then.

    Raises
    ------
    PlanError
        If there is no such run, or the pipeline cannot run.
    """
    base = pipeline.blueprint
    if isinstance(run, PastRun):
        request = {"workspace": run.workspace, **request}
        run = run.id
    elif base.has_files and getattr(run, "keeps_results", False):
        request, run = _by_record(run, request)
    if run is None or isinstance(run, str):
        from pypedream.engine.resume_record import recorded_work

        work = recorded_work(pipeline, run, request)
        own = {**pipeline.options, **work.asked.options, "workspace": work.workspace}
        parameters = work.parameters(pipeline.parameters, request)
        again = request_of(None, {**work.asked.selection, **request})
        reuse = partial(work.reuse, again.selection.given)
        return plan_for(again, base, own, parameters=parameters, reuse=reuse)
    if not hasattr(run, "plan"):
        what = f"resume() takes a run or the id of one, not {said(run)}"
        raise PlanError(pipeline.name, [Problem(what, None, "leave it out for the last one")])
    selection = asdict(run.plan.selection, recurse=False)
    asked = {**{name: value for name, value in selection.items() if value}, **request}
    own = asdict(run.plan.options, recurse=False)
    start = carried_over(pipeline.parameters, run)
    return plan_for(request_of(None, asked), base, own, parameters=start, reuse=resuming(run))


def _by_record(run: Any, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return what to go on from where there are files: the record tells what was in them."""
    return {"workspace": run.plan.options.workspace, **request}, run.id


def resuming(run: Run) -> Callable[[Blueprint, Parameters], Reuse]:
    """Return the function that decides what to take over from *run*."""
    return partial(_reuse_from, run)


def carried_over(parameters: Parameters, run: Run) -> Parameters:
    """Take over the values that were set for *run*, as far as the parameters are there.

    Raises
    ------
    PlanError
        If one of them is refused by now.
    """
    return set_again(parameters, run.parameters.settings, run.id, run.pipeline)


def set_again(
    parameters: Parameters, settings: Mapping[str, Any], run: str, pipeline: str
) -> Parameters:
    """Set parameters to what they were set to for the run with this id.

    Raises
    ------
    PlanError
        If a value is refused by now.
    """
    values = {name: value for name, value in settings.items() if name in parameters}
    try:
        return parameters.with_values(values, source=f"run {run}")
    except ParameterError as error:
        problems = [Problem(line, calling_place()) for line in str(error).splitlines()]
        raise PlanError(pipeline, problems) from None


def _reuse_from(
    run: Run, base: Blueprint, parameters: Parameters, changed: tuple[str, ...] = ()
) -> Reuse:
    reuse = Reuse(resumes=run.id)
    reuse.read = read_up_to(run)
    for key in base.order:
        reason = _reason_to_run(run, base.wiring.wires[key], parameters, reuse)
        if key in changed and not reason:
            reason = "what it gave was changed in place since"
        if reason:
            reuse.rerun[key] = reason
            _take_items(run, base.wiring.wires[key], reuse)
            continue
        try:
            reuse.values[key] = run[key]
        except StoreError:
            reuse.rerun[key] = "its kept result cannot be read"
            continue
        outputs = dict(run.outputs[key])
        outputs.pop("return")
        if outputs:
            reuse.mapped[key] = outputs
        reuse.reasons[key] = f"finished in run {run.id}"
    if run.keeps_results:
        _take_what_was_kept(run, base, reuse)
        return reuse
    found = _changed_in_place(run, base, reuse)
    return _reuse_from(run, base, parameters, (*changed, *found)) if found else reuse


def _changed_in_place(run: Run, base: Blueprint, reuse: Reuse) -> list[str]:
    """Return the stages whose values a stage that is to run would get as another has left them."""
    values = run.values_as_given
    if values is None:
        return []
    read = {need for key in reuse.rerun for need in read_by(base.wiring.wires[key])}
    reuse.digests = {key: values.digests.get(key) for key in reuse.values}
    return [key for key in reuse.values if key in read and values.is_changed(key)]


def _take_items(run: Run, wired: Wire, reuse: Reuse) -> None:
    """Take what items of a mapped stage gave that has to be called for others."""
    fan = run.fans.get(wired.key)
    over = None if fan is None else fan.wired.over
    if fan is None or over is None or wired.over is None or over.names != wired.over.names:
        return
    if fan.values and not _code_change(run, wired):
        from pypedream.engine.items_before import ItemsBefore

        reuse.items[wired.key] = ItemsBefore(fan)


def _take_what_was_kept(run: Run, base: Blueprint, reuse: Reuse) -> None:
    """Take what a stage gave from the store where it was changed in place in memory since.

    A stage that failed may have changed what it read: to call it again with that is not to call
    it again.
    """
    from pypedream.engine.result_log import recorded_results
    from pypedream.store.results import Results

    workspace = run.plan.options.workspace
    lines = recorded_results(Path(workspace, "runs", run.id)).lines
    wires = base.wiring.wires
    read = {need for key in reuse.rerun for need in read_by(wires[key])}
    results = Results(workspace, readonly=True)
    try:
        for key in read & reuse.values.keys() & lines.keys():
            line = lines[key]
            if line.key and identity_of(reuse.values[key]) != line.identity:
                found = results.find(line.key)
                if found is not None:
                    reuse.kept[key] = found
                    del reuse.values[key]
                    reuse.mapped.pop(key, None)
    finally:
        results.close()


def _reason_to_run(run: Run, wired: Wire, parameters: Parameters, reuse: Reuse) -> str:
    key = wired.key
    before = run.stages.get(key) if key in run.plan.blueprint.wiring.wires else None
    if before is None:
        return "new since that run"
    lack = _lack(run, before)
    if lack:
        return lack
    for need in wired.needs:
        if need in reuse.rerun:
            return f'needs "{need}", which runs'
    return (
        _stage_change(run.plan.blueprint.wiring.wires[key].stage, wired.stage)
        or _code_change(run, wired)
        or _input_change(run, wired, parameters)
    )


def _lack(run: Run, before: StageRun) -> str:
    """Return why there is no result of a stage to take over, "" if there is one."""
    if before.state not in _FINISHED:
        return f"{before.state} in run {run.id}"
    failed = before.items_failed
    if failed:
        return f"{'1 item' if failed == 1 else f'{failed:,} items'} failed in run {run.id}"
    if before.key not in run:
        return "its result was not kept"
    if isinstance(before.outputs, KeptOutputs):  # to ask would load it, and it is no iterator
        return ""
    is_used_up = isinstance(run[before.key], Iterator)
    return "it gave an iterator, which is used up" if is_used_up else ""


def _stage_change(before: Stage, now: Stage) -> str:
    if not _same(before.output_mapper, now.output_mapper):
        return "output_mapper changed"
    if (before.policy.over, before.policy.collect) != (now.policy.over, now.policy.collect):
        return "over= changed"
    return "" if _still_holds(before.policy.when, now.policy.when) else "when= changed"


def _still_holds(before: Any, now: Any) -> bool:
    """Say whether a condition that held certainly does: it is the same, or there is none."""
    return now is None or _same(before, now)


def _code_change(run: Run, wired: Wire) -> str:
    old = run.code.get(wired.key) or code_of(run.plan.blueprint.wiring.wires[wired.key])
    return ", ".join(changes(old, code_of(wired)))


def _input_change(run: Run, wired: Wire, parameters: Parameters) -> str:
    before = {link.argument: link for link in run.plan.blueprint.wiring.wires[wired.key].links}
    now = {link.argument: link for link in wired.links}
    for name in {**before, **now}:
        if name not in before or name not in now or not _same_link(before[name], now[name]):
            return f'input "{name}" changed'
    for link in (*wired.links, *wired.condition):
        for name in _parameters_read(link, parameters):
            old, new = run.parameters[name], parameters[name]
            if not _same(old, new):
                return f'parameter "{name}" {short(old, 20)} -> {short(new, 20)}'
    return ""


def _same_link(first: Link, second: Link) -> bool:
    if first[:4] != second[:4]:
        return False
    if first.input is None or second.input is None or first.kind in ("stage", "parameter"):
        return True
    one, other = first.input.bind, second.input.bind
    return _same(one.source, other.source) and _same(one.mapper, other.mapper)


def _parameters_read(link: Link, parameters: Parameters) -> list[str]:
    """Names of the parameters that a link may read; an opaque mapper may read each of them."""
    if link.kind == "parameter":
        return [link.name] if link.name in parameters else []
    if link.input is not None and link.input.bind.source is context.PARAMETERS:
        return [name for name in parameters if name not in parameters.missing]
    return []


def _same(first: Any, second: Any) -> bool:
    """Equal as far as can be told: for ``==``, 1 and True are, and 0.0 and -0.0."""
    return first is second or identity_of(first) == identity_of(second) != ""
