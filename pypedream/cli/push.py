"""The command ``push``: copies of outputs go to a remote store."""

from __future__ import annotations

import click

from pypedream.cli import options
from pypedream.cli.remote import moved, said, where


@click.command("push")
@where
@options.workspace
@options.as_json
def command(
    *, remote: str | None, stages: tuple[str, ...], workspace: str | None, as_json: bool
) -> int:
    """Copy the outputs that the locks name to REMOTE, as far as it does not have them.

    REMOTE is a name under [tool.pypedream.remotes] in pyproject.toml, a folder or a URL. Ends with
    1 if the store here has no good copy of an output.
    """
    done = moved(remote, stages, workspace, to_remote=True)
    return said(done, "pushed", as_json=as_json)
