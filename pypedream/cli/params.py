"""The command ``params``: what there is to set, who set it, and what it was in a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import options
from pypedream.cli.compared import say_compared
from pypedream.cli.groups import ShowGroup
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused, refusal
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.toml import toml_lines
from pypedream.cli.values import as_typed, parameters_of
from pypedream.errors import ParameterError
from pypedream.files.metrics import compared
from pypedream.files.paths import project_root
from pypedream.parameters.display import plain_data, table
from pypedream.parameters.secret import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.files.locks import ParamLock
    from pypedream.parameters import Parameter, Parameters
    from pypedream.pipeline import Pipeline

_SHORT = 8
_HEADING = ("name", "accepts", "value", "from", "help")


@click.group("params", cls=ShowGroup)
def command() -> None:
    """Show the parameters of a pipeline, and compare those of its stages with a revision of git.

    Without a command it is "show".
    """


@command.command("show", short_help="List the parameters and their values.")
@options.target
@options.parameters
@options.as_json
@click.option("--toml", "as_toml", is_flag=True, help="Print a file to start from, for --params.")
def show(
    target: str | None,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    as_json: bool,
    as_toml: bool,
) -> None:
    """List the parameters of a pipeline: what they accept, their values and where from.

    With the same -p, --params and environment a run has the same values.
    """
    if as_json and as_toml:
        raise Refused("--json and --toml exclude each other: choose one")
    with stdout_kept_free(), loaded(target, debug=debug) as found:
        parameters = _with_params_file(found.pipeline, parameters_of(found.pipeline, texts, file))
    if as_json:
        say_json(
            {
                "pipeline": found.pipeline.name,
                "parameters": [_data(parameters, each) for each in parameters.definitions.values()],
            }
        )
    elif as_toml:
        say(*toml_lines(parameters))
    elif not parameters.definitions:
        say(f'pipeline "{found.pipeline.name}" has no parameters')
    else:
        rows = [_row(parameters, each) for each in parameters.definitions.values()]
        say(*table([_HEADING, *rows]).splitlines())


def _with_params_file(pipeline: Pipeline, parameters: Parameters) -> Parameters:
    """Return the parameters with what the file beside the project's says of its stages."""
    if not pipeline.blueprint.has_files:
        return parameters
    from pypedream.files.stage_groups import with_file_values

    definition = pipeline.blueprint.definition
    try:
        return with_file_values(parameters, definition.stages, definition.scopes)
    except ParameterError as error:
        raise refusal([error]) from None


@command.command("diff", short_help="Compare with a revision.")
@options.revision
@click.option(
    "--pipeline", "target", metavar=options.TARGET, help="The pipeline, if not the usual."
)
@options.debug
@options.parameters
@options.as_json
def diff(
    revision: str,
    target: str | None,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    as_json: bool,
) -> None:
    """Show the parameters of stages that are not what they were in a revision of git.

    What they were is what the locks of that revision say; what they are is what the next run would
    use.
    """
    from pypedream.engine.stage_locks import parameters_now
    from pypedream.files.revisions import Revision

    with stdout_kept_free(), loaded(target, debug=debug) as found:
        values = parameters_of(found.pipeline, texts, file)
        before = Revision(project_root(found.folder), revision)
        now = parameters_now(found.pipeline.plan(values, cache="cached"))
    old = {key: _shown(lock.params) for key, lock in before.locks.items()}
    new = {key: _shown(params) for key, params in now.items()}
    say_compared([*compared(old, new)], "stage", revision, as_json=as_json)


def _shown(params: Mapping[str, ParamLock]) -> dict[str, str]:
    """Return values as they are shown; two that only look the same have their digests behind."""
    return {
        name: f"{one.shown} {one.digest[:_SHORT]}" if one.digest else one.shown
        for name, one in params.items()
    }


def _row(parameters: Parameters, definition: Parameter) -> tuple[str, ...]:
    name = definition.name
    source = parameters.source(name)
    value = parameters.get(name)
    is_known = name not in parameters.missing and (value is not None or name in parameters)
    shown = as_typed(definition, value) if is_known else ""
    if name in parameters.missing:
        source = "has to be set"
    elif source != "default" and not definition.is_required and not definition.is_computed:
        source = f"{source} (default {as_typed(definition, definition.default)})"
    return name, definition.rules, shown, source, definition.help


def _data(parameters: Parameters, definition: Parameter) -> dict[str, Any]:
    name = definition.name
    has_default = not definition.is_required and not definition.is_computed

    def plain(value: Any) -> Any:
        return MASK if definition.secret and value is not None else plain_data(value)

    return {
        "name": name,
        "accepts": definition.rules,
        "required": definition.is_required,
        "default": plain(definition.default) if has_default else None,
        "value": plain(parameters.get(name)),
        "source": parameters.source(name),
        "help": definition.help,
        "secret": definition.secret,
        "environment": definition.environment_name,
    }
