"""Arguments and options that several commands share; each means the same wherever it appears.

They are handed on under the names that `Pipeline.run` has for them.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pypedream.cli import suggestions

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

TARGET = "[FILE.py|module][:name]"


def names(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Split lists at commas: "--only a,b" is "--only a --only b"."""
    parts = [part.strip() for value in values for part in value.split(",")]
    names = tuple(part for part in parts if part)
    if values and not names:  # an empty variable of a script must not come to mean "everything"
        raise click.BadParameter("it is empty: name a stage or leave it out", ctx, parameter)
    return names


def _pairs(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Split each at its first "="; "a = b" is "a=b", and "a= b" has a value that begins so."""
    found = {}
    for value in values:
        name, sign, text = value.partition("=")
        if not sign or not name.strip():
            example = f"{parameter.opts[0]} {name.strip() or 'name'}=value"
            raise click.BadParameter(f'"{value}" is no name=value: write {example}', ctx, parameter)
        is_spaced = name != name.rstrip()
        found[name.strip()] = text.strip() if is_spaced else text
    return found


def _given(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    found = {}
    for stage, text in _pairs(ctx, parameter, values).items():
        try:
            found[stage] = json.loads(text)
        except ValueError as error:
            hint = f"a text has quotes: {parameter.opts[0]} '{stage}=\"text\"'"
            message = f'the value of stage "{stage}" is not JSON ({error}); {hint}'
            raise click.BadParameter(message, ctx, parameter) from None
    return found


def _limits(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    from pypedream.engine.options import limits_in  # help and mistakes need no engine

    found: dict[str, int] = {}
    for value in values:
        limits = limits_in(value)
        if limits is None:
            example = f"{parameter.opts[0]} db=4"
            raise click.BadParameter(
                f'"{value}" is no name=count with a count from 1 up: write {example}',
                ctx,
                parameter,
            )
        found |= limits
    return found


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return one decorator that adds *options* in this order."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_stages = partial(
    click.option,
    multiple=True,
    metavar="STAGE",
    callback=names,
    shell_complete=suggestions.stages,
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

debug = click.option("--debug", is_flag=True, help="Show full tracebacks.")

revision = click.argument("revision", default="HEAD", metavar="[REV]")

target = together(
    click.argument("target", required=False, metavar=TARGET, shell_complete=suggestions.targets),
    debug,
)

parameters = together(
    click.option(
        "-p",
        "texts",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_pairs,
        shell_complete=suggestions.parameters,
        help="Set a parameter; may be repeated.",
    ),
    click.option(
        "--params",
        "file",
        type=click.Path(),
        metavar="FILE",
        help="Set parameters from a .toml, .json or .yaml file.",
    ),
)

selection = together(
    _stages("--only", "only", help="These and no others."),
    _stages("--until", "until", help="These and what they need."),
    _stages("--from", "from_", help="These and what needs them."),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="TAG",
        callback=names,
        shell_complete=suggestions.tags,
        help="Stages with one of these tags.",
    ),
    click.option(
        "--given",
        multiple=True,
        metavar="STAGE=JSON",
        callback=_given,
        shell_complete=suggestions.given,
        help="Take this value in place of calling the stage.",
    ),
)

cache = click.option(
    "--cache",
    metavar="MODE",
    help='"cached" takes over kept results; also "force", "read-only", "retry", "off" (default).',
)

executor = click.option(
    "--executor",
    metavar="NAME",
    help='"serial" (default), "threads", "processes", "dask", "ray" or "slurm".',
)

execution = together(
    executor,
    click.option(
        "--workers", type=int, metavar="N", help="How many stages and items are called at a time."
    ),
    cache,
    click.option(
        "--on-error",
        metavar="MODE",
        help='After a failure "stop" (default), or "continue" with what does not need it; "collect"'
        " also hands on failed items among the results.",
    ),
    click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=N",
        callback=_limits,
        help="How many there are of a resource that stages use; may be repeated.",
    ),
)

workspace = click.option(
    "--workspace",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Where runs are recorded.",
)


def request(chosen: dict[str, Any]) -> dict[str, Any]:
    """Return of *chosen* what was said, under the names that `Pipeline.run` has."""
    return {name: value for name, value in chosen.items() if value not in (None, (), {})}


in_tasks = together(
    click.option(
        "--group-as-task",
        multiple=True,
        metavar="PREFIX",
        help="Make one task of an included pipeline; may be repeated.",
    ),
    click.option("--map-chunk", type=int, metavar="N", help="Items of a mapped stage in one task."),
)
