"""The command ``report``: a recorded run as one HTML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import options, suggestions
from pypedream.cli.mistakes import Refused
from pypedream.cli.tables import is_run_of_tables, write_report_of
from pypedream.cli.terminal import is_person_there, say, say_json
from pypedream.cli.workspaces import from_here, of_batch, run_data, workspace_of
from pypedream.engine.history import LAST, recorded_run, recorded_runs

if TYPE_CHECKING:
    from pypedream.engine.history import RecordedRun
    from pypedream.engine.runs import Runs

FILE = "report.html"


@click.command("report")
@click.argument("run", default=LAST, metavar="[RUN]", shell_complete=suggestions.runs)
@options.workspace
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Where to write it; by default into the folder of the run.",
)
@click.option(
    "--batch",
    metavar="ID",
    shell_complete=suggestions.batches,
    help="Of all runs of this sweep: a table and plots, by default into the workspace.",
)
@click.option("--no-open", is_flag=True, help="Do not open it in the browser.")
@options.as_json
def command(
    run: str,
    workspace: str | None,
    out: str | None,
    batch: str | None,
    no_open: bool,
    as_json: bool,
) -> None:
    """Write all that is recorded of a run to one HTML file, and open it if somebody is there.

    RUN is an id, the beginning of one, or "last", which it is without RUN; or the id of a run of
    tables in this folder. Nothing of yours is imported. The file loads nothing and holds no script:
    it can be mailed, archived and printed.
    """
    if is_run_of_tables(run):
        path, data = write_report_of(run, None if out is None else Path(out))
        _say(path, data, as_json=as_json, no_open=no_open)
        return
    folder = workspace_of(workspace)
    subject, file, data = _of_run(folder, run) if batch is None else _of_sweep(folder, run, batch)
    path = _written(subject, Path(out) if out else file)
    _say(path, data, as_json=as_json, no_open=no_open)


def _say(path: Path, data: dict[str, Any], *, as_json: bool, no_open: bool) -> None:
    """Say what was written, and show it."""
    if as_json:
        say_json({**data, "file": str(path)})
        return
    say(f"wrote {from_here(path)}")
    if not no_open:
        open_in_browser(path)


def _of_run(folder: Path, name: str) -> tuple[RecordedRun, Path, dict[str, Any]]:
    """Return what the report is of, where it goes by default, and what is said of it."""
    run = recorded_run(folder, name)
    return run, run.folder / FILE, run_data(run)


def _of_sweep(folder: Path, name: str, batch: str) -> tuple[Runs, Path, dict[str, Any]]:
    if name != LAST:
        raise Refused(f'the report is of the run "{name}" or of a sweep: leave out one of them')
    from pypedream.engine.past_runs import recorded_sweep

    runs = recorded_sweep(of_batch(batch, recorded_runs(folder), folder))
    data = {"pipeline": runs.pipeline, "batch": runs.id, "runs": [row.id for row in runs.rows]}
    return runs, folder / f"sweep-{runs.id}.html", data


def _written(subject: RecordedRun | Runs, path: Path) -> Path:
    from pypedream.view.report import write_report

    try:
        return write_report(subject, path)
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror or error}") from None


def open_in_browser(path: Path) -> None:
    """Show a page to somebody who is there."""
    from webbrowser import open as show

    if not (is_person_there() and sys.stdout.isatty()):
        return
    if not show(path.absolute().as_uri()):
        say("no browser was found: open the file yourself", err=True)
