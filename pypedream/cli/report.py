"""The command ``report``: a recorded run as one HTML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pypedream.cli import options, suggestions
from pypedream.cli.mistakes import Refused
from pypedream.cli.terminal import is_person_there, say, say_json
from pypedream.cli.workspaces import from_here, run_data, workspace_of
from pypedream.engine.history import LAST, recorded_run

if TYPE_CHECKING:
    from pypedream.engine.history import RecordedRun

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
@click.option("--no-open", is_flag=True, help="Do not open it in the browser.")
@options.as_json
def command(run: str, workspace: str | None, out: str | None, no_open: bool, as_json: bool) -> None:
    """Write all that is recorded of a run to one HTML file, and open it if somebody is there.

    RUN is an id, the beginning of one, or "last", which it is without RUN. Nothing of yours is
    imported. The file loads nothing and holds no script: it can be mailed, archived and printed.
    """
    recorded = recorded_run(workspace_of(workspace), run)
    path = _written(recorded, Path(out) if out else recorded.folder / FILE)
    if as_json:
        say_json({**run_data(recorded), "file": str(path)})
        return
    say(f"wrote {from_here(path)}")
    if not no_open and is_person_there() and sys.stdout.isatty():
        _open(path)


def _written(run: RecordedRun, path: Path) -> Path:
    from pypedream.view.report import write_report

    try:
        return write_report(run, path)
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror or error}") from None


def _open(path: Path) -> None:
    from webbrowser import open as open_in_browser

    if not open_in_browser(path.absolute().as_uri()):
        say("no browser was found: open the file yourself", err=True)
