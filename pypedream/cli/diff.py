"""The command ``diff``: what changed from one recorded run to another."""

from __future__ import annotations

import click
from attrs import asdict

from pypedream.cli import options, suggestions
from pypedream.cli.terminal import say, say_json
from pypedream.cli.workspaces import workspace_of
from pypedream.engine.compare import compared_records
from pypedream.engine.history import LAST


@click.command("diff")
@click.argument("first", default=LAST, metavar="[RUN]", shell_complete=suggestions.runs)
@click.argument("second", required=False, metavar="[RUN]", shell_complete=suggestions.runs)
@options.workspace
@options.as_json
def command(first: str, second: str | None, workspace: str | None, as_json: bool) -> None:
    """Say what changed from one run to another; nothing of yours is imported.

    RUN is an id, the beginning of one, "last", or "last~1" for the one before the last. Without
    the second the newest other run of the same pipeline is taken, without both the last two.
    """
    diff = compared_records(workspace_of(workspace), first, second)
    if as_json:
        say_json({**asdict(diff), "is_empty": diff.is_empty})
    else:
        say(*str(diff).splitlines())
