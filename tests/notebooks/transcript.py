"""A page with a transcript: commands that are given, and what they say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pypedream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["commands_on", "said", "steady"]

PACKAGE = str(Path(pypedream.__file__).parents[1])
BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
WHO = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")


def commands_on(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the commands on a page with what they say there; changes of files are made between."""
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "diff":
            change = ["git", "apply", "--unidiff-zero", "-"]
            subprocess.run(change, input=block.encode(), cwd=page.parent, check=True)
        else:
            yield from COMMAND.findall(block)


def said(folder: Path, command: str) -> tuple[int, str]:
    """Give a command as it stands on a page; return its exit code and what it says."""
    program, *words = shlex.split(command)
    variables = {name: each for name, each in os.environ.items() if "PYPEDREAM" not in name}
    variables |= dict.fromkeys(WHO, "me@example.org")
    done = subprocess.run(
        [sys.executable if program == "python" else program, *words],
        cwd=folder,
        env={**variables, "PYTHONPATH": PACKAGE, "PYTHONUTF8": "1", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    text = "".join(f"{line.rstrip()}\n" for line in done.stdout.decode().splitlines())
    return done.returncode, text


def steady(text: str, changing: Mapping[str, re.Pattern[str]]) -> str:
    """Return a text with names in place of what is another one each time."""
    for name, pattern in changing.items():
        text = pattern.sub(name, text)
    return text
