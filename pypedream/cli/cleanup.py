"""The command ``cleanup``: remove runs of a pipeline of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pypedream.cli import FAILED, OK, options
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.tables import tables_of
from pypedream.cli.terminal import ask, can_ask, say, say_json, stdout_kept_free
from pypedream.values import size_text

if TYPE_CHECKING:
    from pypedream.tabular.cleanup import RunToRemove


@click.command("cleanup")
@options.target
@click.option("--all", "is_all", is_flag=True, help="Also runs that are not completed.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.as_json
def command(
    *, target: str | None, debug: bool, is_all: bool, dry_run: bool, yes: bool, as_json: bool
) -> int:
    """Remove the completed runs of a pipeline of tables: their files, not their statistics.

    It says what will go and asks. A run that is being carried out stays.
    """
    from pypedream.tabular.cleanup import remove_runs, runs_to_remove

    with stdout_kept_free(is_wanted=as_json), loaded(target, debug=debug) as found:
        home = tables_of(found.pipeline).pipeline_dir
    going = runs_to_remove(home, is_all=is_all)
    if not as_json:
        _say_plan(going, is_all=is_all)
    if not going or dry_run or not (yes or _is_agreed()):
        removed: list[tuple[RunToRemove, str]] = []
    else:
        removed = list(remove_runs(going))
    stayed = {run.run_id: why for run, why in removed if why}
    gone = [run.run_id for run, why in removed if not why]
    if as_json:
        runs = [{"run": one.run_id, "status": one.status, "bytes": one.size_bytes} for one in going]
        say_json({"runs": runs, "removed": gone, "stayed": stayed})
    elif gone:
        say(f"removed {', '.join(gone)}")
    say(*(f"{run_id} stays: {why}" for run_id, why in stayed.items()), err=True)
    return FAILED if stayed else OK


def _say_plan(going: list[RunToRemove], *, is_all: bool) -> None:
    for one in going:
        say(f"{one.run_id}  {one.status}  {size_text(one.size_bytes)}")
    if going:
        count = "1 run" if len(going) == 1 else f"{len(going)} runs"
        say(f"{count}, {size_text(sum(one.size_bytes for one in going))}")
    else:
        say("there is no run" if is_all else "there is no completed run; --all names the others")


def _is_agreed() -> bool:
    if not can_ask():
        raise Refused("nobody is there to be asked: remove them with --yes")
    return ask("remove? [y/N]").strip().lower() in ("y", "yes")
