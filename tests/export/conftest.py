from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """
from __future__ import annotations
from datetime import date, timedelta
from pypedream import Input, InputBinding, Parameter, Parameters, Pipeline, Variables, context
from pypedream import dependency, immediate, param, var
"""
"""What the texts of pipelines in these tests begin with."""

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


@pytest.fixture
def importable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], ModuleType]]:
    """Write modules to a folder that this process imports from, as long as a test lasts."""
    monkeypatch.syspath_prepend(tmp_path)
    # Of a text that is changed within a second Python would take the bytecode of the one before.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(name: str, text: str) -> ModuleType:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return import_module(".".join(Path(name).with_suffix("").parts))

    yield write
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
