"""The command ``doctor``: what is installed, and what this terminal and this folder can do."""

from __future__ import annotations

import locale
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import asdict, frozen

from pypedream.cli import FAILED, OK, options
from pypedream.cli.locate import USUAL_FILE, pipeline_files
from pypedream.cli.terminal import say, say_json
from pypedream.cli.versions import requirements, version_of
from pypedream.log.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOR_US = ("all", "dev", "docs", "")
_BASE = ("attrs", "click", "structlog", "toolz")
_NOTEBOOKS = ("jupyterlab", "notebook", "ipykernel", "ipywidgets")


@frozen
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    state
        "ok", "note" (something is not there that some people want) or "broken".
    """

    what: str
    said: str
    state: str = "ok"


@click.command("doctor")
@options.workspace
@options.as_json
def command(workspace: str | None, as_json: bool) -> int:
    """Check versions, encoding, terminal, workspace, extras, and the pipelines of this folder.

    Nothing of yours is imported. The exit code is 0 unless something is broken.
    """
    findings = [
        *_versions(),
        *_surroundings(),
        _workspace(Path(workspace or os.environ.get("PYPEDREAM_WORKSPACE") or ".pypedream")),
        *_extras(),
        _pipelines(Path()),
    ]
    if as_json:
        say_json([asdict(each) for each in findings])
    else:
        wide = max(len(each.what) for each in findings)
        marks = {"ok": "  ", "note": "- ", "broken": "! "}
        say(*(f"{marks[each.state]}{each.what:<{wide}}  {each.said}" for each in findings))
    return FAILED if any(each.state == "broken" for each in findings) else OK


def _versions() -> Iterator[Finding]:
    version = version_of("pypedream")
    place = Path(__file__).parents[1]
    said = f"{version} in {place}" if version else f"not installed, used from {place}"
    yield Finding("pypedream", said, "ok" if version else "note")
    yield Finding("python", f"{platform.python_version()} in {sys.executable}")
    yield Finding("platform", platform.platform())
    found = {name: version_of(name) for name in _BASE}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        how = _how_to_get(" ".join(missing), missing)
        yield Finding("needs", f"not installed: {how}", "broken")
    else:
        yield Finding("needs", ", ".join(f"{name} {version}" for name, version in found.items()))


def _surroundings() -> Iterator[Finding]:
    stdout = getattr(sys.stdout, "encoding", None) or "unknown"
    files, names = locale.getpreferredencoding(False), sys.getfilesystemencoding()
    yield Finding("encoding", f"output {stdout}, files {files}, names {names}".lower())
    screen = Screen(sys.stdout)
    if screen.is_terminal:
        colours = "in colour" if screen.has_color else "without colour"
        yield Finding("terminal", f"yes, {screen.width()} columns, {colours}")
    else:
        yield Finding("terminal", "no, the output goes to a file or another program")
    notebooks = {name: version_of(name) for name in _NOTEBOOKS}
    there = [f"{name} {version}" for name, version in notebooks.items() if version]
    yield Finding("jupyter", ", ".join(there) or "not installed", "ok" if there else "note")


def _workspace(folder: Path) -> Finding:
    """Try to write where runs would be recorded; what is written is gone at once."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        fix = "run with --workspace DIR or --no-workspace"
        return Finding("workspace", f"{folder} cannot be written ({reason}): {fix}", "broken")
    is_there = "can be written" if folder.is_dir() else "can be made"
    return Finding("workspace", f"{folder.absolute()} {is_there}")


def _extras() -> Iterator[Finding]:
    needed = requirements()
    for extra, names in needed.items():
        if extra in _FOR_US:
            continue
        missing = [name for name in names if version_of(name) is None]
        if missing:
            how = _how_to_get(f'"pypedream[{extra}]"', missing)
            yield Finding(f"extra {extra}", f"not installed: {how}", "note")
        else:
            there = ", ".join(f"{name} {version_of(name)}" for name in names)
            yield Finding(f"extra {extra}", there)


def _how_to_get(for_pip: str, for_conda: list[str]) -> str:
    conda = f"conda install -c conda-forge {' '.join(for_conda)}"
    return f"python -m pip install {for_pip}  or  {conda}"


def _pipelines(folder: Path) -> Finding:
    files = [str(path) for path in pipeline_files(folder)]
    if not files:
        return Finding("pipelines", "none here: python -m pypedream new NAME makes one", "note")
    is_clear = len(files) == 1 or USUAL_FILE in files
    chosen = f"; run uses {USUAL_FILE if USUAL_FILE in files else files[0]}" if is_clear else ""
    return Finding("pipelines", f"{', '.join(files)}{chosen}")
