"""The command ``status``: which stages and files are not up to date, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from pypedream.cli import options
from pypedream.cli.carry_out import recording
from pypedream.cli.load import loaded
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.values import parameters_of
from pypedream.cli.words import stages_meant, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypedream.cli.words import Words
    from pypedream.engine.explanation import Explained
    from pypedream.engine.plan import Plan

_SHORT = 10


@click.command("status")
@words
@options.parameters
@click.option("--explain", is_flag=True, help="Say what has changed: old, new, and where.")
@options.workspace
@options.as_json
def command(
    *,
    words: Words,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    explain: bool,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Say of each stage whether "repro" would call it and why, and which files it would put back.

    Nothing is called and nothing is written. With STAGE: of these and what they need.
    """
    from pypedream.engine.explanation import explained
    from pypedream.engine.gone_locks import gone_locks

    with stdout_kept_free(), loaded(words.target, debug=debug) as found:
        values = parameters_of(found.pipeline, texts, file)
        asked = options.request({"until": stages_meant(words, found.pipeline.stages)})
        plan = found.pipeline.plan(values, cache="cached", **asked, **recording(found, workspace))
        stages = explained(plan)
        lost, strays = _put_back(plan)
        gone = gone_locks(found.pipeline.blueprint)
    if as_json:
        files = {"puts_back": lost, "takes_away": strays, "gone": [one.stage for one in gone]}
        say_json({**status_data(plan, stages), **files})
        return
    say(*(explained_lines(plan, stages) if explain else str(plan).splitlines()))
    say(*way_out(plan))
    say(*(f"  puts back: {path}" for path in lost))
    say(*(f"  takes away: {path}" for path in strays))
    say(*(f"  {one}" for one in gone))


def explained_lines(plan: Plan, stages: Sequence[Explained]) -> Iterator[str]:
    """Yield what will happen to each stage, and below it each change."""
    wide = max((len(one.stage) for one in stages), default=0)
    yield str(plan).partition("\n")[0]
    for one in stages:
        yield f"  {one.stage:<{wide}}  {one.decision:<5}  {one.reason}"
        yield from (f"    {change}" for change in one.changes)
        if one.decision == "run" and one.last_digest and one.digest:
            yield f"    call {one.last_digest[:_SHORT]} -> {one.digest[:_SHORT]}"
    yield from (f"  note: {note}" for note in plan.notes)


def way_out(plan: Plan) -> list[str]:
    """Return in a line how outputs come that are neither here nor in the store, if they may."""
    calls, lost = plan.reuse.calls, plan.reuse.lost
    if not lost or calls is None:
        return []
    written = [one for each in calls.written.values() for one in each.all]
    path = next((one.path for one in written if one.path in lost and one.is_cached), None)
    if path is None:  # git keeps what is lost
        return []
    from pypedream.cli.locate import project_settings
    from pypedream.files.paths import project_root

    settings = project_settings(project_root(Path.cwd()))
    if not (settings.get("remote") or settings.get("remotes")):
        return []
    return [f'  to call less: pull brings what the remote has, such as "{path}"']


def status_data(plan: Plan, stages: Sequence[Explained]) -> dict[str, Any]:
    """Return what will happen to each stage as what JSON can hold."""
    return {
        "pipeline": plan.pipeline,
        "stages": [
            {**asdict(one), "changes": [_change_data(each) for each in one.changes]}
            for one in stages
        ],
        "notes": list(plan.notes),
        "problems": [],
    }


def _change_data(change: Any) -> dict[str, Any]:
    place = change.place
    return {
        "kind": change.kind,
        "what": change.what,
        "old": change.old,
        "new": change.new,
        "file": None if place is None else place.file,
        "line": None if place is None else place.line,
    }


def _put_back(plan: Plan) -> tuple[list[str], list[str]]:
    """Return the files that a run would make again from the store, and those that would go."""
    calls, wires = plan.reuse.calls, plan.blueprint.wiring.wires
    if calls is None or calls.files is None:
        return [], []
    found: list[str] = []
    strays: list[str] = []
    for key in plan.reuse.kept:
        wired = wires[key]
        if wired.files is not None and key in calls.written:
            changed = calls.files.changed(wired.files.root, calls.written[key])
            found += [one.path for one in changed]
            strays += calls.files.strays(wired.files.root, calls.written[key])
    return found, strays
