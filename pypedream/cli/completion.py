"""The command ``completion``: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pypedream.cli import app
from pypedream.cli.mistakes import Refused

PROGRAM = "pypedream"
SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    r"""Print a script that completes the command "pypedream" in a shell.

    \b
    bash: pypedream completion bash > ~/.pypedream.bash, and in .bashrc: . ~/.pypedream.bash
    zsh:  pypedream completion zsh > ~/.pypedream.zsh, and in .zshrc: . ~/.pypedream.zsh
    fish: pypedream completion fish > ~/.config/fish/completions/pypedream.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise Refused(f"no completion for {shell}; there is one for {', '.join(SHELLS)}")
    click.echo(kind(app, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())
