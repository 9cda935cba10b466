"""Which file or module is meant; nothing of the user's is imported to find out."""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.cli.mistakes import Refused
from pypedream.files.paths import project_place
from pypedream.names import did_you_mean_file

if TYPE_CHECKING:
    from pathlib import Path

USUAL_FILE = "pipeline.py"
PROJECT = "pyproject.toml"
_TABLE = b"tool.pypedream"
_SHOWN = 6
_PYTHON = (".py", ".pyw", "")


@frozen(eq=False, repr=False)
class Target:
    """What is to be loaded.

    Attributes
    ----------
    place
        The file, as an absolute path; "" for a module that Python has to find.
    module
        The name to import it by, for a module.
    name
        Name of the Pipeline in it, or of a function that makes it with "()"; "" for the only one.
    shown
        The file or module as the user knows it.
    """

    place: str
    module: str
    name: str
    shown: str

    @property
    def file(self) -> Path | None:
        """The place as a path; None for a module."""
        from pathlib import Path

        return Path(self.place) if self.place else None


def target_of(text: str | None) -> Target:
    """Return what a FILE.py, folder or module, each with or without :name, stands for.

    Raises
    ------
    Refused
        If there is no such thing, or without a text, if there is not one pipeline to choose.
    """
    if not text:
        return _usual_target("")
    from pathlib import Path  # who names no file does not wait for it

    place, name = _split(text)
    path = Path(place)
    if path.suffix == ".ipynb":
        raise Refused(
            f"{place} is a notebook: open it in Jupyter, or write its stages to a file there, by"
            ' to_module("flow.py")'
        )
    if os.path.isfile(path):
        if path.suffix not in _PYTHON:
            raise Refused(f"{place} is no Python file: name the FILE.py of a pipeline")
        return _file_target(str(path), name)
    is_module = all(part.isidentifier() for part in place.split("."))
    if is_module and os.path.isfile(f"{path}.py"):
        return _file_target(f"{path}.py", name)
    if os.path.isdir(path) and not (is_module and (path / "__init__.py").is_file()):
        return _file_target(_only_file(str(path)), name)
    if is_module and path.suffix != ".py":
        return Target("", place, name, place)
    raise Refused(f"no file {place}{_near(path)}")


def project_settings(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the table ``[tool.pypedream]`` of the pyproject.toml in a folder; empty without one.

    Raises
    ------
    Refused
        If the file cannot be read.
    """
    path = os.path.join(folder, PROJECT)
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return {}
    if _TABLE not in text:
        return {}
    import tomllib

    try:
        tool = tomllib.loads(text.decode("utf-8")).get("tool", {})
    except ValueError as error:
        raise Refused(f"cannot read {path}: {error}") from None
    table = tool.get("pypedream", {}) if isinstance(tool, dict) else {}
    return table if isinstance(table, dict) else {}


def pipeline_files(folder: Path) -> list[Path]:
    """Return the files of a folder that seem to define a pipeline, going by their text."""
    return [path for path in sorted(folder.glob("*.py")) if _defines_pipeline(path)]


def pipeline_names(path: Path) -> list[str]:
    """Return the names that a file seems to give to pipelines, going by its text."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    targets = [
        target
        for statement in tree.body
        if _is_pipeline(statement)
        for target in getattr(statement, "targets", [getattr(statement, "target", None)])
    ]
    return list(dict.fromkeys(one.id for one in targets if isinstance(one, ast.Name)))


def _split(text: str) -> tuple[str, str]:
    r"""Split FILE.py:name; the colon of C:\flow.py belongs to the file."""
    place, colon, name = text.rpartition(":")
    if colon and place and (name.removesuffix("()").isidentifier() or not name):
        return place, name
    return text, ""


def _file_target(path: str, name: str) -> Target:
    return Target(os.path.abspath(path), "", name, path)


def _usual_target(here: str) -> Target:
    """Return the pipeline of a folder; where there is none, that of the project around it."""
    if not os.path.isfile(os.path.join(here, USUAL_FILE)) and not _pipeline_files(here):
        around = os.path.relpath(project_place(here))
        is_another = around != os.curdir
        has_one = is_another and (_named_by_project(around) or _pipeline_files(around))
        here = around if has_one else here
    named = _named_by_project(here)
    if named:
        place, name = _split(named)
        path = os.path.join(here, os.path.normpath(place))
        if not os.path.isfile(path):
            raise Refused(f'{os.path.join(here, PROJECT)}: pipeline = "{named}" is no file')
        return _file_target(path, name)
    return _file_target(_only_file(here), "")


def _named_by_project(folder: str) -> str:
    """Return what the pyproject.toml of a folder says that its pipeline is; or ""."""
    named = project_settings(folder).get("pipeline", "")
    if not isinstance(named, str):
        where = os.path.join(folder, PROJECT)
        raise Refused(f'{where}: [tool.pypedream] pipeline is a file: pipeline = "{USUAL_FILE}"')
    return named


def _only_file(folder: str) -> str:
    usual = os.path.join(folder, USUAL_FILE)
    if os.path.isfile(usual):
        return usual
    found = _pipeline_files(folder)
    if len(found) == 1:
        return str(found[0])
    where = "this folder" if folder in ("", os.curdir) else folder
    if not found:
        ways = [f"name its file ({_with_file()})", "make one (python -m pypedream new NAME)"]
        names = sorted(os.listdir(folder or os.curdir))
        notebooks = [name for name in names if name.endswith(".ipynb")]
        if notebooks:
            what = f"write that of {notebooks[0]} to a file there"
            ways.insert(1, f'{what}, by to_module("flow.py")')
        raise Refused(f"no pipeline in {where}: {', '.join(ways[:-1])}, or {ways[-1]}")
    files = ", ".join(str(path) for path in found[:_SHOWN])
    raise Refused(f"{len(found)} files with a pipeline in {where}, name one of them: {files}")


def _pipeline_files(folder: str) -> list[Path]:
    from pathlib import Path

    return pipeline_files(Path(folder))


def _with_file() -> str:
    """Return the command that was given, with a file; "repro" does not need click for its own."""
    import click

    ctx = click.get_current_context(silent=True)
    if ctx is None:
        return "python -m pypedream repro FILE.py"
    words = [ctx.command_path]
    for each in ctx.command.params:
        if "FILE.py|" in (each.metavar or ""):
            option = each.opts[:1] if isinstance(each, click.Option) else []
            return " ".join([*words, *option, "FILE.py"])
        if isinstance(each, click.Argument) and each.required:
            words.append(each.metavar or each.human_readable_name)
    return f"{ctx.command_path} FILE.py"


def _defines_pipeline(path: Path) -> bool:
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return False
    if "pypedream" not in text:
        return False
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # loading it will say where
        return re.search(r"^\w+ *=.*Pipeline\(", text, re.MULTILINE) is not None
    return any(_is_pipeline(statement) for statement in tree.body)


def _is_pipeline(statement: ast.stmt) -> bool:
    """Say whether a statement is ``name = Pipeline(...)``, or of a class with such a name."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return False
    if not isinstance(statement.value, ast.Call):
        return False
    called = statement.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return str(name).endswith("Pipeline")


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f": there is no folder {folder}"
    around = os.path.relpath(os.path.join(project_place(os.curdir), path))
    if os.path.isfile(around):
        return f'; did you mean "{around}"?'
    near = did_you_mean_file(path.name, [each.name for each in folder.glob("*.py")])
    if near:
        return near
    files = [str(each) for each in pipeline_files(folder)[:_SHOWN]]
    return f"; there are {', '.join(files)}" if files else ""
