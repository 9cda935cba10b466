"""The page on tables: the pipeline on it does what the commands below it say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pypedream

pytest.importorskip("polars")
pytest.importorskip("pandera")

ROOT = Path(pypedream.__file__).parents[1]
PAGE = ROOT / "_docs" / "how-to" / "tabular.md"
DELIVERY = "urn,name,pupils,closed\n007,Hill,31,\n008,Mill,,\n009,Old,4,01-02-2003\n"


def test_the_pipeline_and_the_commands_of_the_page_work(tmp_path: Path) -> None:
    """A delivery is ingested, carried out, listed, reported, and looked at from Python."""
    page = PAGE.read_text(encoding="utf-8")
    flow, notebook = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    commands = re.findall(r"^\$ python (.*)$", page, re.MULTILINE)
    (tmp_path / "pipeline.py").write_text(flow)
    source = tmp_path / "deliveries" / "2026-01-05"
    source.mkdir(parents=True)
    (source / "schools_2026.csv").write_text(DELIVERY)

    for command in commands:
        runs = [path.parent.name for path in tmp_path.glob(".working/*/manifest.json")]
        python(tmp_path, *command.replace("RUN", "".join(runs)).split())

    assert len(commands) == 4
    (report,) = tmp_path.glob(".working/*/report.html")
    assert "2 now" in report.read_text(encoding="utf-8")
    looked = (
        f"from pipeline import pipeline\n{notebook}\nprint(pipeline.file('schools').load()['urn'])"
    )
    assert "009" not in python(tmp_path, "-c", looked)


def python(folder: Path, *arguments: str) -> str:
    """Run Python in a folder; return what it wrote."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout.decode()
    return ended.stdout.decode()
