"""The command ``runs``: the runs that a workspace has a record of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pypedream.cli import options, suggestions
from pypedream.cli.terminal import say, say_json
from pypedream.cli.workspaces import of_batch, run_data, unreadable_in, workspace_of
from pypedream.engine.history import recorded_runs
from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.parameters.display import table
from pypedream.values import one_line, short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.history import RecordedRun

_HEADING = ("run", "pipeline", "state", "started", "took", "stages")
_WIDTH = 24


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
@click.option(
    "--batch",
    metavar="ID",
    shell_complete=suggestions.batches,
    help="Only the runs of this sweep, with the parameters that it changed.",
)
@options.as_json
def command(workspace: str | None, limit: int, batch: str | None, as_json: bool) -> None:
    """List the recorded runs, the newest first; nothing of yours is imported."""
    folder = workspace_of(workspace)
    runs = recorded_runs(folder)
    if batch is not None:
        runs = of_batch(batch, runs, folder)
    if as_json:
        say_json([run_data(run) for run in runs[:limit]])
        return
    if not runs:
        say(f"no run is recorded in {folder}: run a pipeline here, or name another --workspace DIR")
        return
    shown = runs[:limit]
    more = _points(shown) if batch is not None else _batches(shown)
    rows = [_HEADING, *map(_row, shown)]
    say(*table([(*row, *cells) for row, cells in zip(rows, more, strict=True)]).splitlines())
    say(*(f"note: {line}" for run in runs[:limit] for line in unreadable_in(run)))
    if len(runs) > limit:
        say(f"and {len(runs) - limit} older: --limit {len(runs)}")


def _row(run: RecordedRun) -> tuple[str, ...]:
    took = "" if run.duration_s is None else duration_text(run.duration_s)
    stages = ", ".join(f"{count} {state}" for state, count in run.ended.items())
    return run.id, run.pipeline, run.state, local_time(run.started), took, stages


def _batches(runs: list[RecordedRun]) -> Iterator[tuple[str, ...]]:
    """Yield heading and cells that say which runs belong together; empty ones if none do."""
    if not any(run.batch for run in runs):
        yield from [()] * (len(runs) + 1)
        return
    yield ("batch",)
    for run in runs:
        batch = run.batch
        yield ("" if batch is None else f"{batch.index + 1}/{batch.of} of {batch.short_id}",)


def _points(runs: list[RecordedRun]) -> Iterator[tuple[str, ...]]:
    """Yield heading and cells with the parameters that a sweep changed."""
    points = [run.batch.point if run.batch is not None else {} for run in runs]
    names = list(dict.fromkeys(name for point in points for name in point))
    yield ("point", *names)
    for run, point in zip(runs, points, strict=True):
        number = "" if run.batch is None else f"{run.batch.index + 1}/{run.batch.of}"
        yield (number, *(_cell(point.get(name)) for name in names))


def _cell(value: object) -> str:
    return one_line(value, _WIDTH) if isinstance(value, str) else short(value, _WIDTH)
