from __future__ import annotations

import json
import runpy
from pathlib import Path

RUNS = Path(".pypedream/runs")
SWEPT = """
    from pypedream import Parameters, Pipeline, sweep

    parameters = Parameters.define(rate=1, kind="tree")
    flow = Pipeline("swept", parameters, workspace=".pypedream", progress=False)
    flow.stage(lambda rate, kind: {"auc": 1 / rate, "kind": kind}, name="fit")

    if __name__ == "__main__":
        flow.run()
        flow.map_runs(sweep.grid(rate=[0, 1, 2, 4]))
"""


def test_a_report_of_the_last_run_is_written(invoke, broken):
    """Into the folder of the run, from its record alone."""
    invoke("run")
    broken.unlink()

    result = invoke("report")

    run = next(RUNS.iterdir())
    assert result.exit_code == 0
    assert result.stdout == f"wrote {run / 'report.html'}\n"
    html = (run / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert "ZeroDivisionError: division by zero" in html
    assert f"python -m pypedream resume {run.name}" in html


def test_a_run_and_a_file_can_be_named(invoke, flow):
    """The file may be anywhere; its folder is made."""
    invoke("run")
    invoke("run", "-p", "a=5")
    first = sorted(path.name for path in RUNS.iterdir())[0]

    result = invoke("report", first, "--out", "für euch/bericht.html", "--no-open")

    assert result.stdout == f"wrote {Path('für euch/bericht.html')}\n"
    assert f"run {first}" in Path("für euch/bericht.html").read_text(encoding="utf-8")


def test_json_says_where_it_is(invoke, flow):
    """One document with the run and the file."""
    invoke("run")

    document = json.loads(invoke("report", "--json").stdout)

    assert document["pipeline"] == "sums"
    assert Path(document["file"]).is_file()


def test_a_run_that_is_not_there_is_named(invoke, flow):
    """One line, and exit code 2."""
    invoke("run")

    result = invoke("report", "0zz")

    assert result.exit_code == 2
    assert 'no run "0zz"' in result.stderr


def test_a_file_that_cannot_be_written_is_named(invoke, flow):
    """One line, and exit code 2."""
    invoke("run")
    Path("file").write_text("")

    result = invoke("report", "--out", "file/report.html")

    assert result.exit_code == 2
    assert "cannot write file/report.html: " in result.stderr
    assert "Traceback" not in result.stderr


def test_the_browser_is_opened_for_a_person(typed, flow, folder, monkeypatch, invoke):
    """At a terminal the report is opened, by the system's own way; --no-open leaves it."""
    invoke("run")
    opener = folder / "opener.sh"
    opener.write_text('#!/bin/sh\necho "$1" >> "$(dirname "$0")/opened"\n')
    opener.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{str(opener)!r} %s")

    quiet = typed("report", "--no-open", answers=[])
    code, said = typed("report", answers=[])

    assert (quiet[0], code) == (0, 0), said
    opened = (folder / "opened").read_text().splitlines()
    assert len(opened) == 1
    assert opened[0].startswith("file:///")
    assert opened[0].endswith("/report.html")


def test_a_sweep_has_a_report_of_all_its_runs(invoke, write):
    """A table and plots, from the records alone."""
    runpy.run_path(str(write("pipeline.py", SWEPT) or "pipeline.py"), run_name="__main__")
    Path("pipeline.py").unlink()
    about = [json.loads(path.read_text()).get("batch") for path in sorted(RUNS.glob("*/run.json"))]
    batch = next(each["id"] for each in about if each)

    result = invoke("report", "--batch", batch[:12], "--no-open")

    path = Path(".pypedream", f"sweep-{batch}.html")
    assert result.stdout == f"wrote {path}\n"
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    for text in ("swept: 4 runs", "1 failed · 3 ok", "ZeroDivisionError: division by zero"):
        assert text in html
    assert "fit.auc by rate, 3 runs: lowest 0.25 at rate 4, highest 1 at rate 1" in html


def test_the_report_of_a_sweep_says_as_json_which_runs_it_is_of(invoke, write):
    """In the order of the points."""
    runpy.run_path(str(write("pipeline.py", SWEPT) or "pipeline.py"), run_name="__main__")
    batch = json.loads(invoke("runs", "--json").stdout)[0]["batch"]["id"]

    document = json.loads(invoke("report", "--batch", batch, "--out", "b.html", "--json").stdout)

    assert document["batch"] == batch
    assert document["runs"] == sorted(document["runs"])
    assert len(document["runs"]) == 4
    assert Path(document["file"]).is_file()


def test_a_report_is_of_a_run_or_of_a_sweep(invoke, flow):
    """Both at once are refused, and a sweep that is not there is named."""
    invoke("run")
    run = next(RUNS.iterdir()).name

    both, unknown = invoke("report", run, "--batch", "01"), invoke("report", "--batch", "01")

    assert both.exit_code == unknown.exit_code == 2
    assert "leave out one of them" in both.stderr
    assert 'no run of a sweep "01"' in unknown.stderr
