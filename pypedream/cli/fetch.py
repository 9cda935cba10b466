"""The command ``fetch``: copies of outputs come from a remote store; no file is touched."""

from __future__ import annotations

import click

from pypedream.cli import options
from pypedream.cli.remote import moved, said, where


@click.command("fetch")
@where
@options.workspace
@options.as_json
def command(
    *, remote: str | None, stages: tuple[str, ...], workspace: str | None, as_json: bool
) -> int:
    """Copy the outputs that the locks name from REMOTE into the store here; no file is touched.

    Ends with 1 if REMOTE has no good copy of an output.
    """
    done = moved(remote, stages, workspace, to_remote=False)
    return said(done, "fetched", as_json=as_json)
