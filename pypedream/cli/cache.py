"""The command ``cache``: what the store of a workspace holds, and what of it may go."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from pypedream.cli import FAILED, OK, options
from pypedream.cli.carry_out import recording
from pypedream.cli.groups import Group
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.terminal import say, say_json
from pypedream.cli.values import parameters_of
from pypedream.cli.workspaces import workspace_of
from pypedream.errors import CorruptEntry
from pypedream.log.durations import duration_text
from pypedream.log.moments import local_time
from pypedream.names import did_you_mean
from pypedream.parameters.display import table
from pypedream.values import size_text

if TYPE_CHECKING:
    from pypedream.files.hashes import Digest
    from pypedream.store import CacheStore
    from pypedream.store.entry import Entry

_HEADING = ("key", "stage", "serializer", "size", "created", "used", "took")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_PERIODS = {"s": 1, "min": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.IGNORECASE)
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)", re.IGNORECASE)
_COPY = re.compile(r"(file|folder)/([0-9a-f]{64})")


def _size(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """Return how many bytes a text such as "10GB" means."""
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f'"{text}" is no size: write 500MB or 10GB')
    return int(float(found[1]) * _UNITS[found[2].lower()])


def _age(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """Return how many seconds a text such as "30d" means."""
    if text is None:
        return None
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f'"{text}" is no time: write 12h, 30d or 8w')
    return float(found[1]) * _PERIODS[found[2].lower()]


_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")


@click.group("cache", cls=Group, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Look at the store of a workspace, check it and clean it up."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@command.command("ls", short_help="List what is kept.")
@options.workspace
@options.as_json
def list_entries(workspace: str | None, as_json: bool) -> None:
    """List what is kept, with its size, when it was made and when it was used last."""
    store = _opened(workspace, readonly=True)
    found = list(store.backend.scan())
    if as_json:
        say_json([_data(entry) for entry in found])
    elif not found:
        say(f"nothing is kept in {store.location}")
    else:
        say(*table([_HEADING, *map(_row, found)]).splitlines())


@command.command("gc", short_help="Delete what was not used for long.")
@options.workspace
@click.option(
    "--max-size",
    metavar="SIZE",
    callback=_size,
    help="How much may stay, as 10GB: what was not used for longest goes.",
)
@click.option(
    "--max-age",
    metavar="TIME",
    callback=_age,
    help="What was not used for as long goes: 12h, 30d, 8w.",
)
@click.option(
    "--keep-last",
    type=click.IntRange(min=0),
    metavar="N",
    help="So many stay in any case, those used last; alone: all others go.",
)
@_dry_run
@options.as_json
def clean_up(workspace: str | None, dry_run: bool, as_json: bool, **limits: Any) -> None:
    """Delete what was not used for long, and in any case what crashes left behind.

    Outputs that the lock of a stage names stay.
    """
    from pypedream.files.pins import pinned_keys

    store = _opened(workspace, readonly=dry_run)
    pinned = pinned_keys(store, workspace_of(workspace))
    pruned = store.gc(**limits, dry_run=dry_run, pinned=pinned)
    if as_json:
        say_json({**asdict(pruned), "dry_run": dry_run})
        return
    delete, free = ("would delete", "free") if dry_run else ("deleted", "freed")
    count, size = _counted(len(pruned.keys)), size_text(pruned.freed_bytes)
    say(*(f"{delete} {key}" for key in pruned.keys))
    say(f"{delete} {count} and {free} {size}; {_counted(pruned.kept)} kept")


@command.command("rm", short_help="Delete the values of some keys.")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@options.workspace
@_dry_run
@options.as_json
def remove(keys: tuple[str, ...], workspace: str | None, dry_run: bool, as_json: bool) -> None:
    """Delete the values of these keys; if one is not there, nothing is deleted."""
    store = _opened(workspace, readonly=dry_run)
    known = store.keys()
    for key in keys:
        if key not in known:
            raise Refused(f'{store.location} has no "{key}"{did_you_mean(key, known)}')
    for key in keys if not dry_run else ():
        store.delete(key, dry_run=False)
    if as_json:
        say_json({"keys": list(keys), "dry_run": dry_run})
    else:
        say(*(f"{'would delete' if dry_run else 'deleted'} {key}" for key in keys))


@command.command("verify", short_help="Compare everything with its digest.")
@options.workspace
@options.as_json
def verify(workspace: str | None, as_json: bool) -> int:
    """Compare everything with its digest; ends with 1 if something is damaged."""
    store = _opened(workspace, readonly=True)
    checked = store.verify()
    wrong = [one for one in checked if one.state != "ok"]
    if as_json:
        say_json([asdict(one) for one in checked])
    else:
        say(*(f"{one.state} {one.key}: {one.reason}" for one in wrong))
        say(f"{len(checked) - len(wrong)} of {_counted(len(checked))} ok in {store.location}")
    return FAILED if wrong else OK


@command.command("path", short_help="Say where the store is, or a value.")
@click.argument("key", required=False)
@options.workspace
@options.as_json
def path(key: str | None, workspace: str | None, as_json: bool) -> None:
    """Say where the store is, or the content of KEY: to look at, not to change."""
    store = _opened(workspace, readonly=True)
    if key is not None and not key.isascii() and key.encode(errors="ignore").decode() != key:
        raise Refused(f'{store.location} has no "{key}": it is no text in UTF-8')
    found = store.location if key is None else store.path(key)
    if as_json:
        say_json({"key": key, "path": found})
    else:
        say(found)


@command.command("get", short_help="Make a file again from its copy.")
@click.argument("key")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@options.workspace
@options.as_json
def get(key: str, file: Path, workspace: str | None, as_json: bool) -> None:
    """Make FILE from the copy that is kept as KEY, such as file/5e1f...; nothing is replaced."""
    from pypedream.files.blobs import FileBlobs

    digest = _digest_of(key)
    if digest is None:
        hint = "it begins with file/ or folder/, as a run said or cache ls lists it"
        raise Refused(f'"{key}" is no key of a copy of a file: {hint}')
    if os.path.lexists(file):
        raise Refused(f"{file} is there: move it, or name another file")
    FileBlobs(_opened(workspace, readonly=True)).restore(digest, file)
    if as_json:
        say_json({"key": key, "path": str(file)})
    else:
        say(f"made {file}")


@command.command("adopt", short_help="Keep a result after a rename.")
@click.argument("was", metavar="OLD")
@click.argument("stage", metavar="NEW")
@options.target
@options.parameters
@options.workspace
def adopt(
    *,
    was: str,
    stage: str,
    target: str | None,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    workspace: str | None,
) -> None:
    """Say that stage NEW gives what stage OLD gave before it was renamed or written otherwise.

    OLD and NEW may be the same. The last kept result of OLD then counts as that of NEW, if it was
    computed from the same inputs.
    """
    with loaded(target, debug=debug) as found:
        values = parameters_of(found.pipeline, texts, file).settings
        run = found.pipeline.adopt(stage, was=was, **values, **recording(found, workspace))
    say(f"the result of {was} in run {run} counts as that of {stage}")


def _opened(workspace: str | None, *, readonly: bool) -> CacheStore:
    """Open the store of a workspace; one that is not there is empty and is not made."""
    from pypedream.store import CacheStore

    folder = workspace_of(workspace) / "store"
    return CacheStore(folder, readonly=readonly or not folder.is_dir())


def _digest_of(key: str) -> Digest | None:
    """Return what the key of a copy stands for, but for its size; None if it is none of one."""
    from pypedream.files.hashes import Digest

    found = _COPY.fullmatch(key)
    return None if found is None else Digest(found[2], 0, is_folder=found[1] == "folder")


def _data(entry: Entry | CorruptEntry) -> dict[str, Any]:
    if isinstance(entry, CorruptEntry):
        return {"key": entry.key, "error": str(entry)}
    return {
        "key": entry.key,
        "serializer": entry.serializer,
        "size_bytes": entry.size,
        "created": _utc(entry.created),
        "used": _utc(entry.used),
        "duration_s": entry.duration_s,
        "digest": entry.digest,
        "about": entry.metadata.get("additional_metadata", {}),
    }


def _row(entry: Entry | CorruptEntry) -> tuple[str, ...]:
    if isinstance(entry, CorruptEntry):
        return entry.key, "", "(damaged)", "", "", "", ""
    took = "" if entry.duration_s is None else duration_text(entry.duration_s)
    created, used = local_time(_utc(entry.created)), local_time(_utc(entry.used))
    size = size_text(entry.size)
    return entry.key, _stage_of(entry), entry.serializer, size, created, used, took


def _stage_of(entry: Entry) -> str:
    """Return which stage gave a value; "" for one that was put there by hand."""
    about = entry.metadata.get("additional_metadata", {})
    return f"{about.get('pipeline', '')}:{about['stage']}" if "stage" in about else ""


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _counted(number: int) -> str:
    return "1 value" if number == 1 else f"{number} values"
