"""The command ``export``: a pipeline in another form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from pypedream._lazy import export
from pypedream.cli import options
from pypedream.cli.export_airflow import airflow
from pypedream.cli.export_dvc import dvc
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.sources import maker_in, opened
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.cli.values import parameters_of
from pypedream.export.exporters import BUILT_IN
from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from pypedream.export.exporters import Exporter


class _Export(click.Group):
    """The forms; those of other packages are imported when they are named or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        own = list(self.commands)
        if ctx.resilient_parsing:
            return own
        from pypedream.export.exporters import exporters

        found = exporters(lambda trouble: say(f"warning: {trouble}", err=True))
        return [*own, *(name for name in found if name not in own)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in _offered(ctx):
            return self.commands.get(cmd_name)
        from pypedream.export.exporters import exporter

        return _command(exporter(cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            known = [*self.commands, *_offered(ctx)]
            if name not in known:
                near = did_you_mean(name, known) or f"; there are {', '.join(known)}"
                ctx.fail(f'no command "export {name}"{near}')
        return super().resolve_command(ctx, args)


def _offered(ctx: click.Context) -> list[str]:
    """Return the names that other packages offer; completion does not ask for them."""
    if ctx.resilient_parsing:
        return []
    from pypedream.export.exporters import offered

    return list(offered())


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


command.add_command(airflow)
command.add_command(dvc)


@command.command("prefect", short_help="Write a flow for Prefect.")
@options.target
@click.option("--out", metavar="FILE.py", help="The file to write.")
@click.option("--store", metavar="URL", help="Where values are kept between tasks.")
@options.in_tasks
@click.option("--project-root", metavar="DIR", help="A folder that the flow imports from.")
@click.option("--overwrite", is_flag=True, help="Replace FILE.py also if it is somebody's work.")
@options.as_json
def prefect(
    target: str | None,
    debug: bool,
    out: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Write a pipeline as a flow file for Prefect 3; its tasks import the pipeline."""
    if out is None:
        raise Refused("name the file to write: --out flow.py")
    root = how["project_root"]
    may = {"debug": debug, "overwrite": how["overwrite"]}
    paths = () if root is None else (root,)
    with stdout_kept_free(), opened(target, out, **may, paths=paths) as (pipeline, sidecar):
        exporting = export("prefect.exporting")
        written = exporting.to_prefect(pipeline, out, **how, maker=maker_in(target))
        if sidecar is not None:
            sidecar.write(overwrite=how["overwrite"])
    if as_json:
        say_json(asdict(written))
    else:
        say(*str(written).splitlines())


def _command(exporter: Exporter) -> click.Command:
    """Return the command of an exporter that needs no options of its own."""

    @options.target
    @click.option(
        "--out", metavar=f"FILE{exporter.suffix}", help="The file to write, in place of stdout."
    )
    @click.option("--overwrite", is_flag=True, help="Replace a file that was changed by hand, too.")
    @options.as_json
    def write(
        target: str | None, debug: bool, out: str | None, overwrite: bool, as_json: bool
    ) -> None:
        from pypedream.export.writing import text_by

        with stdout_kept_free(), loaded(target, debug=debug) as found:
            made = text_by(exporter, found.pipeline, out or "", overwrite=overwrite)
        if as_json:
            say_json(asdict(made))
        elif out:
            say(*str(made).splitlines())
        else:
            say(*(f"note: {note}" for note in made.notes), err=True)
            say(*made.text.splitlines())

    write.__doc__ = f"{exporter.summary}\n\nIt goes to stdout unless --out names a file."
    return click.command(exporter.name, short_help=exporter.summary)(write)


for each in ("mermaid", "graphviz", "svg"):
    command.add_command(_command(BUILT_IN[each]))
