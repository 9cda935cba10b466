"""The files for DVC: `dvc.yaml` with its parameters, and whether DVC reads what is meant."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from pypedream.engine.request import in_project
from pypedream.errors import ExportError
from pypedream.export.dvc import PARAMETERS, dvc_text, names_in_dvc, parameters_text
from pypedream.export.mark import free_place, marked
from pypedream.export.outlining import outline_of
from pypedream.formats import replacing
from pypedream.parameters.display import plain_data

if TYPE_CHECKING:
    from pypedream.export.outline import Outline
    from pypedream.pipeline import Pipeline

_TIMEOUT_S = 120


@frozen
class ForDvc:
    """A pipeline as DVC has it.

    Attributes
    ----------
    text
        The text of ``dvc.yaml``.
    parameters
        The text of the file with the parameters; "" if there are none.
    names
        What stages are called there, by key.
    """

    text: str
    parameters: str
    names: dict[str, str]

    def write(self, path: Path, *, overwrite: bool) -> None:
        """Write both files; the parameters beside the other one.

        Raises
        ------
        ExportError
            If a ``dvc.yaml`` that is there was changed by hand.
        """
        text = marked(self.text, ".yaml")
        place = free_place(path, overwrite=overwrite, by="this export", text=text)
        for target, content in ((place.with_name(PARAMETERS), self.parameters), (place, text)):
            if content:
                with replacing(target) as beside:
                    beside.write_text(content, encoding="utf-8", newline="\n")


def for_dvc(pipeline: Pipeline, target: str) -> ForDvc:
    """Return a pipeline as DVC has it.

    Parameters
    ----------
    target
        Where pypedream finds it from the root of the project; "" for the usual place.

    Raises
    ------
    ExportError, PlanError
        With everything that stands against it.
    """
    base = in_project(pipeline.blueprint)
    outline = outline_of(pipeline, target, base=base)
    outline = evolve(outline, options={"code": _code(outline)})
    names = {name for task in outline.tasks.values() for name in task.parameters}
    parameters = base.definition.parameters
    missing = sorted(names & set(parameters.missing))
    if missing:
        raise ExportError(f"DVC needs a value for each parameter: {', '.join(missing)} has none")
    values = {name: plain_data(parameters.get(name)) for name in parameters.definitions}
    params = parameters_text({name: values[name] for name in values if name in names})
    return ForDvc(dvc_text(outline), params if names else "", names_in_dvc(outline))


def _code(outline: Outline) -> dict[str, list[str]]:
    """Return the files of the stages' functions within the project, on which they depend."""
    found = {}
    for key, task in outline.tasks.items():
        if task.place is not None and task.files is not None:
            path = os.path.relpath(task.place.file, task.files.root).replace(os.sep, "/")
            found[key] = [] if path.startswith("../") or os.path.isabs(path) else [path]
    return found


def check_with_dvc(made: ForDvc, program: str = "") -> None:
    """Let DVC read the files, in a folder of their own, and compare the stages that it finds.

    Parameters
    ----------
    program
        The ``dvc`` to ask; "" for the one of this Python, else the one on the path.

    Raises
    ------
    ExportError
        If there is none, it refuses the files, or reads other stages.
    """
    from tempfile import TemporaryDirectory

    command = _program(program)
    with TemporaryDirectory(prefix="pypedream-") as folder:
        Path(folder, "dvc.yaml").write_text(made.text, encoding="utf-8")
        if made.parameters:
            Path(folder, PARAMETERS).write_text(made.parameters, encoding="utf-8")
        _asked([*command, "init", "--no-scm", "--quiet"], folder)
        listed = _asked([*command, "stage", "list", "--name-only"], folder)
        _asked([*command, "dag", "--dot"], folder)
    found = sorted(line.strip() for line in listed.splitlines() if line.strip())
    if found != sorted(made.names.values()):
        raise ExportError(f"DVC reads other stages than were written: {', '.join(found)}")


def _program(given: str) -> list[str]:
    from importlib.util import find_spec
    from shutil import which

    if given:
        return [given]
    if find_spec("dvc") is not None:
        return [sys.executable, "-m", "dvc"]
    if which("dvc") is None:
        raise ExportError(
            "--validate needs dvc: pip install dvc  or  conda install -c conda-forge dvc"
        )
    return ["dvc"]


def _asked(command: list[str], folder: str) -> str:
    from subprocess import TimeoutExpired, run

    quiet: dict[str, Any] = {"DVC_NO_ANALYTICS": "true", "DVC_TEST": "true"}
    try:
        done = run(  # noqa: S603 - the user's dvc, with words of ours
            command,
            cwd=folder,
            env={**os.environ, **quiet},
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, TimeoutExpired) as error:
        raise ExportError(f"cannot ask {command[0]}: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ExportError(f"DVC refuses what was written:\n{said}")
    return done.stdout.decode(errors="replace")
