"""The command ``verify``: whether all is up to date, and outputs and their copies are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from attrs import asdict

from pypedream.cli import FAILED, OK, options
from pypedream.cli.carry_out import recording
from pypedream.cli.load import loaded
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.values import parameters_of
from pypedream.cli.words import stages_meant, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.cli.words import Words
    from pypedream.engine.plan import Plan
    from pypedream.files.verifying import Fault


@click.command("verify")
@words
@options.parameters
@click.option(
    "--allow-missing", is_flag=True, help="Outputs need not be here if the store has them."
)
@options.workspace
@options.as_json
def command(
    *,
    words: Words,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    allow_missing: bool,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Check that "repro" would call nothing, and that each output and its copy are whole.

    Nothing is called and nothing is written. Every fault is a line; ends with 1 if there is one.
    """
    from pypedream.engine.gone_locks import gone_locks

    with stdout_kept_free(), loaded(words.target, debug=debug) as found:
        values = parameters_of(found.pipeline, texts, file)
        asked = {
            **options.request({"until": stages_meant(words, found.pipeline.stages)}),
            **recording(found, workspace),
        }
        asked["allow_missing"] = allow_missing
        plan = found.pipeline.plan(values, cache="cached", **asked)
        wrong = list(_faults(plan, may_be_missing=allow_missing))
        gone = gone_locks(found.pipeline.blueprint)
    checked = sum(one.decision != "skip" for one in plan.stages.values())
    if as_json:
        data = {"faults": [*map(asdict, wrong)], "gone": [one.stage for one in gone]}
        say_json({"pipeline": plan.pipeline, "stages": checked, **data})
    else:
        say(*map(str, wrong), *(f"note: {one}" for one in gone), err=True)
        bad = len({one.stage for one in wrong})
        say(f"{checked - bad} of {checked} stages are up to date and whole")
    return FAILED if wrong else OK


def _faults(plan: Plan, *, may_be_missing: bool) -> Iterator[Fault]:
    from pypedream.files.verifying import Fault, faults
    from pypedream.store.results import Results

    calls, wires = plan.reuse.calls, plan.blueprint.wiring.wires
    results = Results(plan.options.workspace, readonly=True)
    try:
        for key, one in plan.stages.items():
            if one.decision == "run":
                yield Fault(key, f"would run: {one.reason}")
            files = wires[key].files
            if calls is None or calls.files is None or files is None:
                continue
            if one.decision == "reuse" and key in calls.written:
                hashes = calls.files.hashes(files.root)
                yield from faults(
                    key,
                    calls.written[key],
                    hashes,
                    results.store(),
                    may_be_missing=may_be_missing,
                )
    finally:
        results.close()
