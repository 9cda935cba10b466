"""The command ``plots``: what stages wrote to be seen on one page, beside that of a revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import options
from pypedream.cli.compared import NONE
from pypedream.cli.groups import ShowGroup
from pypedream.cli.mistakes import Refused
from pypedream.cli.project import Project
from pypedream.cli.report import open_in_browser
from pypedream.cli.terminal import say, say_json
from pypedream.cli.workspaces import from_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.files.locks import OutLock
    from pypedream.view.data_plots import Axes
    from pypedream.view.plots_page import PlotShown

FILE = "plots.html"

_page = options.together(
    click.option(
        "--out",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Where to write it; by default into the workspace.",
    ),
    click.option("--no-open", is_flag=True, help="Do not open it in the browser."),
    options.as_json,
)


@click.group("plots", cls=ShowGroup)
def command() -> None:
    """Show plots on one HTML page, and compare them with those of a revision of git.

    Without a command it is "show". Tables are drawn. Nothing of yours is imported: the locks say
    which files are plots. The page loads nothing and holds no script.
    """


@command.command("show", short_help="Write the plots of all stages to a page.")
@click.argument("stages", nargs=-1, metavar="[STAGE]...")
@_page
def show(stages: tuple[str, ...], **how: Any) -> None:
    """Write the plots of these stages, or of all, to one HTML file."""
    from pypedream.view.plots_page import PlotShown

    project = Project.here()
    plots = [
        PlotShown(path, lock.stage, [("now", _now(project, path))], _axes(out))
        for lock in project.locks(stages)
        for path, out in lock.outs.items()
        if out.kind == "plot"
    ]
    _write(project, project.root.name, plots, **how)


@command.command("diff", short_help="Compare with a revision.")
@options.revision
@_page
def diff(revision: str, **how: Any) -> None:
    """Write plots to one HTML file, each beside what it was in a revision of git.

    What it was comes from the store, or from git if that has it.
    """
    from pypedream.files.revisions import Revision
    from pypedream.view.plots_page import PlotShown

    project = Project.here()
    before = Revision(project.root, revision)
    old = {path: lock for lock in before.locks.values() for path in lock.outs}
    new = {path: lock for lock in project.locks() for path in lock.outs}
    paths = [
        path
        for path in sorted({*old, *new})
        if any(path in each and each[path].outs[path].kind == "plot" for each in (old, new))
    ]
    with project.store(readonly=True) as store:
        was = {path: before.output(path, store) for path in paths}
    plots = []
    for path in paths:
        lock = new[path] if path in new else old[path]
        versions = [(revision, was[path]), ("now", _now(project, path))]
        plots.append(PlotShown(path, lock.stage, versions, _axes(lock.outs[path])))
    _write(project, f"{project.root.name}: {revision} and now", plots, **how)


def _axes(out: OutLock) -> Axes:
    from pypedream.view.data_plots import Axes

    return Axes(out.x, out.y, out.template)


def _now(project: Project, path: str) -> bytes | None:
    file = project.root / path
    return file.read_bytes() if file.is_file() else None


def _write(
    project: Project,
    title: str,
    plots: Sequence[PlotShown],
    *,
    out: str | None,
    no_open: bool,
    as_json: bool,
) -> None:
    if not plots:
        if as_json:
            say_json({"file": None, "plots": [], "changed": [], "mistakes": []})
        else:
            say(NONE)
        return
    from pypedream.formats.replacement import replacing
    from pypedream.view.plots_page import plots_page

    path = Path(out) if out else project.workspace / FILE
    try:
        with replacing(path) as beside:
            beside.write_text(plots_page(title, plots), encoding="utf-8", newline="\n")
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror or error}") from None
    mistakes = [plot.mistake for plot in plots if plot.mistake]
    if as_json:
        changed = [plot.path for plot in plots if len(plot.versions) > 1 and not plot.is_same]
        shown = [plot.path for plot in plots]
        say_json({"file": str(path), "plots": shown, "changed": changed, "mistakes": mistakes})
        return
    say(*(f"not drawn: {mistake}" for mistake in mistakes), err=True)
    say(f"wrote {from_here(path)}: {len(plots)} {'plot' if len(plots) == 1 else 'plots'}")
    if not no_open:
        open_in_browser(path)
