"""The command ``new``: a folder with a pipeline to start from."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import click

from pypedream.cli.mistakes import Refused
from pypedream.cli.options import as_json
from pypedream.cli.terminal import ask, command_line, is_person_there, say, say_json

# From each file of a new folder to what it is made from.
TEMPLATES = {
    "csv": {
        "pipeline.py": "table.py",
        "analysis.ipynb": "script.ipynb",
        "data/sample.csv": "sample.csv",
        "README.md": "script.md",
    },
    "plain": {"pipeline.py": "plain.py", "README.md": "script.md"},
    "notebook": {
        "analysis.ipynb": "notebook.ipynb",
        "data/sample.csv": "sample.csv",
        "README.md": "notebook.md",
    },
}
_PLACEHOLDER = "analysis"
_WINDOWS_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


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
    made = _made(folder, template or _asked_template())
    following = _next_command(folder, made)
    if as_json:
        say_json({"folder": str(folder), "files": made, "next": following})
    else:
        say(f"made {folder}: {', '.join(made)}", f"next: {following}")


def _asked_name() -> str:
    if not is_person_there():
        raise Refused("name the folder: python -m pypedream new NAME")
    return ask(f"name of the new folder [{_PLACEHOLDER}]") or _PLACEHOLDER


def _asked_template() -> str:
    if not is_person_there():
        return "csv"
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
    if folder.is_file():
        raise Refused(f"{folder} is a file: choose another name")
    if folder.is_dir() and any(folder.iterdir()):
        raise Refused(f"{folder} is there and not empty: choose another name")
    return folder


def _forbidden(name: str) -> bool:
    return any(letter in '<>:"|?*\\/' or not letter.isprintable() for letter in name)


def _made(folder: Path, template: str) -> list[str]:
    """Write the files of a template and return their names."""
    title = folder.resolve().name
    for name, source in TEMPLATES[template].items():
        path = folder.joinpath(*name.split("/"))
        text = (files("pypedream.cli") / "templates" / source).read_text(encoding="utf-8")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(_entitled(text, path.suffix, title))
        except OSError as error:
            raise Refused(f"cannot write {path}: {error.strerror}") from None
    return list(TEMPLATES[template])


def _entitled(text: str, suffix: str, title: str) -> str:
    """Put the name of the folder where the template has its own."""
    if suffix == ".py":
        quoted = json.dumps(title, ensure_ascii=False)
        return text.replace(f'"{_PLACEHOLDER}"', quoted, 1)
    return text.replace(f"# {_PLACEHOLDER}\n", f"# {title}\n", 1) if suffix == ".md" else text


def _next_command(folder: Path, made: list[str]) -> str:
    if "pipeline.py" in made:
        return command_line("run", str(folder / "pipeline.py"))
    return command_line(str(folder / "analysis.ipynb"), program=("python", "-m", "jupyter", "lab"))
