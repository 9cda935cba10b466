"""Importing pypedream is cheap and changes nothing; its files and its version are in order."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import pypedream

ROOT = Path(__file__).parents[1]
PACKAGE = Path(pypedream.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

HEAVY = {
    "IPython",
    "asyncio",
    "click",
    "fsspec",
    "logging",
    "multiprocessing",
    "pandas",
    "polars",
    "pydantic",
    "sqlite3",
    "structlog",
}

# -I and -S keep out what this machine does at start-up, so the folders are given by hand.
PROBE = """
import json, os, sys, threading
sys.path[:0] = json.loads(sys.argv[1])
written = []

def watch(event, args):
    if event == "open" and len(args) > 2 and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(args[0]))

sys.dont_write_bytecode = True
sys.addaudithook(watch)
before = (sys.stdout, sys.stderr, sys.excepthook, os.getcwd(), dict(os.environ))
import pypedream
after = (sys.stdout, sys.stderr, sys.excepthook, os.getcwd(), dict(os.environ))
unchanged = before == after and threading.active_count() == 1
print(json.dumps({"modules": sorted(sys.modules), "written": written, "unchanged": unchanged}))
"""


@pytest.fixture(scope="module")
def probe() -> dict[str, object]:
    """What a bare interpreter tells after it imported pypedream; its output is only this."""
    folders = [str(PACKAGE.parent), *(path for path in sys.path if "site-packages" in path)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, json.dumps(folders)],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_import_loads_no_heavy_module(probe: dict[str, list[str]]) -> None:
    """What is slow to import or optional is loaded when it is used, not before."""
    assert HEAVY.intersection(probe["modules"]) == set()


def test_import_writes_no_file(probe: dict[str, object]) -> None:
    """Importing pypedream opens no file for writing."""
    assert probe["written"] == []


def test_import_changes_nothing_global(probe: dict[str, object]) -> None:
    """Streams, excepthook, folder, environment and threads are as they were before the import."""
    assert probe["unchanged"] is True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_file_states_its_idea(path: Path) -> None:
    """A file of the package has a module docstring and postponed annotations."""
    module = ast.parse(path.read_text(encoding="utf-8"))

    imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
    futures = [name.name for node in imports if node.module == "__future__" for name in node.names]
    assert ast.get_docstring(module)
    assert "annotations" in futures


def test_version_is_the_one_of_pyproject() -> None:
    """The version is written once, in pyproject.toml; an installed pypedream knows it."""
    try:
        installed = version("pypedream")
    except PackageNotFoundError:
        pytest.skip("pypedream is not installed here")

    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert pypedream.__version__ == installed == tomllib.loads(text)["project"]["version"]
