"""The command ``checkout``: outputs as the locks say, from their copies in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pypedream.cli import FAILED, OK, options
from pypedream.cli.project import Project
from pypedream.cli.terminal import say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.files.checkout import CheckedOut


@click.command("checkout")
@click.argument("stages", nargs=-1, metavar="[STAGE]...")
@click.option("--only-missing", is_flag=True, help="Leave files alone that are there.")
@click.option("--force", is_flag=True, help="Replace or remove a file also if it is kept nowhere.")
@options.workspace
@options.as_json
def command(
    *,
    stages: tuple[str, ...],
    only_missing: bool,
    force: bool,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Make outputs again as the locks of the stages say; nothing is called or imported.

    As after "git checkout" of another revision, whose locks git has brought. What another version
    had in a folder of a stage is removed. Ends with 1 if an output is not as its lock says then.
    """
    from attrs import asdict

    done = checked_out(stages, workspace, only_missing=only_missing, force=force)
    if as_json:
        say_json(asdict(done))
    else:
        say_checked_out(done)
    return OK if only_missing or not done.left else FAILED


def checked_out(
    stages: Sequence[str], workspace: str | None, *, only_missing: bool, force: bool
) -> CheckedOut:
    """Make the outputs of these stages again, or of all."""
    from pypedream.files.checkout import check_out

    project = Project.here(workspace)
    locks = project.locks(stages)
    with project.store() as store, project.hashes() as hashes:
        return check_out(locks, store, hashes, project.root, only_missing=only_missing, force=force)


def say_checked_out(done: CheckedOut) -> None:
    """Say what became of each output that was not as it should be."""
    say(*(f"restored {path}" for path in done.restored))
    say(*(f"removed {path}" for path in done.removed))
    say(*(f"left {one}" for one in done.left), err=True)
    say(f"{len(done.restored)} restored, {done.unchanged} unchanged, {len(done.left)} left")
