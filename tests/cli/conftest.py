from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import click.testing
import pytest

import pypedream
from pypedream.cli import app

PACKAGE = str(Path(pypedream.__file__).parents[1])

FLOW = """
    from pypedream import Parameters, Pipeline

    flow = Pipeline("sums", Parameters.define(a=1, b=2))

    @flow.stage
    def load(a):
        print("loading", a)
        return a

    @flow.stage(tags=("late",))
    def total(load, b):
        return load + b
"""

BROKEN = """
    from pypedream import Parameters, Pipeline

    flow = Pipeline("broken", Parameters.define(a=1, b=0))

    @flow.stage
    def load(a):
        return a

    @flow.stage
    def ratio(load, b):
        return load / b

    @flow.stage
    def plot(ratio):
        return ratio
"""

FILES = """
    from typing import Annotated, TypedDict

    from pypedream import Pipeline
    from pypedream.files import Dep, Metric, Out
    from pypedream.formats import JSON, Text

    class Counted(TypedDict):
        rows: Annotated[list[int], Out("out/rows.json", JSON())]
        metrics: Annotated[dict[str, int], Metric("metrics.json")]

    def in_order(numbers):
        return sorted(numbers)

    def count(numbers: Annotated[list[int], Dep("in.json", JSON())]) -> Counted:
        print("counting", len(numbers))
        return {"rows": in_order(numbers), "metrics": {"count": len(numbers)}}

    def shown(
        rows: Annotated[list[int], Dep("out/rows.json", JSON())],
    ) -> Annotated[str, Out("shown.txt", Text())]:
        return ", ".join(map(str, rows))

    flow = Pipeline("files")
    flow.register(count)
    flow.register(shown)
"""

Invoke = Callable[..., click.testing.Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's, where all commands are given; its name has a blank and an umlaut."""
    for name in os.environ:
        if name.startswith("PYPEDREAM_") or name in ("NO_COLOR", "CI"):
            monkeypatch.delenv(name)
    here = tmp_path / "über uns"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Write a file of the user's, its text without the indentation."""

    def write_file(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def flow(write: Callable[[str, str], Path]) -> Path:
    """A pipeline file that runs."""
    return write("pipeline.py", FLOW)


@pytest.fixture
def project(write: Callable[[str, str], Path]) -> Path:
    """A project whose stages read and write files."""
    write("pyproject.toml", "")
    write("in.json", "[3, 1, 2]")
    return write("pipeline.py", FILES).parent


@pytest.fixture
def broken(write: Callable[[str, str], Path]) -> Path:
    """A pipeline file whose second stage divides by zero."""
    return write("pipeline.py", BROKEN)


@pytest.fixture
def invoke() -> Invoke:
    """Give a command in this process."""

    def run(*arguments: str, **options: Any) -> click.testing.Result:
        runner = click.testing.CliRunner()
        result = runner.invoke(app, arguments, prog_name="python -m pypedream", **options)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    return run


@pytest.fixture
def start(folder: Path) -> Start:
    """Give a command in a process of its own, as a user does."""

    def popen(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "pypedream", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": PACKAGE, "PYTHONUTF8": "0", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return popen


@pytest.fixture
def shell(start: Start) -> Callable[..., tuple[int, str, str]]:
    """Give a command in a process of its own; return exit code, stdout and stderr."""

    def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
        encoding = variables.get("PYTHONIOENCODING", "utf-8")
        process = start(*arguments, **{"PYTHONIOENCODING": encoding, **variables})
        stdout, stderr = process.communicate(timeout=60)
        return process.returncode, stdout.decode(encoding), stderr.decode(encoding)

    return run


@pytest.fixture
def typed(folder: Path) -> Callable[..., tuple[int, str]]:
    """Give a command at a terminal and type *answers*; return exit code and what was shown."""
    pty = pytest.importorskip("pty", reason="terminals of POSIX only")

    def run(*arguments: str, answers: list[str], **variables: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "pypedream", *arguments],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": PACKAGE,
                "PYTHONUTF8": "1",
                "TERM": "xterm",
                **variables,
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
        shown = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        return process.wait(timeout=60), shown.decode("utf-8")

    return run


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux has no end of file for a terminal that nobody holds
        return b""


@pytest.fixture
def result_of(invoke: Invoke) -> Callable[..., Any]:
    """Give a command with --json and return its document."""

    def run(*arguments: str, **options: Any) -> Any:
        return json.loads(invoke(*arguments, "--json", **options).stdout)

    return run


@pytest.fixture
def commit(project: Path) -> Callable[[], str]:
    """Commit all of the project to its git, as a user would whose outputs are in the store."""
    (project / ".gitignore").write_text("/.pypedream/*\n!/.pypedream/locks/\n/out/\n*.txt\n*.png\n")
    _git(project, "init", "-q")

    def add_all() -> str:
        _git(project, "add", "-A")
        _git(project, "commit", "-q", "--allow-empty", "-m", "state")
        return _git(project, "rev-parse", "HEAD").strip()

    return add_all


@pytest.fixture
def git(project: Path) -> Callable[..., str]:
    """Give a command to the git of the project."""

    def run(*words: str) -> str:
        return _git(project, *words)

    return run


def _git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, timeout=60
    )
    return done.stdout.decode()
