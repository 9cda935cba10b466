from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from pypedream.cli import COMMANDS, app

PAGE = Path(__file__).parents[2] / "_docs" / "reference" / "command-line.md"


def documented() -> str:
    return PAGE.read_text(encoding="utf-8")


def commands() -> list[tuple[str, click.Command]]:
    """Every command, those of a group as well."""
    context = click.Context(app)
    found = [(name, app.get_command(context, name)) for name in COMMANDS]
    for name, group in found[:]:
        if isinstance(group, click.Group):
            found += [(f"{name} {each}", group.commands[each]) for each in group.commands]
    return found


def options() -> list[tuple[str, str]]:
    return [
        (name, option)
        for name, command in commands()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name):
    """The table of commands has it."""
    assert f"| `{name}` |" in documented()


@pytest.mark.parametrize("name, option", options())
def test_every_option_is_documented(name, option):
    """The page has each option of each command."""
    assert re.search(rf"`[^`\n]*(?<![\w-]){re.escape(option)}(?![\w-])", documented())


def test_no_option_is_documented_that_is_not_there():
    """The page and the program cannot drift apart."""
    known = {option for _, option in options()} | {"--help", "-h", "--version"}

    said = set(
        re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(re.findall(r"`[^`]+`", documented())))
    )

    assert said - known - {"-m"} == set()
