"""The command ``gc``: what no lock names goes out of the store."""

from __future__ import annotations

import click
from attrs import asdict

from pypedream.cli import options
from pypedream.cli.mistakes import Refused
from pypedream.cli.project import Project
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.errors import RevisionError
from pypedream.values import size_text


@click.command("gc")
@click.option("--here", is_flag=True, help="Only the locks here count, and no branch of git.")
@click.option("--history", is_flag=True, help="The locks of all commits count.")
@click.option("--locks", is_flag=True, help="Remove locks of stages that are gone, and no copies.")
@click.option("--pipeline", "target", metavar=options.TARGET, help="(--locks) Of this pipeline.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@options.workspace
@options.debug
@options.as_json
def command(
    *,
    here: bool,
    history: bool,
    locks: bool,
    target: str | None,
    dry_run: bool,
    workspace: str | None,
    debug: bool,
    as_json: bool,
) -> None:
    """Delete copies of outputs that no lock names: none here, and none on a branch or tag of git.

    What else the store keeps is left alone: "cache gc" deletes by age and size. With --locks the
    locks of stages go that the pipeline has no more; the copies that these name can go then.
    """
    if here and history:
        raise Refused("--here and --history exclude each other: choose one")
    if locks and (here or history):
        raise Refused("--locks deletes no copies: give --here or --history without it")
    if target is not None and not locks:
        raise Refused("--pipeline is for --locks; otherwise all locks count")
    if locks:
        _remove_locks(target, dry_run=dry_run, debug=debug, as_json=as_json)
    else:
        _delete_copies(workspace, here=here, history=history, dry_run=dry_run, as_json=as_json)


def _remove_locks(target: str | None, *, dry_run: bool, debug: bool, as_json: bool) -> None:
    from pypedream.cli.load import loaded
    from pypedream.engine.gone_locks import gone_locks

    with stdout_kept_free(), loaded(target, debug=debug) as found:
        gone = gone_locks(found.pipeline.blueprint)
        for one in gone if not dry_run else ():
            one.remove()
    if as_json:
        say_json({"locks": [one.stage for one in gone], "dry_run": dry_run})
        return
    delete = "would remove" if dry_run else "removed"
    say(*(f'{delete} the lock of "{one.stage}"' for one in gone))
    if not gone:
        say(f'each lock of the pipeline "{found.pipeline.name}" is of one of its stages')


def _delete_copies(
    workspace: str | None, *, here: bool, history: bool, dry_run: bool, as_json: bool
) -> None:
    from pypedream.files.pins import unnamed_keys
    from pypedream.files.revisions import HEAD, Revision

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
