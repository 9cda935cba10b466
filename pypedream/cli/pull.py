"""The command ``pull``: outputs come from a remote store, as the locks say."""

from __future__ import annotations

import click

from pypedream.cli import FAILED, OK, options
from pypedream.cli.checkout import checked_out, say_checked_out
from pypedream.cli.remote import moved, said, where
from pypedream.cli.terminal import say_json


@click.command("pull")
@where
@click.option("--force", is_flag=True, help="Replace a file also if its content is kept nowhere.")
@options.workspace
@options.as_json
def command(
    *,
    remote: str | None,
    stages: tuple[str, ...],
    force: bool,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Fetch from REMOTE, then check out: outputs are as the locks say.

    Ends with 1 if an output is not.
    """
    from attrs import asdict

    done = moved(remote, stages, workspace, to_remote=False)
    out = checked_out(stages, workspace, only_missing=False, force=force)
    if as_json:
        say_json({"fetched": asdict(done), "checked_out": asdict(out)})
    else:
        said(done, "fetched", as_json=False)
        say_checked_out(out)
    return FAILED if out.left else OK
