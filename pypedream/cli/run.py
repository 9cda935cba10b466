"""The command ``run``: carry out a pipeline and show what it says."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import FAILED, options
from pypedream.cli.ending import exit_code, run_data, say_ending
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.tables import held_as, standing_of, tables_of
from pypedream.cli.terminal import let_go_of_stdout, say_json, stdout_kept_free
from pypedream.cli.values import completed, parameters_of
from pypedream.cli.words import refuse_unknown, run_words, stages_meant
from pypedream.cli.workspaces import USUAL_FOLDER, VARIABLE
from pypedream.errors import Locked, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pypedream.cli.dashboard import Dashboard
    from pypedream.cli.load import Loaded
    from pypedream.cli.words import Words
    from pypedream.engine.plan import Plan
    from pypedream.engine.run import Run
    from pypedream.log.console import ConsoleSink
    from pypedream.pipeline import Pipeline

_ELSEWHERE = "record elsewhere with --workspace DIR"


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
        otherwise = f"{_ELSEWHERE}, or nothing with --no-workspace"
        run = carried_out(found.pipeline, run_it, asked, otherwise=otherwise)
    tables = standing_of(found.pipeline, run)
    return said(run, is_quiet=quiet, as_json=as_json, debug=debug, tables=tables)


def said(
    run: Run,
    *,
    is_quiet: bool,
    as_json: bool,
    debug: bool,
    tables: dict[str, str] | None = None,
) -> int:
    """Write how a run ended, and how the run of tables stands that it carried out, if any.

    Returns
    -------
    The exit code for it.
    """
    held = held_as(run, tables)
    try:
        say_ending(run, is_quiet=is_quiet or as_json, debug=debug, held=held)
        if as_json:
            say_json(run_data(run) if tables is None else {**run_data(run), "tables": tables})
    except BrokenPipeError:  # "run | head": nobody reads on, but the run is what it is
        let_go_of_stdout()
    return FAILED if held else exit_code(run)


def recording(found: Loaded, given: str | None) -> dict[str, Any]:
    """Decide where the run is recorded, unless somebody said it.

    It is the workspace of the project whose files the stages read or write, else beside the file.
    """
    if given is not None:
        return {"workspace": given}
    if "workspace" in found.pipeline.options or os.environ.get(VARIABLE):
        return {}
    if found.pipeline.blueprint.state:
        return {"workspace": Path(found.pipeline.blueprint.state)}
    return {"workspace": found.folder / USUAL_FOLDER}


def console(stages: Collection[str], *, verbose: bool) -> ConsoleSink:
    """Return what shows a run that calls *stages*."""
    from pypedream.cli.console import Console  # who is quiet needs none

    return Console(stages, is_verbose=verbose)


def dashboard(plan: Plan) -> Dashboard | None:
    """Return what shows a run on the whole terminal; None where there is none."""
    from pypedream.cli.dashboard import dashboard_for

    called = [key for key in plan.blueprint.order if key in plan.chosen]
    return dashboard_for(plan.pipeline, called)


def carried_out(
    pipeline: Pipeline,
    run_it: Callable[..., Run],
    asked: dict[str, Any],
    *,
    otherwise: str = _ELSEWHERE,
) -> Run:
    """Run the pipeline, and return the run also when a stage failed or Ctrl-C ended it.

    Parameters
    ----------
    otherwise
        What the command can do where the workspace cannot be written.
    """
    before = pipeline.last_run
    try:
        return run_it(**asked, progress=False)
    except BaseException as error:
        run = pipeline.last_run
        # A run of tables that another process has is no matter of where runs are recorded.
        is_of_workspace = isinstance(error, StoreError) and not isinstance(error, Locked)
        if is_of_workspace and run is before:
            raise Refused(f"{error}; {otherwise}") from None
        if run is None or run is before or not (error is run.error or run.state == "cancelled"):
            raise
        return run
