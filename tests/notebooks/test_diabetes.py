"""The diabetes example: the commands on its page do what stands there, and going back is free."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pypedream

pytest.importorskip("sklearn")
pytest.importorskip("pydantic")

EXAMPLE = Path(__file__).parents[2] / "notebooks" / "diabetes"
PACKAGE = str(Path(pypedream.__file__).parents[1])
BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
WHO = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
WRITTEN = ("data", "models", "plots", "metrics")
CHANGING = {
    "TIME": re.compile(r"\b\d+(\.\d+)? (ms|s|min)\b"),
    "RUN": re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b"),
    "DIGEST": re.compile(r"\b[0-9a-f]{10}\b"),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


def steady(text: str) -> str:
    """Return a text with names in place of what is another one each time."""
    for name, pattern in CHANGING.items():
        text = pattern.sub(name, text)
    return text


def said(folder: Path, command: str) -> str:
    """Give a command as it stands on the page; return what it says."""
    program, *words = shlex.split(command)
    variables = {name: each for name, each in os.environ.items() if "PYPEDREAM" not in name}
    variables |= dict.fromkeys(WHO, "me@example.org")
    done = subprocess.run(
        [sys.executable if program == "python" else program, *words],
        cwd=folder,
        env={**variables, "PYTHONPATH": PACKAGE, "PYTHONUTF8": "1", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.decode().splitlines())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example, as its page asks for."""
    others = shutil.ignore_patterns(*WRITTEN, "__pycache__", ".pypedream")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "diabetes", ignore=others))


def test_the_story_on_the_page_is_true(folder: Path) -> None:
    """Each command says what stands there, but for times and ids; at its end all is as at first."""
    page, first = (folder / "README.md").read_text(encoding="utf-8"), {}
    for kind, block in BLOCK.findall(page):
        if kind == "diff":
            subprocess.run(
                ["git", "apply", "--unidiff-zero", "-"],
                input=block.encode(),
                cwd=folder,
                check=True,
            )
            first = contents(folder)
            continue
        for command, expected in COMMAND.findall(block):
            assert steady(said(folder, command)) == steady(expected), command

    assert contents(folder) == first
    plots = (folder / ".pypedream" / "plots.html").read_text(encoding="utf-8")
    assert plots.count("<svg ") == 4  # one for each table, with both versions in it
    assert plots.count("<img src=") == 2  # the drawing as it was, and as it is
    assert not re.search(r"(?:src|href)=.?(?:https?:|//)|<script", plots)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in the outputs."""
    paths = [path for name in WRITTEN for path in folder.glob(f"{name}/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
