"""The group of all commands, which imports one when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import COMMANDS, INTERRUPTED, OK, is_somewhere
from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["App", "app"]

_HOMES = {"import-dvc": "import_dvc", "list": "listing"}
"""Modules of commands that cannot bear their names; "list" would hide what Python calls so here."""


class App(click.Group):
    """The group of all commands; it imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click has it
        """Return the names of the commands in the order of a newcomer's needs."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - as click has it
        cmd_name: str,
    ) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(
            f"pypedream.cli.{_HOMES.get(cmd_name, cmd_name)}"
        ).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with, or name the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = did_you_mean(name, COMMANDS) or f"; there are {', '.join(COMMANDS)}"
            ctx.fail(f'no command "{name}"{near}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])

    def make_context(self, *given: Any, **more: Any) -> click.Context:
        """Read the words of a command; --help and --version are carried out by that."""
        try:
            return super().make_context(*given, **more)
        except BrokenPipeError:
            from pypedream.cli.terminal import let_go_of_stdout

            let_go_of_stdout()
            raise click.exceptions.Exit(OK) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Give the command; that nobody reads on, as in "log | head", is no failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end with 1
            from pypedream.cli.terminal import let_go_of_stdout

            let_go_of_stdout()
            return OK

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *_: Any,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; a mistake becomes one line and an exit code."""
        from pypedream.errors import PypedreamError

        extra.setdefault("windows_expand_args", False)  # "-p files=*.csv" is meant as it is
        is_json = "--json" in (sys.argv[1:] if args is None else args)
        try:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
        except (click.ClickException, PypedreamError) as error:
            from pypedream.cli.mistakes import report

            code = report(error, as_json=is_json)
        except click.Abort:
            click.echo("interrupted", err=True)
            code = INTERRUPTED
        except FileNotFoundError:
            if is_somewhere():
                raise
            from pypedream.cli.mistakes import Refused, report

            gone = Refused("the folder that this was given in is gone: cd to one that there is")
            code = report(gone, as_json=is_json)
        code = code if isinstance(code, int) else OK
        return sys.exit(code) if standalone_mode else code


def _show_version(ctx: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        from pypedream.cli.versions import version_of

        click.echo(f"pypedream {version_of('pypedream') or '(not installed)'}")
        ctx.exit()


@click.group(
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def app(ctx: click.Context) -> None:
    """Run workflows that are plain Python functions.

    A pipeline file is found by itself when it is the only one in the folder:
    "python -m pypedream run". Every command has its own --help.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
