from __future__ import annotations

import os

import pytest

from pypedream import Pipeline
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
