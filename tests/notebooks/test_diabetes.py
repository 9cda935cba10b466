"""The diabetes example: the commands on its page do what stands there, and going back is free."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.notebooks.transcript import commands_on, said, steady

pytest.importorskip("sklearn")
pytest.importorskip("pydantic")

EXAMPLE = Path(__file__).parents[2] / "notebooks" / "diabetes"
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example, as its page asks for."""
    others = shutil.ignore_patterns(*WRITTEN, "__pycache__", ".pypedream")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "diabetes", ignore=others))


def test_the_story_on_the_page_is_true(folder: Path) -> None:
    """Each command says what stands there, but for times and ids; at its end all is as at first."""
    first: dict[str, bytes] = {}
    for command, expected in commands_on(folder / "README.md"):
        code, text = said(folder, command)
        assert code == 0, text
        assert steady(text, CHANGING) == steady(expected, CHANGING), command
        first = first or contents(folder)

    assert contents(folder) == first
    plots = (folder / ".pypedream" / "plots.html").read_text(encoding="utf-8")
    assert plots.count("<svg ") == 4  # one for each table, with both versions in it
    assert plots.count("<img src=") == 2  # the drawing as it was, and as it is
    assert not re.search(r"(?:src|href)=.?(?:https?:|//)|<script", plots)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in the outputs."""
    paths = [path for name in WRITTEN for path in folder.glob(f"{name}/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
