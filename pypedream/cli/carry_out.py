"""Carry out a pipeline for a command: where it is recorded, what shows it, and how it ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pypedream.cli import FAILED
from pypedream.cli.ending import exit_code, run_data, say_ending
from pypedream.cli.mistakes import Refused
from pypedream.cli.tables import held_as
from pypedream.cli.terminal import let_go_of_stdout, say_json
from pypedream.cli.workspaces import USUAL_FOLDER, VARIABLE
from pypedream.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pypedream.cli.dashboard import Dashboard
    from pypedream.cli.load import Loaded
    from pypedream.engine.plan import Plan
    from pypedream.engine.run import Run
    from pypedream.log.console import ConsoleSink
    from pypedream.pipeline import Pipeline

ELSEWHERE = "record elsewhere with --workspace DIR"


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
    otherwise: str = ELSEWHERE,
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
        if isinstance(error, WorkspaceError) and run is before:
            raise Refused(f"{error}; {otherwise}") from None
        if run is None or run is before or not (error is run.error or run.state == "cancelled"):
            raise
        return run
