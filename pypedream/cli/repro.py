"""The command ``repro``: bring the files of a pipeline up to date, calling only what has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import options
from pypedream.cli.at_rest import said_at_rest
from pypedream.cli.carry_out import recording
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.values import completed, parameters_of
from pypedream.cli.words import stages_meant, words

if TYPE_CHECKING:
    from pypedream.cli.load import Loaded
    from pypedream.cli.words import Words
    from pypedream.engine.plan import Plan

_SPECIAL = ("workspace", "executor", "jobs", "allow_missing")
"""With one of these it is not as it was the last time, or a plan says what is wrong with it."""

_ARGUMENTS = "pypedream.arguments"
_WATCH = "--watch"


class _Repro(click.Command):
    """A command that knows what it was called with, to be given again."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_ARGUMENTS] = [each for each in args if each != _WATCH]
        return super().parse_args(ctx, args)


@click.command("repro", cls=_Repro)
@words
@options.parameters
@click.option("--dry-run", is_flag=True, help="Only say what would run, and why.")
@click.option("-f", "--force", is_flag=True, help="Call every stage, whatever is kept.")
@click.option("--explain", is_flag=True, help="Say of each stage what has changed, first.")
@click.option(
    "--allow-missing", is_flag=True, help="Files that are not there count as the locks say."
)
@click.option("-k", "--keep-going", is_flag=True, help="After a failure go on with what can.")
@click.option(_WATCH, "is_watched", is_flag=True, help="Do it again after each save, until Ctrl-C.")
@click.option("-j", "--jobs", type=int, metavar="N", help="How many stages run at a time.")
@options.executor
@options.workspace
@click.option("-v", "--verbose", is_flag=True, help="Show debug messages, too.")
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but failures.")
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    words: Words,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    dry_run: bool,
    explain: bool,
    is_watched: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    **how: Any,
) -> int:
    """Run the STAGEs and all that they need, as far as files, parameters or code have changed.

    Without STAGE all of them. Outputs that are not as they were written come back from the store.
    Exit codes: 0 ok, 1 a stage failed, 2 it cannot run, 130 interrupted.
    """
    if is_watched:
        return _watched(ctx, words, is_dry=dry_run)
    free = stdout_kept_free(is_wanted=as_json or dry_run)
    special = (dry_run, explain, as_json, texts, file, words.stages, *map(how.get, _SPECIAL))
    with free, loaded(words.target, debug=debug) as found:
        rest = None if any(special) else found.pipeline.rest
        if rest is not None and rest.holds() and not how["force"]:
            return said_at_rest(rest, is_quiet=quiet)
        values = parameters_of(found.pipeline, texts, file)
        values = completed(values, is_asked=False) if not dry_run else values
        asked = _asked(words, found, how)
        if explain or dry_run:
            lines, document = _explained(found.pipeline.plan(values, **asked), is_long=explain)
        if not dry_run:
            from pypedream.cli.up_to_date import brought, said_brought, sinks

            if explain and not as_json:
                say(*lines)
            shown = None if quiet else sinks(found, verbose=verbose)
            run = brought(found, rest, values, asked, shown)
    if not dry_run:
        return said_brought(run, is_quiet=quiet, as_json=as_json, debug=debug)
    if as_json:
        say_json(document)
    else:
        say(*lines)
    return 0


def _watched(ctx: click.Context, words: Words, *, is_dry: bool) -> int:
    """Give the same command, without --watch, again and again."""
    from pypedream.cli.locate import target_of
    from pypedream.cli.watching import folders_of, watch

    if is_dry:
        raise Refused("--watch and --dry-run exclude each other: choose one")
    return watch(["repro", *ctx.meta[_ARGUMENTS]], folders_of(target_of(words.target).file))


def _asked(words: Words, found: Loaded, how: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the run, under the names that `Pipeline.run` has for them."""
    jobs, executor = how["jobs"], how["executor"]
    if jobs is not None and jobs < 1:
        raise Refused(f"--jobs {jobs}: at least one stage runs at a time")
    asked: dict[str, Any] = {"cache": "force" if how["force"] else "cached"}
    asked["until"] = stages_meant(words, found.pipeline.stages) or None
    asked["on_error"] = "continue" if how["keep_going"] else None
    asked["executor"] = executor or ("threads" if (jobs or 1) > 1 else None)
    asked["workers"] = jobs
    asked["allow_missing"] = True if how["allow_missing"] else None
    return {**options.request(asked), **recording(found, how["workspace"])}


def _explained(plan: Plan, *, is_long: bool) -> tuple[list[str], dict[str, Any]]:
    """Return what will happen to each stage as lines, and as what JSON can hold."""
    from pypedream.cli.status import explained_lines, status_data, way_out
    from pypedream.engine.explanation import explained

    stages = explained(plan)
    lines = [*explained_lines(plan, stages)] if is_long else str(plan).splitlines()
    return [*lines, *way_out(plan)], status_data(plan, stages)
