"""The command ``run``: carry out a pipeline and show what it says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import options
from pypedream.cli.carry_out import ELSEWHERE, carried_out, console, dashboard, recording, said
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.tables import standing_of, tables_of
from pypedream.cli.terminal import stdout_kept_free
from pypedream.cli.values import completed, parameters_of
from pypedream.cli.words import refuse_unknown, run_words, stages_meant

if TYPE_CHECKING:
    from pypedream.cli.words import Words


@click.command("run")
@run_words
@options.parameters
@click.option("--ask", "is_asked", is_flag=True, help="Ask for each parameter.")
@options.selection
@options.execution
@click.option("--run-id", metavar="ID", help="Of a pipeline of tables: which run to carry out.")
@click.option(
    "--mode",
    type=click.Choice(["cli", "dashboard"]),
    default="cli",
    help='Show lines (default), or a "dashboard" on the whole terminal; it needs rich.',
)
@options.workspace
@click.option("--no-workspace", is_flag=True, help="Record nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Show debug messages, too.")
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but failures.")
@options.as_json
def command(
    *,
    words: Words,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    is_asked: bool,
    run_id: str | None,
    mode: str,
    workspace: str | None,
    no_workspace: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    **request: Any,
) -> int:
    """Run the stages of a pipeline and show what they print; with STAGE only this one.

    Without FILE it is pipeline.py, or the only file in this folder that defines a pipeline. The
    run is recorded in .pypedream beside the file. Exit codes: 0 ok, 1 a stage failed, 2 it
    cannot run, 130 interrupted.
    """
    if workspace is not None and no_workspace:
        raise Refused("--workspace and --no-workspace exclude each other: choose one")
    with stdout_kept_free(is_wanted=as_json), loaded(words.target, debug=debug) as found:
        refuse_unknown(words, found.pipeline.blueprint.order)
        named = stages_meant(words, found.pipeline.blueprint.order)
        request["only"] = (*named, *request["only"])
        values = completed(parameters_of(found.pipeline, texts, file), is_asked=is_asked)
        asked = options.request(request)
        asked.update({"workspace": None} if no_workspace else recording(found, workspace))
        if run_id is not None:
            tables_of(found.pipeline)
            asked["run_id"] = run_id
        if not quiet:
            plan = found.pipeline.plan(values, **asked)
            shown: Any = dashboard(plan) if mode == "dashboard" else None
            shown = shown or console(plan.chosen, verbose=verbose)
            asked["sinks"] = [*plan.options.sinks, shown]
        run_it = partial(found.pipeline.run, values)
        otherwise = f"{ELSEWHERE}, or nothing with --no-workspace"
        run = carried_out(found.pipeline, run_it, asked, otherwise=otherwise)
    tables = standing_of(found.pipeline, run)
    return said(run, is_quiet=quiet, as_json=as_json, debug=debug, tables=tables)
