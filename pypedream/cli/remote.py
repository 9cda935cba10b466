"""Remote stores for the commands that copy outputs to one and from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from attrs import asdict

from pypedream.cli import FAILED, OK
from pypedream.cli.locate import project_settings
from pypedream.cli.options import names, together
from pypedream.cli.project import Project
from pypedream.cli.terminal import say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.files.remotes import Moved

where = together(
    click.argument("remote", required=False, metavar="[REMOTE]"),
    click.option(
        "--stage",
        "stages",
        multiple=True,
        metavar="STAGE",
        callback=names,
        help="Only the outputs of this stage; may be repeated.",
    ),
)


def moved(
    remote: str | None, stages: Sequence[str], workspace: str | None, *, to_remote: bool
) -> Moved:
    """Copy what the locks name to a remote store, or from there."""
    from pypedream.files.remotes import copied, opened, remote_of
    from pypedream.store import CacheStore

    project = Project.here(workspace)
    found = remote_of(project_settings(project.root), remote, project.root)
    locks = project.locks(stages)
    far = opened(found, readonly=not to_remote)
    near = CacheStore(project.workspace / "store", readonly=to_remote)
    try:
        return copied(*((near, far) if to_remote else (far, near)), locks)
    finally:
        near.close()
        far.close()


def said(done: Moved, word: str, *, as_json: bool) -> int:
    """Say what was copied; return the exit code."""
    if as_json:
        say_json(asdict(done))
    else:
        say(*(f"no copy: {path}" for path in done.missing), err=True)
        say(f"{word} {done.copied} {'file' if done.copied == 1 else 'files'}")
    return FAILED if done.missing else OK
