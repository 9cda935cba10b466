from __future__ import annotations

import os

import pytest

from pypedream import Parameters, Pipeline, sweep
from pypedream.view import to_report, write_report


@pytest.fixture
def run():
    flow = Pipeline("sum <of> things")
    flow.stage("load")(lambda: print("here") or 3)
    return flow.run()


def test_a_report_is_a_whole_document(run, parsed):
    """Encoding, title, and a policy under which nothing is loaded and no script runs."""
    html = to_report(run)

    document = parsed(html.removeprefix("<!doctype html>"))
    metas = document.all("meta")
    assert metas[0] == {"charset": "utf-8"}
    policy = str(metas[1]["content"])
    assert metas[1]["http-equiv"] == "Content-Security-Policy"
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "sum <of> things: ok" in document.text
    assert "here\n" in document.text
    assert "http://" not in html
    assert "https://" not in html
    assert "<script" not in html


def test_a_run_writes_its_report(run, tmp_path):
    """Folders are made, a file that is there is replaced, and nothing else is left."""
    path = tmp_path / "new folder" / "répört.html"

    assert run.report(path) == path
    assert run.report(path) == path
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>\n")
    assert os.listdir(path.parent) == ["répört.html"]


def test_what_cannot_be_shown_leaves_the_file_alone(tmp_path):
    """A report that is there stays as it is if the new one fails."""
    path = tmp_path / "report.html"
    path.write_text("old")

    with pytest.raises(TypeError, match="can be shown"):
        write_report(3, path)  # type: ignore[arg-type]

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_several_runs_write_a_report(tmp_path, parsed):
    """A table of them, and plots of the numbers that are not always the same, which are open."""
    flow = Pipeline("area", Parameters.define(wide=1), progress=False)
    flow.stage(lambda wide: {"area": 3 * wide, "edge": 2 + wide, "high": 3}, name="size")
    runs = flow.map_runs(sweep.grid(wide=[1, 2, 3]))

    path = runs.report(tmp_path / "sweep.html")

    document = parsed(path.read_text(encoding="utf-8").removeprefix("<!doctype html>"))
    assert "area: 3 runs" in document.text
    assert len(document.all("tr")) == 4
    assert [one["alt"].partition(",")[0] for one in document.all("img")] == [
        "size.area by wide",
        "size.edge by wide",
    ]
    assert all("open" in one for one in document.all("details"))


def test_a_past_run_writes_its_report(tmp_path):
    """From its record."""
    flow = Pipeline("past", workspace=tmp_path, progress=False)
    flow.stage(lambda: 3, name="three")
    flow.run()

    path = flow.history()[0].report(tmp_path / "past.html")

    assert "past: ok" in path.read_text(encoding="utf-8")
