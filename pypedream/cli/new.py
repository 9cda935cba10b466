"""The command ``new``: a folder with a pipeline to start from."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from pypedream.cli.locate import USUAL_FILE
from pypedream.cli.mistakes import Refused
from pypedream.cli.options import as_json
from pypedream.cli.starters import NOTEBOOK, TEMPLATES, TITLE, make
from pypedream.cli.terminal import ask, can_ask, command_line, say, say_json

_WINDOWS_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_ABOUT = {
    "csv": "a pipeline in a file, a notebook that uses it, a table",
    "plain": "a pipeline in a file",
    "notebook": "all in the cells of a notebook, a table",
}


@click.command("new")
@click.argument("name", required=False)
@click.option(
    "--template",
    type=click.Choice(list(TEMPLATES)),
    help="csv (default): a table and a starter notebook; plain: one file; notebook: all in cells.",
)
@as_json
def command(name: str | None, template: str | None, as_json: bool) -> None:
    """Make the folder NAME with a pipeline that runs, to be changed into yours.

    Asks for what is not given when it is used at a terminal. Nothing is ever overwritten.
    """
    if name is None:
        name = _asked_name()
    folder = _free_folder(name)
    made = make(folder, template or _asked_template())
    following = _next_command(folder, made)
    if as_json:
        say_json({"folder": str(folder), "files": made, "next": following})
    else:
        say(f"made {folder}: {', '.join(made)}", f"next: {following}")


def _asked_name() -> str:
    if not can_ask():
        raise Refused("name the folder: python -m pypedream new NAME")
    return ask(f"name of the new folder [{TITLE}]") or TITLE


def _asked_template() -> str:
    if not can_ask():
        return "csv"
    wide = max(map(len, _ABOUT))
    say(*(f"  {name:<{wide}}  {about}" for name, about in _ABOUT.items()), err=True)
    choice = click.Choice(list(TEMPLATES))
    answer: str = click.prompt("template", type=choice, default="csv", err=True)
    return answer


def _free_folder(name: str) -> Path:
    """Return the folder to make, if it can be made on any system and nothing is in it.

    Raises
    ------
    Refused
        If not.
    """
    folder = Path(name)
    last = folder.name
    if last and (last[-1] in ". " or _WINDOWS_NAMES.fullmatch(last) or _forbidden(last)):
        raise Refused(f'"{last}" is no name for a folder on every system: use letters and digits')
    if os.path.isfile(folder):
        raise Refused(f"{folder} is a file: choose another name")
    if os.path.isdir(folder) and any(folder.iterdir()):
        raise Refused(f"{folder} is there and not empty: choose another name")
    return folder


def _forbidden(name: str) -> bool:
    return any(letter in '<>:"|?*\\/' or not letter.isprintable() for letter in name)


def _next_command(folder: Path, made: list[str]) -> str:
    if USUAL_FILE in made:
        return command_line("run", str(folder / USUAL_FILE))
    return command_line("ui", str(folder / NOTEBOOK))
