"""The command line: one file for each command, and no logic that the library lacks.

This file knows the commands by name only. A command is imported when it is called, so that
``--help``, a mistyped name and the shell's completion need neither the engine nor the log.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.cli.commands import app

__all__ = ["COMMANDS", "app", "loading", "main"]

OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: done; a stage failed; wrong use, or a pipeline that cannot run; Ctrl-C."""

COMMANDS = {
    "run": "Run a pipeline.",
    "resume": "Go on with a run that failed or was stopped.",
    "repro": "Bring the files of a pipeline up to date.",
    "status": "Say what is not up to date, and why.",
    "commit": "Say that outputs are those of the stages as they are now.",
    "checkout": "Make outputs again as the locks of stages say.",
    "verify": "Check that all is up to date and whole.",
    "push": "Copy outputs to a remote store.",
    "pull": "Get outputs from a remote store, as the locks say.",
    "fetch": "Copy outputs from a remote store, and touch no file.",
    "gc": "Delete copies of outputs that no lock names.",
    "ingest": "Take in a folder of files as a run of tables.",
    "describe": "Draw the files and steps of a pipeline of tables.",
    "cleanup": "Remove runs of a pipeline of tables.",
    "list": "List stages and files that they read and write, or runs of tables.",
    "dag": "Show what comes before what, by stages or by files.",
    "plan": "Say what a run would do, without doing it.",
    "show": "Show a pipeline as a tree or a picture, or a recorded run.",
    "params": "List the parameters of a pipeline and what they are set to.",
    "metrics": "Show metrics, and compare them with a revision.",
    "plots": "Show plots on one page, beside those of a revision.",
    "data": "Say which files are not what they were in a revision.",
    "new": "Make a folder with a pipeline to start from.",
    "ui": "Open JupyterLab on the notebook of this folder.",
    "doctor": "Check this installation and this folder.",
    "runs": "List the runs that are recorded.",
    "log": "Show what a recorded run said.",
    "report": "Write a recorded run to one HTML file.",
    "export": "Write a pipeline in another form.",
    "import-dvc": "Write a pipeline file from a dvc.yaml.",
    "diff": "Say what changed from one run to another.",
    "cache": "Look at what is stored, check it and clean it up.",
    "completion": "Print a script that completes commands in a shell.",
}


@contextmanager
def loading() -> Iterator[None]:
    """Load what stays as long as the process, and let no search for garbage go through it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def main() -> None:
    """Run the command line and exit."""
    _open_streams()
    words = sys.argv[1:]
    if words[:1] == ["repro"] and is_somewhere():
        with loading():
            from pypedream.cli.at_rest import QUIET, repro

        if QUIET.issuperset(words[1:]):
            sys.exit(repro(words))
    from pypedream.cli.commands import app

    app()


def is_somewhere() -> bool:
    """Say whether the folder is there that the process is in; somebody may have removed it."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _open_streams() -> None:
    """Give the process the streams that it was started without, as by ``>&-``.

    Else the next file that is opened has the number of one, and what others print goes into it.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for good


def __getattr__(name: str) -> object:
    if name == "app":
        from pypedream.cli.commands import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
