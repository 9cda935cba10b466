"""The command ``metrics``: the numbers that stages wrote, and what they were in a revision."""

from __future__ import annotations

import click

from pypedream.cli import options
from pypedream.cli.compared import say_compared, say_values
from pypedream.cli.groups import ShowGroup
from pypedream.cli.mistakes import Refused
from pypedream.cli.project import Project
from pypedream.cli.terminal import say
from pypedream.files.metrics import compared, metric_paths, metrics_at, metrics_now


@click.group("metrics", cls=ShowGroup)
def command() -> None:
    """Show metrics, and compare them with those of a revision of git.

    Without a command it is "show". Nothing of yours is imported: the locks say which files are
    metrics.
    """


@command.command("show", short_help="Show the metrics of all stages.")
@click.argument("stages", nargs=-1, metavar="[STAGE]...")
@options.as_json
def show(stages: tuple[str, ...], as_json: bool) -> None:
    """Show the metrics of these stages, or of all."""
    project = Project.here()
    try:
        paths = metric_paths(project.locks(stages))
        found = metrics_now(project.root, paths)
    except ValueError as error:
        raise Refused(str(error)) from None
    say_values(found, "file", as_json=as_json)
    missing = (path for path in paths if path not in found)
    say(*(f'{path} is not there: "repro" makes it' for path in missing), err=True)


@command.command("diff", short_help="Compare with a revision.")
@options.revision
@options.as_json
def diff(revision: str, as_json: bool) -> None:
    """Show the metrics that are not what they were in a revision of git."""
    from pypedream.files.revisions import Revision

    project = Project.here()
    before = Revision(project.root, revision)
    paths = metric_paths([*project.locks(), *before.locks.values()])
    try:
        changes = [*compared(metrics_at(before, paths), metrics_now(project.root, paths))]
    except ValueError as error:
        raise Refused(str(error)) from None
    say_compared(changes, "file", revision, as_json=as_json)
