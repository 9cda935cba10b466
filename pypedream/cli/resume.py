"""The command ``resume``: go on with a run that failed, was interrupted or killed."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import options, suggestions
from pypedream.cli.carry_out import carried_out, console, recording, said
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.tables import standing_of
from pypedream.cli.terminal import stdout_kept_free
from pypedream.cli.values import parameters_of
from pypedream.cli.workspaces import workspace_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("resume")
@click.argument(
    "words",
    nargs=-1,
    metavar="[FILE.py|module][:name] [RUN]",
    shell_complete=suggestions.targets_and_runs,
)
@click.option("--debug", is_flag=True, help="Show full tracebacks.")
@options.parameters
@options.selection
@options.execution
@options.workspace
@click.option("-v", "--verbose", is_flag=True, help="Show debug messages, too.")
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but failures.")
@options.as_json
def command(
    *,
    words: tuple[str, ...],
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    workspace: str | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    **request: Any,
) -> int:
    """Go on with a recorded run: stages that had finished are not called again.

    RUN is its id or the beginning of it; without it, the last run of the pipeline. Parameters
    that are not named keep the values of that run. Stages whose code changed since are called,
    and so are those that depend on them.
    """
    target, run_id = _sorted(words, workspace)
    with stdout_kept_free(is_wanted=as_json), loaded(target, debug=debug) as found:
        pipeline = found.pipeline
        given = parameters_of(pipeline, texts, file)
        asked = {**options.request(request), **recording(found, workspace)}
        if not quiet:
            own = pipeline.options.get("sinks", ())
            asked["sinks"] = [*own, console(list(pipeline.stages), verbose=verbose)]
        resume = partial(pipeline.resume, run_id, **_named(given))
        run = carried_out(pipeline, resume, asked)
        tables = standing_of(pipeline, run)
    return said(run, is_quiet=quiet, as_json=as_json, debug=debug, tables=tables)


def _sorted(words: Sequence[str], workspace: str | None) -> tuple[str | None, str | None]:
    """Tell the pipeline from the run; a run that is named alone says where its pipeline is."""
    from pypedream.engine.history import LAST, recorded_runs

    targets = [word for word in words if _is_target(word)]
    runs = [word for word in words if not _is_target(word)]
    if len(targets) > 1 or len(runs) > 1:
        raise Refused(f"{' '.join(words)}: name one pipeline and one run, or leave them out")
    run_id = next((word for word in runs if word != LAST), None)
    if targets or run_id is None:
        return next(iter(targets), None), run_id
    found = [run for run in recorded_runs(workspace_of(workspace)) if run.id.startswith(run_id)]
    source = found[0].source if len(found) == 1 else ""
    return (source if source and Path(source).is_file() else None), run_id


def _is_target(word: str) -> bool:
    is_path = any(sign in word for sign in "./:\\")
    return is_path or os.path.exists(word) or os.path.exists(f"{word}.py")


def _named(parameters: Any) -> dict[str, Any]:
    """Return what was set on this command line, and not by the environment."""
    return {
        name: value
        for name, value in parameters.settings.items()
        if not parameters.source(name).startswith("environment")
    }
