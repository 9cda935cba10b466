"""The command ``runs``: the runs that a workspace has a record of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pypedream.cli import options
from pypedream.cli.terminal import say, say_json
from pypedream.cli.workspaces import run_data, unreadable_in, workspace_of
from pypedream.engine.history import recorded_runs
from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.parameters.display import table

if TYPE_CHECKING:
    from pypedream.engine.history import RecordedRun

_HEADING = ("run", "pipeline", "state", "started", "took", "stages")


@click.command("runs")
@options.workspace
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="How many, beginning with the newest.",
)
@options.as_json
def command(workspace: str | None, limit: int, as_json: bool) -> None:
    """List the recorded runs, the newest first; nothing of yours is imported."""
    folder = workspace_of(workspace)
    runs = recorded_runs(folder)
    if as_json:
        say_json([run_data(run) for run in runs[:limit]])
        return
    if not runs:
        say(f"no run is recorded in {folder}: run a pipeline here, or name another --workspace DIR")
        return
    say(*table([_HEADING, *map(_row, runs[:limit])]).splitlines())
    say(*(f"note: {line}" for run in runs[:limit] for line in unreadable_in(run)))
    if len(runs) > limit:
        say(f"and {len(runs) - limit} older: --limit {len(runs)}")


def _row(run: RecordedRun) -> tuple[str, ...]:
    took = "" if run.duration_s is None else duration_text(run.duration_s)
    stages = ", ".join(f"{count} {state}" for state, count in run.ended.items())
    return run.id, run.pipeline, run.state, local_time(run.started), took, stages
