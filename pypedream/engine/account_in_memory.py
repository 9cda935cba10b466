"""The account of a run that is still in memory.

If it has recorded what its stages gave, the record is read, as it knows the code as it was. Else
the code and the values are looked at as they are now.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pypedream.engine.account import (
    CALLED,
    DONE,
    Account,
    RunHead,
    StageAccount,
    environment_with,
    flat,
    options_in,
    spoken,
)
from pypedream.engine.account_recorded import recorded_account
from pypedream.engine.asked_before import asked_of
from pypedream.engine.calls import Calls, identity_of
from pypedream.engine.environment import environment, environment_in
from pypedream.engine.history import recorded_run
from pypedream.engine.metrics import is_metric
from pypedream.engine.result_log import FILE
from pypedream.engine.run_results import scalar_results
from pypedream.engine.views import KeptOutputs
from pypedream.log.encode import plain
from pypedream.log.ended import said_by
from pypedream.log.redaction import Redactor
from pypedream.outputs import RETURN

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.engine.calls import Call
    from pypedream.engine.run import Run, StageRun


def account_of(run: Run) -> Account:
    """Return all that is known of a run."""
    workspace = run.plan.options.workspace
    if workspace is not None and Path(workspace, "runs", run.id, FILE).is_file():
        return recorded_account(recorded_run(workspace, run.id))
    return _in_memory(run)


def _in_memory(run: Run) -> Account:
    unreadable: list[str] = []
    stages = _stages(run, unreadable)
    started = next((event.ts for event in run.events), "?")
    # as a record has it, so that the two can be compared
    text = json.dumps([plain(run.parameters.redacted()), asked_of(run.plan)], default=str)
    parameters, asked = json.loads(text)
    return Account(
        RunHead(run.id, run.pipeline, run.state, started, run.duration_s),
        dict(flat(parameters)),
        options_in(asked),
        environment_with(environment_in(environment()), (stage.call for stage in stages.values())),
        stages,
        has_results=True,
        is_recorded=False,
        unreadable=tuple(f"run {run.id}: {words}" for words in unreadable),
        find_numbers=partial(_numbers, run),
    )


def _numbers(run: Run) -> dict[str, int | float]:
    """Return the results that are numbers, but for those that are secrets."""
    hide = Redactor(run.parameters.secrets()).text
    found = scalar_results(run).items()
    return {
        name: value for name, value in found if is_metric(value) and hide(str(value)) == str(value)
    }


def _stages(run: Run, unreadable: list[str]) -> dict[str, StageAccount]:
    printed, warned = spoken(run.events)
    hide = Redactor(run.parameters.secrets()).text
    calls = Calls(run.parameters, stages=run.plan.blueprint.definition.stages)
    found = {}
    for key, stage in run.stages.items():
        call = _call(run, stage, calls, unreadable)
        identity = ""
        if stage.state in DONE:
            identity = calls.digests[key] = _identity(stage, call)
        took = stage.duration_s if stage.state in CALLED else None
        found[key] = StageAccount(
            "pending" if _is_left_out(run, stage) else stage.state,
            took,
            took,
            hide(stage.reason),
            identity,
            call,
            error=_error(stage.error, hide),
            printed=printed.get(key, 0),
            warned=warned.get(key, 0),
            items=getattr(stage.items, "counts", {}),
        )
    return found


def _call(run: Run, stage: StageRun, calls: Calls, unreadable: list[str]) -> Call | None:
    """Return what a stage was called with; None if it was not called."""
    if not stage.attempts:
        return None
    try:
        return calls.of(run.plan.blueprint.wiring.wires[stage.key])
    except OSError as error:  # of a file that it depends on
        unreadable.append(f'what stage "{stage.key}" depends on cannot be read: {error}')
        return None


def _identity(stage: StageRun, call: Call | None) -> str:
    """Return what a stage gave; "" if that is not in memory."""
    if isinstance(stage.outputs, KeptOutputs) or RETURN not in stage.outputs:
        return ""
    unique = f"of call {call.key}" if call is not None and call.key else ""
    return identity_of(stage.outputs[RETURN]) or unique


def _is_left_out(run: Run, stage: StageRun) -> bool:
    return stage.key not in (*run.plan.chosen, *run.plan.skipped) and stage.state == "skipped"


def _error(error: BaseException | None, hide: Callable[[str], str]) -> dict[str, str]:
    if error is None:
        return {}
    return {"type": type(error).__qualname__, "message": hide(said_by(error))}
