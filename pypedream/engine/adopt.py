"""Adopt: say that a stage is what another one was, so that its kept result goes on to count.

A stage that was renamed, or whose code was written otherwise without another meaning, has another
fingerprint. Whoever knows that it gives the same may say so, instead of computing it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.engine.explain import differences
from pypedream.engine.problem import Problem
from pypedream.engine.request import plan_for, request_of
from pypedream.engine.result_log import latest_results
from pypedream.errors import PlanError
from pypedream.names import did_you_mean, there_are
from pypedream.places import from_here
from pypedream.store.results import Results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.calls import Call
    from pypedream.engine.plan import Plan
    from pypedream.engine.result_log import ResultLine
    from pypedream.pipeline import Pipeline


def adopt(pipeline: Pipeline, stage: str, was: str, request: Mapping[str, Any]) -> str:
    """Let the last result of *was* be that of *stage* as it is now.

    Returns
    -------
    The id of the run in which it was computed.

    Raises
    ------
    PlanError
        If there is no such stage or result, or if that was computed from other inputs.
    """
    plan = plan_for(
        request_of(None, {"cache": "cached", **request}), pipeline.blueprint, pipeline.options
    )
    call = _call_of(plan, stage)
    workspace = plan.options.workspace
    lines = [line for line in latest_results(workspace, plan.pipeline) if line.stage == was]
    if not lines:
        raise _refused(plan, f'no result of a stage "{was}" is recorded in {from_here(workspace)}')
    same = [line for line in lines if line.key and _have_same_inputs(line.call, call)]
    if not same:
        raise _refused(plan, _other_inputs(lines[0], call, stage))
    results = Results(workspace)
    try:
        for line in same:
            found = results.find(line.key)
            if found is not None:
                results.keep_as(call.key, found, {"stage": stage, "adopted_from": was})
                return str(found.about.get("run", line.run))
    finally:
        results.close()
    raise _refused(plan, f'the result of "{was}" is kept no more')


def _call_of(plan: Plan, stage: str) -> Call:
    wires, calls = plan.blueprint.wiring.wires, plan.reuse.calls
    assert calls is not None
    if stage not in wires:
        near = did_you_mean(stage, wires)
        raise _refused(plan, f'no stage "{stage}"{near}', "" if near else there_are(wires))
    for need in wires[stage].needs:
        if plan.stages[need].decision == "run":
            what = f'stage "{stage}" reads "{need}", which has no kept result'
            raise _refused(plan, what, f'adopt or run "{need}" first')
    call = calls.of(wires[stage])
    if not call.key:
        raise _refused(plan, f'stage "{stage}" has no fingerprint: {call.unknown}')
    return call


def _have_same_inputs(one: Call, other: Call) -> bool:
    both = one.inputs.keys() & other.inputs.keys()
    if any(one.inputs[name].digest != other.inputs[name].digest for name in both):
        return False
    return _inputs(one) == _inputs(other)


def _inputs(call: Call) -> list[str]:
    """Return what a call was given; under which names is a matter of its code."""
    return sorted(told.digest for told in call.inputs.values())


def _other_inputs(line: ResultLine, call: Call, stage: str) -> str:
    inputs = [words for words in differences(line.call, call) if words.startswith(_OF_INPUTS)]
    listed = ", ".join(inputs) or "it took other arguments"
    return f'the result of "{line.stage}" is not of the inputs that "{stage}" has: {listed}'


_OF_INPUTS = ("parameter ", "stage ", "output ", "input ", "the definition", "context.")


def _refused(plan: Plan, what: str, hint: str = "") -> PlanError:
    return PlanError(plan.pipeline, [Problem(what, None, hint)])
