"""Groups of commands: which one is meant where none is named, and the nearest to a mistyped one."""

from __future__ import annotations

import click

from pypedream.names import did_you_mean


class Group(click.Group):
    """A group whose commands come in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click has it
        """Return the names."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with, or name the nearest one."""
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            near = did_you_mean(name, self.commands) or f"; there are {', '.join(self.commands)}"
            ctx.fail(f'no command "{self.name} {name}"{near}')
        return super().resolve_command(ctx, args)


class ShowGroup(Group):
    """A group that means its command "show" where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put "show" before arguments that name no command."""
        is_help = bool(args) and args[0] in ctx.help_option_names
        if not is_help and (not args or args[0] not in self.commands):
            args = ["show", *args]
        return super().parse_args(ctx, args)
