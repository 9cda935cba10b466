"""The command ``export``: a pipeline in another form."""

from __future__ import annotations

import click
from attrs import asdict

from pypedream.cli import options
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.values import parameters_of
from pypedream.names import did_you_mean

_FORMS = ("module",)


class _Export(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _FORMS and not name.startswith("-") and not ctx.resilient_parsing:
            near = did_you_mean(name, _FORMS) or f"; there are {', '.join(_FORMS)}"
            ctx.fail(f'no command "export {name}"{near}')
        return super().resolve_command(ctx, args)


@click.group("export", cls=_Export, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Write a pipeline in another form."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@command.command("module", short_help="Write a module with just what a pipeline needs.")
@options.target
@options.parameters
@click.option("--out", metavar="FILE.py", help="The file to write.")
@click.option("--no-check", is_flag=True, help="Run nothing to prove that both give the same.")
@click.option("--overwrite", is_flag=True, help="Replace FILE.py also if it was changed by hand.")
@options.as_json
def module(
    target: str | None,
    debug: bool,
    texts: dict[str, str],
    file: str | None,
    out: str | None,
    **how: bool,
) -> None:
    """Write a module with the stages of a pipeline and exactly what they need.

    Both are run, with the same -p and --params, to prove that each stage gives the same; nothing
    is written if it does not.
    """
    if out is None:
        raise Refused("name the file to write: --out flow.py")
    with stdout_kept_free(), loaded(target, debug=debug) as found:
        values = parameters_of(found.pipeline, texts, file)
        written = found.pipeline.to_module(
            out, values, check=not how["no_check"], overwrite=how["overwrite"]
        )
    if how["as_json"]:
        say_json(asdict(written))
    else:
        say(*str(written).splitlines())
