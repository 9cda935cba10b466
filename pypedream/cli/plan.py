"""The command ``plan``: what a run would do, without doing it."""

from __future__ import annotations

from typing import Any

import click

from pypedream.cli import options
from pypedream.cli.carry_out import recording
from pypedream.cli.elsewhere import elsewhere, say_whether, taken_from
from pypedream.cli.load import loaded
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.values import parameters_of


@click.command("plan")
@options.target
@options.parameters
@options.selection
@options.execution
@options.workspace
@elsewhere
@options.as_json
def command(
    target: str | None,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    workspace: str | None,
    as_json: bool,
    **request: Any,
) -> None:
    """Say which stages a run with the same options would call, in which order and why.

    Nothing is called and nothing is written. All mistakes are named at once. With --for it says
    whether the pipeline can run there: all reasons why not, and what will be different.
    """
    host, circumstances = taken_from(request)
    if host:
        say_whether(target, host, circumstances, debug=debug, as_json=as_json)
        return
    with stdout_kept_free(), loaded(target, debug=debug) as found:
        values = parameters_of(found.pipeline, texts, file)
        asked = {**options.request(request), **recording(found, workspace)}
        plan = found.pipeline.plan(values, **asked)
    if as_json:
        say_json(plan_data(plan))
    else:
        say(*str(plan).splitlines())


def plan_data(plan: Any) -> dict[str, Any]:
    """Return a plan as what JSON can hold."""
    return {
        "pipeline": plan.pipeline,
        "parameters": plan.parameters.redacted(),
        "stages": [
            {
                "stage": one.key,
                "decision": one.decision,
                "reason": one.reason,
                "after": list(one.after),
                "expected_s": one.expected_s,
                "over": one.over,
                "items": one.items,
            }
            for one in plan.stages.values()
        ],
        "notes": plan.notes,
        "blind_spots": {key: list(seen) for key, seen in plan.blind_spots.items()},
        "overwrites": list(plan.overwrites),
        "problems": [],
    }
