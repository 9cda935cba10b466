"""Import from DVC: a ``dvc.yaml`` as a module whose stages give the same commands.

Each stage becomes a function that gives its command in the folder of the ``dvc.yaml``. What it
reads and writes are paths, which the command opens on its own. From there on a command can be
replaced by Python, one stage after the other.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, frozen

from pypedream.errors import DefinitionError, ExportError
from pypedream.files.paths import checked_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Imported", "module_from_dvc"]

_HEAD = '''\
{about}

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pypedream import Pipeline
from pypedream.files import Dep, Metric, Out, PathOnly, Plot

ROOT = Path(__file__).parent


def give(command: str, folder: str = ".") -> None:
    """Give a command to the shell, in a folder of the project."""
    subprocess.run(command, shell=True, check=True, cwd=ROOT / folder)
'''
_METRIC = "Metric("
_NO_NAME = re.compile(r"\W")
_UNKNOWN = ("foreach", "matrix", "do")
_LEFT_OUT = {
    "frozen": "it is frozen in DVC, and is called here when it has changed",
    "always_changed": "it always counts as changed in DVC; here call it with --force",
}


@frozen
class Imported:
    """A module that was made of a ``dvc.yaml``.

    Attributes
    ----------
    stages
        Their names.
    notes
        What is otherwise than in DVC.
    """

    text: str
    stages: tuple[str, ...]
    notes: tuple[str, ...]


@define
class _Stage:
    """One stage as it is written."""

    name: str
    commands: list[str]
    folder: str = ""
    about: str = ""
    deps: list[str] = Factory(list)
    outs: list[tuple[str, str]] = Factory(list)


def module_from_dvc(document: Mapping[str, Any], root: Path, source: str) -> Imported:
    """Return the text of a module with the stages of a ``dvc.yaml``.

    Parameters
    ----------
    document
        What is in it.
    root
        Its folder: what is a folder there is one in the module.
    source
        What it is called in the text.

    Raises
    ------
    ExportError
        With a line for each stage that cannot be read.
    """
    stages: list[_Stage] = []
    wrong: list[str] = []
    notes: list[str] = []
    for name, said in (document.get("stages") or {}).items():
        try:
            stages.append(_read(str(name), said, root, notes))
        except (DefinitionError, ValueError, TypeError, AttributeError) as error:
            wrong.append(f'  stage "{name}": {error}')
    if wrong or not stages:
        raise ExportError("\n".join([f"{source} cannot be imported:", *(wrong or ["  no stages"])]))
    names = _distinct(stage.name for stage in stages)
    pieces = [_HEAD.replace("{about}", _docstring(f"The pipeline of {source}."))]
    pieces += [_written(stage, names[stage.name]) for stage in stages]
    pieces.append('flow = Pipeline("dvc")')
    registered = "\n".join(
        f"flow.register({names[stage.name]}, name={stage.name!r})" for stage in stages
    )
    text = "\n\n".join(pieces) + f"\n{registered}\n"
    return Imported(text, tuple(stage.name for stage in stages), tuple(notes))


def _read(name: str, said: Any, root: Path, notes: list[str]) -> _Stage:
    unknown = [key for key in _UNKNOWN if key in said]
    if unknown or "${" in repr(said):
        raise ValueError("it is a template: write out what it stands for first")
    command = said.get("cmd", "")
    commands = [str(each) for each in (command if isinstance(command, list) else [command])]
    folder = str(said.get("wdir") or "").strip("/")
    stage = _Stage(name, commands, "" if folder == "." else folder, str(said.get("desc") or ""))
    for path, _ in _paths(said.get("deps")):
        stage.deps.append(_place(path, stage.folder, root))
    for path in _parameter_files(said.get("params")):
        stage.deps.append(_place(path, stage.folder, root))
        notes.append(
            f'stage "{name}": any change in {path} counts, not only that of its parameters'
        )
    for kind in ("outs", "metrics", "plots"):
        for path, how in _paths(said.get(kind)):
            place = _place(path, stage.folder, root)
            stage.outs.append((place, _annotation(kind, place, how)))
            if how.get("persist"):
                notes.append(f'stage "{name}": {path} is not removed before the command, as in DVC')
    notes += [f'stage "{name}": {text}' for key, text in _LEFT_OUT.items() if said.get(key)]
    stage.deps = list(dict.fromkeys(stage.deps))
    return stage


def _paths(said: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in said or ():
        if isinstance(each, str):
            yield each, {}
        else:
            yield from ((str(path), how or {}) for path, how in each.items())


def _parameter_files(said: Any) -> list[str]:
    files = [next(iter(each)) if isinstance(each, dict) else "params.yaml" for each in said or ()]
    return list(dict.fromkeys(map(str, files)))


def _place(path: str, folder: str, root: Path) -> str:
    """Return a path from the root of the project; "/" at the end says that it is a folder."""
    parts: list[str] = []
    for part in f"{folder}/{path}".split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if path.startswith("/") or ".." in parts:
        raise ValueError(f'"{path}" is outside of the project')
    place = checked_path("/".join(parts))
    is_folder = (root / place).is_dir() or path.endswith("/")
    return f"{place}/" if is_folder else place


def _annotation(kind: str, path: str, how: Mapping[str, Any]) -> str:
    is_cached = how.get("cache", True)
    cache = "" if is_cached else ", cache=False"
    if kind == "metrics" and path.endswith(".json"):
        return f"Metric({path!r})"
    if kind == "plots":
        shown = "".join(f", {name}={how[name]!r}" for name in ("x", "y", "template") if name in how)
        return f"Plot({path!r}, PathOnly(){cache}{shown})"
    return f"Out({path!r}, PathOnly(){cache})"


def _written(stage: _Stage, name: str) -> str:
    """Return a stage as code: the class of its outputs, if it has any, and its function."""
    deps, outs = _distinct(stage.deps), _distinct(path for path, _ in stage.outs)
    title = "".join(part.title() for part in name.split("_")) + "Outputs"
    lines = []
    if stage.outs:
        kinds = {path: "Any" if how.startswith(_METRIC) else "Path" for path, how in stage.outs}
        lines += [f"class {title}(TypedDict):"]
        lines += [f"    {outs[path]}: Annotated[{kinds[path]}, {how}]" for path, how in stage.outs]
        lines += ["", ""]
    arguments = [
        f"    {deps[path]}: Annotated[Path, Dep({path!r}, PathOnly())]," for path in stage.deps
    ]
    returned = title if stage.outs else "None"
    lines += (
        [f"def {name}(", *arguments, f") -> {returned}:"]
        if arguments
        else [f"def {name}() -> {returned}:"]
    )
    if stage.about:
        lines.append(f"    {_docstring(stage.about)}")
    folder = f", {stage.folder!r}" if stage.folder else ""
    lines += [f"    give({command!r}{folder})" for command in stage.commands]
    if stage.outs:
        inside = ", ".join(f'"{outs[path]}": {_value(path, how)}' for path, how in stage.outs)
        lines.append(f"    return {{{inside}}}")
    return "\n".join(lines) + "\n"


def _value(path: str, how: str) -> str:
    place = f"ROOT / {path!r}"
    return f"json.loads(({place}).read_bytes())" if how.startswith(_METRIC) else place


def _docstring(text: str) -> str:
    line = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{line}"""'


def _distinct(texts: Iterable[str]) -> dict[str, str]:
    """Return a name of Python for each text, no two the same."""
    found: dict[str, str] = {}
    for text in texts:
        name = _NO_NAME.sub("_", text).strip("_").lower() or "it"
        if name[0].isdigit() or keyword.iskeyword(name) or name in ("give", "flow"):
            name = f"{'stage' if name in ('give', 'flow') else 'it'}_{name}"
        number, wanted = 2, name
        while name in found.values():
            name, number = f"{wanted}_{number}", number + 1
        found[text] = name
    return found
