"""The command ``ui``: JupyterLab, opened on the notebook of a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from pypedream._extras import why_missing
from pypedream.cli import FAILED, INTERRUPTED, OK
from pypedream.cli.mistakes import Refused
from pypedream.cli.starters import NOTEBOOK, make_notebook, own_pipeline
from pypedream.cli.terminal import ask, can_ask, say
from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

_END_S = 20.0
"""How long JupyterLab may take to end its kernels and itself."""

_SHOWN = 6


@click.command("ui")
@click.argument("path", required=False, type=click.Path())
@click.option("--no-browser", is_flag=True, help="Open no browser: print the address.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Serve at this port, or not at all; by default at one that is free.",
)
def command(path: str | None, no_browser: bool, port: int | None) -> int:
    """Open JupyterLab on a notebook: PATH, else the only one in this folder or the folder PATH.

    If there is none it offers to make one to start from. Ctrl-C ends JupyterLab and its kernels.
    """
    folder, notebook = _place(path)
    lacking = why_missing("jupyterlab", extra=None, for_="python -m pypedream ui")
    if lacking:
        raise Refused(lacking)
    if notebook is None:
        notebook = _offered(folder)
    where = folder if notebook is None else folder / notebook
    say(f"JupyterLab opens {_shown(where)}; Ctrl-C here ends it and its kernels")
    return _serve(_command(folder, notebook, port=port, no_browser=no_browser))


def _place(path: str | None) -> tuple[Path, str | None]:
    """Return the folder to serve and the notebook to show; "" of several, None if there is none."""
    place = Path(path or ".")
    if place.is_file():
        if place.suffix != ".ipynb":
            raise Refused(f"{place} is no notebook: name an .ipynb, or the folder {place.parent}")
        return place.parent, place.name
    if not place.is_dir():
        near = did_you_mean(place.name, [each.name for each in place.parent.glob("*.ipynb")])
        raise Refused(f"no notebook and no folder {place}{near}")
    found = sorted(each.name for each in place.glob("*.ipynb"))
    if len(found) > 1:
        more = ", ..." if len(found) > _SHOWN else ""
        say(f"{len(found)} notebooks here, choose there: {', '.join(found[:_SHOWN])}{more}")
        return place, ""
    return place, found[0] if found else None


def _offered(folder: Path) -> str | None:
    """Make a notebook if the user wants one; nobody there to ask wants none."""
    here = "in this folder" if folder == Path() else f"in {folder}"
    if not can_ask():
        say(f"no notebook {here}: at a terminal this command offers to make one", err=True)
        return None
    own = own_pipeline(folder)
    what = f"{NOTEBOOK} for {own[0]}.py" if own else f"{NOTEBOOK} to start from"
    answer = ask(f"no notebook {here}: make {what}? [Y/n]").strip().lower()
    if answer not in ("", "y", "yes"):
        return None
    made = make_notebook(folder)
    say(f"made {made}")
    return made.name


def _command(
    folder: Path, notebook: str | None, *, port: int | None, no_browser: bool
) -> list[str]:
    """Return the command that serves a folder and shows a notebook of it.

    The running interpreter is named, not a program that the PATH may have from elsewhere.
    """
    start = "/lab" if not notebook else f"/lab/tree/{quote(notebook)}"
    fixed = [] if port is None else [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    return [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder.absolute()}",
        f"--LabApp.default_url={start}",
        "--Application.log_level=WARN",
        "--ServerApp.answer_yes=True",  # or Ctrl-C would ask whether it was meant
        *fixed,
        *(["--no-browser"] if no_browser else []),
    ]


def _serve(command: list[str]) -> int:
    """Serve until JupyterLab ends or somebody ends it, and return the exit code."""
    server = subprocess.Popen(command)  # noqa: S603 - our own interpreter, no shell
    try:
        with _termination_as_interrupt():
            return OK if server.wait() == 0 else FAILED
    except KeyboardInterrupt:
        _end(server)
        say("JupyterLab has ended", err=True)
        return INTERRUPTED


def _end(server: subprocess.Popen[bytes]) -> None:
    """Let the server end its kernels and itself; it may have heard of Ctrl-C already."""
    try:
        if os.name != "nt":  # there it has heard, and what can be sent would leave its kernels
            server.terminate()
        server.wait(_END_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        server.kill()
        server.wait()


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Treat being told to end like Ctrl-C, so that no server is left without a terminal."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP")
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shown(path: Path) -> str:
    return "this folder" if path == Path() else str(path)
