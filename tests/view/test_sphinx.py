"""A pipeline in pages of documentation, by a real build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")

FLOW = """
from pypedream import Parameters, Pipeline
flow = Pipeline("weather", Parameters.define(year=1990))
@flow.stage
def load(year):
    '''Read the <b>stations</b>.'''
@flow.stage
def mean(load): ...
"""
CONF = """
import sys
sys.path.insert(0, ".")
extensions = ["pypedream.view.sphinx"]
"""


def build(folder: Path, directive: str, builder: str = "html") -> subprocess.CompletedProcess[str]:
    (folder / "weather.py").write_text(FLOW)
    (folder / "conf.py").write_text(CONF)
    (folder / "index.rst").write_text(f"Flows\n=====\n\n{directive}\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", builder, ".", "out"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_page_has_the_picture(tmp_path):
    """With its words, for those who cannot see it."""
    done = build(tmp_path, ".. pipeline:: weather:flow")

    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "out/index.html").read_text()
    assert "data:image/svg+xml;base64," in page
    assert "2 stages" in page
    assert "<details" not in page


def test_a_page_has_the_stages(tmp_path):
    """As text, whatever it looks like."""
    done = build(tmp_path, ".. pipeline:: weather:flow\n   :stages:")

    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "out/index.html").read_text()
    assert "<details" in page
    assert "&lt;b&gt;stations&lt;/b&gt;" in page


def test_other_pages_have_the_text(tmp_path):
    """Where there are no pictures."""
    done = build(tmp_path, ".. pipeline:: weather:flow", "text")

    assert (done.returncode, done.stderr) == (0, "")
    assert "mean  load" in (tmp_path / "out/index.txt").read_text()


@pytest.mark.parametrize(
    "name, said",
    [
        ("weather:flwo", 'module "weather" has no pipeline "flwo"; did you mean "flow"?'),
        ("wether:flow", 'pipeline "wether:flow" cannot be imported: No module named'),
    ],
)
def test_a_wrong_name_ends_the_build_with_one_line(tmp_path, name, said):
    """What, and the nearest right one."""
    done = build(tmp_path, f".. pipeline:: {name}")

    assert done.returncode != 0
    assert said in done.stderr
