"""Checking: whether a DAG file is what the pipeline gives now, and what Airflow reads in it.

Two things are compared: the bytes, with those of a new export; and, where Airflow is at hand, the
tasks, edges, params and policies that Airflow itself finds in the file, with the outline.
"""

from __future__ import annotations

import ast
import json
import os
import shlex
import subprocess
import sys
from difflib import unified_diff
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.errors import ExportError
from pypedream.export.airflow.expected import expected
from pypedream.export.mark import without_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.export.airflow.exporting import Prepared
    from pypedream.export.export_cells import Sidecar

_MOST_LINES: Final = 12
_PATIENCE_S: Final = 300
_START: Final = "python -m pypedream export airflow "


@frozen
class Findings:
    """What was found in a DAG file.

    Attributes
    ----------
    path
        The file.
    difference
        The first lines that are others in a new export, as a diff; empty if there are none.
    airflow
        Which version of Airflow read the file; "" if none did.
    errors
        Why Airflow cannot read it.
    structure
        What Airflow finds in it that is not as in the pipeline.
    command
        How to export it again.
    """

    path: str
    difference: tuple[str, ...] = ()
    airflow: str = ""
    errors: tuple[str, ...] = ()
    structure: tuple[str, ...] = ()
    command: str = ""

    @property
    def are_good(self) -> bool:
        """Whether the file is up to date and Airflow reads in it what it should."""
        return not (self.difference or self.errors or self.structure)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.difference:
            yield f"{self.path} is not what the pipeline gives now:"
            yield from (f"  {line}" for line in self.difference)
        else:
            yield f"{self.path} is up to date"
        if self.errors:
            yield f"  Airflow {self.airflow} cannot read it:"
            yield from (f"    {line}" for error in self.errors for line in error.splitlines())
        elif self.structure:
            yield f"  Airflow {self.airflow} reads something else in it:"
            yield from (f"    {line}" for line in self.structure)
        elif self.airflow:
            yield f"  Airflow {self.airflow} reads in it what it should"
        else:
            yield "  not read by Airflow, which is not installed here: --airflow-python PATH"
        if not self.are_good:
            yield f"  to export it again: {self.command}"


def command_in(path: str) -> list[str]:
    """Return the arguments that a DAG file says it was exported with.

    Raises
    ------
    ExportError
        If there is no such file, or it says nothing of that kind.
    """
    try:
        said = ast.get_docstring(ast.parse(_text_of(path))) or ""
    except SyntaxError as error:
        raise ExportError(f"{path} is no Python file: {error}") from None
    for line in said.splitlines():
        if line.strip().startswith(_START):
            return shlex.split(line.strip().removeprefix(_START))
    raise ExportError(
        f"{path} does not say how it was exported: name the pipeline and its options, as for --out"
    )


def checked(
    path: str, made: Prepared, python: str | None = None, sidecar: Sidecar | None = None
) -> Findings:
    """Compare a DAG file with what would be written now, and with what Airflow reads in it.

    Parameters
    ----------
    python
        The interpreter that has Airflow; None takes this one if it has.
    sidecar
        The module of a notebook's marked cells, if the pipeline is there.
    """
    found = _text_of(path)
    facts: dict[str, Any] = {"path": path, "command": made.outline.command}
    facts["difference"] = (*_difference(found, made.text), *_stale(sidecar))
    interpreter = python or (sys.executable if _is_here() else None)
    if interpreter is None:
        return Findings(**facts)
    (seen,) = seen_by(interpreter, path)
    if seen["errors"]:
        return Findings(airflow=seen["airflow"], errors=tuple(seen["errors"]), **facts)
    structure = tuple(unlike(expected(made.outline), seen["dags"]))
    return Findings(airflow=seen["airflow"], structure=structure, **facts)


def seen_by(python: str, *paths: str) -> list[dict[str, Any]]:
    """Return what Airflow reads in DAG files of one folder; it gets a home that is deleted then.

    Raises
    ------
    ExportError
        If that interpreter has no Airflow, or could not be started.
    """
    text = Path(__file__).with_name("seen.py").read_text(encoding="utf-8")
    with TemporaryDirectory() as home:
        try:
            done = subprocess.run(  # noqa: S603 - the interpreter that the user names
                [python, "-c", text, *map(os.path.abspath, paths)],
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                cwd=home,
                env=_surroundings(home, paths[0]),
                timeout=_PATIENCE_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExportError(f"cannot ask {python} for what Airflow reads: {error}") from None
    if done.returncode:
        *_, last = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
        raise ExportError(f"cannot ask {python} for what Airflow reads: {last}")
    found: list[dict[str, Any]] = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    return found


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:  # also other ends of lines differ
            return file.read()
    except OSError as error:
        raise ExportError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise ExportError(f"cannot read {path}: it is no text in UTF-8") from None


def _stale(sidecar: Sidecar | None) -> Iterator[str]:
    if sidecar is not None and not sidecar.is_up_to_date:
        yield f"{sidecar.path.name} is not what the marked cells of the notebook are now"


def _is_here() -> bool:
    try:
        return bool(version("apache-airflow"))
    except PackageNotFoundError:
        return False


def _surroundings(home: str, path: str) -> dict[str, str]:
    """Return the environment, with nothing of an Airflow that is set up here."""
    own = {name: each for name, each in os.environ.items() if not name.startswith("AIRFLOW_")}
    return own | {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__DAGS_FOLDER": os.path.dirname(os.path.abspath(path)),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",  # no folder beside the user's files
    }


def _difference(found: str, new: str) -> Iterator[str]:
    """Yield the first lines that differ: those of the file with "-", those of the new one "+"."""
    if found == new:
        return
    was = without_mark(found.replace("\r\n", "\n")).splitlines()
    lines = list(unified_diff(was, without_mark(new).splitlines(), n=0, lineterm=""))[2:]
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"... and {len(lines) - _MOST_LINES} more lines"
    if not lines:
        yield "only the last line, or the ends of lines, differ"


def unlike(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """Yield what differs, by the names on the way to it."""
    if not isinstance(expected, dict) or not isinstance(found, dict):
        if expected != found:
            yield f"{where}: {json.dumps(found)}, not {json.dumps(expected)}"
        return
    for name in dict.fromkeys([*expected, *found]):
        inner = f"{where}, {name}" if where else str(name)
        if name not in found:
            yield f"{inner}: it is not there"
        elif name not in expected:
            yield f"{inner}: it should not be there"
        else:
            yield from unlike(expected[name], found[name], inner)
