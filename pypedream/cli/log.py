"""The command ``log``: what a recorded run said."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict, evolve

from pypedream.cli import options, suggestions
from pypedream.cli.terminal import command_line, say, say_json
from pypedream.cli.workspaces import run_data, unreadable_in, workspace_of
from pypedream.engine.history import LAST, LEVELS, recorded_events, recorded_run
from pypedream.engine.recorded_items import stage_and_item
from pypedream.log.console_lines import ASCII_SIGNS, ConsoleLines
from pypedream.log.durations import duration_text
from pypedream.log.encode import encode
from pypedream.log.ended import items_text
from pypedream.log.moments import local_time
from pypedream.log.status import progress_text
from pypedream.log.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.history import RecordedRun
    from pypedream.log.console_lines import Line
    from pypedream.log.events import Event

# Starts say nothing that ends do not say; those of the run are in the heading.
_UNSHOWN = ("run.start", "run.end", "stage.start", "attempt.start")


def _pattern(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        return re.compile(value)
    except re.error as error:
        message = f'"{value}" is no regular expression: {error}'
        raise click.BadParameter(message, ctx, parameter) from None


@click.command("log")
@click.argument("run", default=LAST, metavar="[RUN]", shell_complete=suggestions.runs)
@options.workspace
@click.option(
    "--stage",
    metavar="STAGE",
    shell_complete=suggestions.recorded_stages,
    help="Only what belongs to this stage, or to one item of it: load[17].",
)
@click.option(
    "--item",
    metavar="KEY",
    shell_complete=suggestions.recorded_items,
    help="Only what belongs to the item of this key or position.",
)
@click.option("--level", type=click.Choice(LEVELS), help="Only what is at least so serious.")
@click.option(
    "--grep",
    metavar="PATTERN",
    callback=_pattern,
    help="Only lines in which this regular expression is found.",
)
@options.as_json
def command(
    run: str,
    workspace: str | None,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Show what a run printed and logged and how its stages ended; nothing of yours is imported.

    RUN is an id, the beginning of one, or "last", which it is without RUN. The first column is
    the time since the start in seconds.
    """
    recorded = recorded_run(workspace_of(workspace), run)
    events = recorded_events(recorded, **wanted)
    if as_json:
        say_json({**run_data(recorded), "events": [asdict(each) for each in events]})
        return
    say(heading(recorded), *(f"note: {line}" for line in unreadable_in(recorded)))
    shown = [event for event in events if event.kind not in _UNSHOWN]
    if shown:
        _show(shown, recorded)
    else:
        say(*_why_nothing(recorded, workspace, wanted["stage"]))


def _why_nothing(run: RecordedRun, workspace: str | None, stage: str | None) -> list[str]:
    """Return why there is nothing to show: a stage that was reused said what it says elsewhere."""
    from pypedream.engine.result_log import recorded_results

    wanted = run.stages if stage is None else stage_and_item(stage, run.stages)[:1]
    lines, by_run = recorded_results(run.folder).lines, dict[str, list[str]]()
    for key in wanted:
        if key in lines and lines[key].state == "reused":
            by_run.setdefault(lines[key].run, []).append(key)
    reused = sum(map(len, by_run.values()))
    if not reused:
        return ["nothing to show"]
    where = [] if workspace is None else ["--workspace", workspace]
    what, of = "the stage was", "it"
    if stage is None:
        what, of = f"{reused} of {len(wanted)} stages were", "them"
    return [
        f"nothing to show: {what} reused; the log of what computed {of}:",
        *(
            f"  {', '.join(keys)}: {command_line('log', other, *where)}"
            for other, keys in by_run.items()
        ),
    ]


def _show(events: list[Event], run: RecordedRun) -> None:
    """Write the lines of events as the console had them, each with its time."""
    screen, looks = Screen(sys.stdout), ConsoleLines(run.stages, most_failed_items=None)
    lines = []
    for event in events:
        for _, pieces in _lines(event, looks):
            texts = [_rendered(text, colour, screen) for text, colour in pieces]
            lines.append(f"{event.dt:9.3f}  {''.join(texts)}\n")
    screen.write("".join(lines))


def heading(run: RecordedRun) -> str:
    """Return how a run went, as one line."""
    took = "" if run.duration_s is None else f" after {duration_text(run.duration_s)}"
    started = f"started {local_time(run.started)}"
    return f"{run.pipeline}: {run.state}{took}, {started} (run {run.id})"


def _lines(event: Event, looks: ConsoleLines) -> list[Line]:
    """Return what the console showed of an event, and what it left to the log."""
    data = {name: value for name, value in (event.data or {}).items() if name != "shown"}
    event = evolve(event, data=data)
    try:
        lines = list(looks.of(event))
    except (KeyError, TypeError, ValueError):  # nobody knows who wrote the record
        lines = []
    if not lines:
        lines = [looks.spoken("stdout", event.stage, event.item, _in_words(event))]
    error = data.get("error")
    traceback = str(error.get("traceback", "")) if isinstance(error, dict) else ""
    below = traceback.splitlines()
    return [*lines, *(looks.spoken("stdout", event.stage, event.item, line) for line in below)]


def _in_words(event: Event) -> str:
    data = event.data or {}
    if event.kind == "progress":
        return progress_text(event)
    if event.kind == "attempt.end":
        return _how_it_ended(data)
    if event.kind == "items":
        count = int(data.get("count", 0))
        took = duration_text(float(data.get("duration_s", 0.0)))
        return f"{items_text({'ok': count})} in {took}: {data.get('first')} .. {data.get('last')}"
    values = f" {encode(data)}" if data else ""
    return f"{event.level}: {event.event}{values}"


def _how_it_ended(data: Mapping[str, Any]) -> str:
    """Return how one attempt ended; that of an item is recorded alone if it took a while."""
    error = data.get("error")
    if isinstance(error, dict):
        return f"{data.get('state')}: {error.get('type')}: {error.get('message')}"
    took = duration_text(float(data.get("duration_s", 0.0)))
    return f"{data.get('state')} in {took}"


def _rendered(text: str, colour: str | None, screen: Screen) -> str:
    shown = text if screen.has_glyphs else ASCII_SIGNS.get(text, text)
    return shown if colour is None else screen.paint(shown, colour)
