"""DVC: a pipeline of files as the text of a ``dvc.yaml``, whose stages call pypedream.

DVC knows files only. So a stage may read what another one gave through files alone. Its names have
letters, digits, "_" and "-": "train@small" becomes "train-small". It has no patterns: the folder of
what matches takes their place. Parameters are in a file beside it, from which both read them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pypedream.errors import ExportError
from pypedream.files.globs import fixed_part
from pypedream.files.paths import is_glob
from pypedream.files.templates import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.export.outline import Outline, Task
    from pypedream.files.spec import FileOut

__all__ = ["PARAMETERS", "dvc_text", "names_in_dvc"]

PARAMETERS: Final = "dvc-params.json"
"""The file with the parameters, beside the ``dvc.yaml``."""

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_KINDS: Final = {"metric": "metrics", "plot": "plots"}


def dvc_text(outline: Outline) -> str:
    """Return the text of a ``dvc.yaml``.

    Raises
    ------
    ExportError
        With a line for each stage that DVC cannot have.
    """
    reasons = [reason for task in outline.tasks.values() for reason in _reasons(task)]
    if reasons:
        raise ExportError(
            "\n".join([f'pipeline "{outline.name}" cannot be written for DVC:', *reasons])
        )
    names = names_in_dvc(outline)
    stages = {names[key]: _stage(task, outline) for key, task in outline.tasks.items()}
    return "\n".join(_lines({"stages": stages})) + "\n"


def names_in_dvc(outline: Outline) -> dict[str, str]:
    """Return what stages are called in DVC, by key; no two the same."""
    found: dict[str, str] = {}
    for key in outline.tasks:
        name = wanted = _NO_NAME.sub("-", key).strip("-") or "stage"
        number = 2
        while name in found.values():
            name, number = f"{wanted}-{number}", number + 1
        found[key] = name
    return found


def _reasons(task: Task) -> Iterator[str]:
    where = f" ({task.place})" if task.place is not None else ""
    for key in task.by_value:
        yield (
            f'  stage "{task.key}" reads the value of "{key}", and DVC hands on files only: let'
            f" both name a file{where}"
        )
    if task.files is None and not task.by_value:
        yield f'  stage "{task.key}" reads and writes no file{where}'
    if task.is_mapped or task.is_conditional:
        what = "is mapped over items" if task.is_mapped else "has a condition"
        yield f'  stage "{task.key}" {what}, which DVC does not know{where}'


def _stage(task: Task, outline: Outline) -> dict[str, Any]:
    assert task.files is not None
    spec = task.files.spec
    made: dict[str, Any] = {"cmd": _command(task, outline)}
    if task.about:
        made["desc"] = task.about
    code = outline.options.get("code", {}).get(task.key, ())
    paths = [
        path for dep in spec.deps.values() if not dep.is_incremental for path in _of(dep.paths)
    ]
    deps = list(dict.fromkeys([*code, *paths]))
    if deps:
        made["deps"] = deps
    if task.parameters:
        made["params"] = [{PARAMETERS: list(task.parameters)}]
    for out in spec.outs.values():
        for path in texts_of(out.path):
            made.setdefault(_KINDS.get(out.kind, "outs"), []).append(_out(path, out))
    return made


def _command(task: Task, outline: Outline) -> str:
    from shlex import join

    target = [outline.target] if outline.target else []
    params = ["--params", PARAMETERS] if task.parameters else []
    words = ["run", *target, "--only", task.key, *params, "--no-workspace", "--quiet"]
    return join(["python", "-m", "pypedream", *words])


def _of(paths: Any) -> Iterator[str]:
    for path in texts_of(paths or ()):
        yield (fixed_part(path) or ".") if is_glob(path) else path.rstrip("/")


def _out(path: str, out: FileOut) -> Any:
    said: dict[str, Any] = {}
    if not out.is_cached:
        said["cache"] = False
    if out.kind == "incremental":
        said["persist"] = True
    if out.kind == "plot":
        said |= {name: getattr(out, name) for name in ("x", "y", "template") if getattr(out, name)}
    path = path.rstrip("/")
    return {path: said} if said else path


def _lines(value: Any, indent: str = "") -> Iterator[str]:
    """Yield a value as YAML; every text that could be read as anything else is quoted."""
    members = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for key, member in members:
        start = f"{indent}- " if key is None else f"{indent}{_scalar(key)}:"
        if isinstance(member, (dict, list)):
            inner = list(_lines(member, f"{indent}  "))
            if key is None:  # the first line of what is inside stands behind the dash
                inner[0] = f"{start}{inner[0].lstrip()}"
            else:
                yield start
            yield from inner
        else:
            yield f"{start}{'' if key is None else ' '}{_scalar(member)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def parameters_text(values: Mapping[str, Any]) -> str:
    """Return the file of parameters: nested by their dots, as DVC and pypedream read it."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *groups, last = name.split(".")
        inside = nested
        for group in groups:
            inside = inside.setdefault(group, {})
        inside[last] = value
    return json.dumps(nested, indent=2, ensure_ascii=False) + "\n"
