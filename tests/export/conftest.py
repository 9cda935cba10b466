from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
for cell in {cells!r}:
    shell.run_cell(cell, store_history=True)
"""


def python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder as a user would, leaving nothing there by itself."""
    return subprocess.run(
        [sys.executable, "-B", "-W", "ignore", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def in_cells(folder: Path, cells: list[str]) -> str:
    """Run cells in IPython; return what they show."""
    done = python(folder, "-c", SHELL.format(cells=[textwrap.dedent(cell) for cell in cells]))
    return done.stdout + done.stderr


def in_script(folder: Path, cells: list[str]) -> str:
    """Run the same as a script."""
    text = "\n\n".join(textwrap.dedent(cell) for cell in cells)
    (folder / "script.py").write_text(text, encoding="utf-8")
    done = python(folder, "script.py")
    return done.stdout + done.stderr


def in_module(folder: Path, cells: list[str]) -> str:
    """Run the same as a module, but for the last cell, which imports its pipeline."""
    text = "\n\n".join(textwrap.dedent(cell) for cell in cells[:-1])
    (folder / "pipes.py").write_text(text, encoding="utf-8")
    done = python(folder, "-c", f"from pipes import flow\n{textwrap.dedent(cells[-1])}")
    return done.stdout + done.stderr


WAYS: dict[str, Callable[[Path, list[str]], str]] = {
    "cells": in_cells,
    "script": in_script,
    "module": in_module,
}


@pytest.fixture
def run_cells() -> Callable[[Path, list[str]], str]:
    pytest.importorskip("IPython")
    return in_cells
