"""The command ``gc``: what no lock names goes out of the store."""

from __future__ import annotations

import click
from attrs import asdict

from pypedream.cli import options
from pypedream.cli.mistakes import Refused
from pypedream.cli.project import Project
from pypedream.cli.terminal import say, say_json
from pypedream.errors import RevisionError
from pypedream.values import size_text


@click.command("gc")
@click.option("--here", is_flag=True, help="Only the locks here count, and no branch of git.")
@click.option("--history", is_flag=True, help="The locks of all commits count.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@options.workspace
@options.as_json
def command(
    *, here: bool, history: bool, dry_run: bool, workspace: str | None, as_json: bool
) -> None:
    """Delete copies of outputs that no lock names: none here, and none on a branch or tag of git.

    What else the store keeps is left alone: "cache gc" deletes by age and size.
    """
    from pypedream.files.pins import unnamed_keys
    from pypedream.files.revisions import HEAD, Revision

    if here and history:
        raise Refused("--here and --history exclude each other: choose one")
    project = Project.here(workspace)
    locks = project.locks()
    if not here:
        try:
            head = Revision(project.root)
            names = head.others(with_history=history)
        except RevisionError as error:
            raise Refused(f"{error}; or let only the locks here count: --here") from None
        revisions = [head, *(Revision(project.root, name) for name in names if name != HEAD)]
        locks += [lock for revision in revisions for lock in revision.locks.values()]
    with project.store(readonly=dry_run) as store:
        going = unnamed_keys(store, locks)
        stay = {key for key in store if key not in going}
        pruned = store.gc(keep_last=0, pinned=stay, dry_run=dry_run)
    if as_json:
        say_json({**asdict(pruned), "dry_run": dry_run})
        return
    delete, free = ("would delete", "free") if dry_run else ("deleted", "freed")
    say(*(f"{delete} {key}" for key in pruned.keys))
    count, size = len(pruned.keys), size_text(pruned.freed_bytes)
    say(f"{delete} {count} and {free} {size}; {pruned.kept} kept")
