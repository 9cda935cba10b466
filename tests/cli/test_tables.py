from __future__ import annotations

import json
import re

import pytest

pytest.importorskip("pandera.polars")

TABLES = """
    import pandera.polars as pa
    import polars as pl

    from pypedream.tabular import IngestFileSpec, Pipeline

    schema = pa.DataFrameSchema({"id": pa.Column(str), "pupils": pa.Column(int)})

    def check(ctx, files):
        frame = files[0].load()
        bad = frame.filter(pl.col("pupils") < 0)
        if bad.height:
            ctx.quarantine.quarantine_rows(files[0], bad, reason="below 0")
        files[0].save_in_place(frame.filter(pl.col("pupils") >= 0))

    def show(schools):
        print(schools.row_count(), "schools")

    class Register(Pipeline):
        name = "register"
        ingest_files = [IngestFileSpec("schools", "schools*.csv", schema)]

        def configure_steps(self):
            self.add_filter("No pupils", pl.col("pupils") == 0, ["schools"])
            self.add_step("Check", check, ["schools"], depends_on=["no-pupils"])
            self.add_step("Show", show, depends_on=["check"])

    pipeline = Register()
"""
GOOD = "id,pupils\n007,31\n008,0\n"


@pytest.fixture(autouse=True)
def tables(write):
    write("data/schools_2024.csv", GOOD)
    return write("pipeline.py", TABLES)


def test_a_folder_is_ingested_carried_out_listed_and_removed(invoke, folder):
    """With a word on what is next."""
    came_in = invoke("ingest", "data", "--run-date", "2024-06-01")
    assert came_in.exit_code == 0, came_in.output
    run_id = re.search(
        r"1 file came in as run (\w{5}); next: python -m pypedream run", came_in.output
    )[1]
    assert "schools | 2 rows, 2 columns" in came_in.output

    again = invoke("ingest", "data")
    assert again.exit_code == 2
    assert f"not completed: {run_id} (ingested)" in again.output

    ran = invoke("run", "--no-workspace")
    assert ran.exit_code == 0, ran.output
    assert "1 schools" in ran.output
    listed = invoke("list")
    assert re.search(rf"{run_id} +completed +2024-06-01 .* 2 +3 of 3", listed.output)

    planned = invoke("cleanup", "--dry-run")
    assert run_id in planned.output
    assert invoke("cleanup").exit_code == 2
    assert f"removed {run_id}" in invoke("cleanup", "--yes").output
    assert not (folder / ".working" / run_id).exists()
    assert "no run yet" in invoke("list").output


def test_what_is_wrong_with_a_file_is_told_with_its_line(invoke, write, result_of):
    """The exit code says that the file is wrong, and not the command."""
    write("data/schools_2024.csv", "id,pupils\n007,x\n")

    refused = invoke("ingest", "data")

    assert refused.exit_code == 1
    assert "line 2, column \"pupils\": 'x' is not a whole number" in refused.output
    assert "Traceback" not in refused.output
    assert "list these in a file: --on-error quarantine" in refused.output
    problems = result_of("ingest", "data")["problems"]
    assert [(each["line"], each["column"], each["code"]) for each in problems] == [
        (2, "pupils", "type")
    ]
    taken = result_of("ingest", "data", "--on-error", "quarantine", "--max-errors", "1")
    assert taken["files"]["schools"]["rejected_count"] == 1


def test_rows_in_quarantine_are_told_and_the_run_can_be_gone_on_with(invoke, write, result_of):
    """The last line and the exit code say that it is not completed."""
    write("data/schools_2024.csv", GOOD + "009,-1\n")
    invoke("ingest", "data")

    held = invoke("run", "--no-workspace")

    assert held.exit_code == 1
    assert "rows in quarantine: check (1); blocked by these: show" in held.output
    assert "show      | info: waits for check, which has rows in quarantine" in held.output
    assert "\nfailed after " in held.stderr
    assert "ok" not in held.stdout.splitlines()[-1]
    assert result_of("run", "--no-workspace")["tables"]["status"] == "failed"
    write("pipeline.py", TABLES.replace('pl.col("pupils") < 0', 'pl.col("pupils") < -9'))
    ran = invoke("run", "--no-workspace")
    assert ran.exit_code == 0, ran.output


def test_one_of_several_runs_is_carried_out_by_its_id(invoke, write, result_of):
    """An id that is not there is told with those that are."""
    write("pipeline.py", TABLES.replace("name =", 'execution_mode = "parallel"\n        name ='))
    first = result_of("ingest", "data")["run"]
    second = result_of("ingest", "data")["run"]

    assert invoke("run", "--run-id", first, "--no-workspace").exit_code == 0
    wrong = invoke("run", "--run-id", "00000", "--no-workspace")

    assert wrong.exit_code == 2
    assert first in wrong.output
    runs = {each["run"]: each["status"] for each in result_of("list")["runs"]}
    assert runs == {first: "completed", second: "ingested"}


def test_a_run_that_another_has_is_refused_without_a_word_on_workspaces(invoke, folder, result_of):
    """To record elsewhere would not help: the run itself is taken."""
    from pypedream.tabular.locking import held

    run_id = result_of("ingest", "data")["run"]

    with held(folder / ".working" / run_id / "lock", doing=f"run {run_id}"):
        refused = invoke("run")

    assert refused.exit_code == 2
    assert re.search(
        rf"process \d+ is at it: run {run_id} .*; wait until it is done", refused.output
    )
    assert "workspace" not in refused.output
    assert invoke("run").exit_code == 0


def test_a_step_that_failed_is_told_as_any_stage(invoke, write):
    """And is called again by the next run."""
    broken = TABLES.replace("frame = files[0].load()", "raise ValueError('no luck')", 1)
    write("pipeline.py", broken)
    invoke("ingest", "data")

    failed = invoke("run")

    assert failed.exit_code == 1
    assert "ValueError: no luck" in failed.output
    assert "next: fix it and run again" in failed.output
    write("pipeline.py", TABLES)
    assert invoke("run", "--no-workspace").exit_code == 0


def test_a_pipeline_of_tables_is_drawn_as_boxes(invoke, result_of):
    """What comes in, then each step in order."""
    drawn = invoke("describe").output

    assert drawn.splitlines()[1:3] == [
        "│ register                       │",
        "│ schools  schools*.csv          │",
    ]
    assert "│ filter, no-pupils on schools   │" in drawn
    assert "│ after no-pupils is complete    │" in drawn
    steps = result_of("describe")["steps"]
    assert [each["kind"] for each in steps] == ["filter", "step", "step"]


def test_a_step_is_drawn_with_all_that_it_comes_after(invoke, write):
    """One step is complete, two of them are."""
    write("pipeline.py", TABLES.replace('["check"]', '["no-pupils", "check"]'))

    assert "│ after no-pupils, check are complete │" in invoke("describe").output


@pytest.mark.parametrize("words", [("ingest", "data"), ("describe",), ("cleanup",)], ids=str)
def test_other_pipelines_have_no_such_commands(invoke, flow, words):
    """The message says what a pipeline of tables is."""
    refused = invoke(*words)

    assert refused.exit_code == 2
    assert 'pipeline "sums" has no tables: derive its class from' in refused.output
    assert invoke("run", "--run-id", "ab12c").exit_code == 2


def test_a_run_becomes_a_page(invoke, folder, result_of):
    """Nothing of the user's is imported."""
    run_id = result_of("ingest", "data")["run"]
    invoke("run", "--no-workspace")
    (folder / "pipeline.py").unlink()

    wrote = invoke("report", run_id, "--no-open")

    assert wrote.exit_code == 0, wrote.output
    page = (folder / ".working" / run_id / "report.html").read_text(encoding="utf-8")
    assert run_id in page
    assert "no-pupils" in page
    assert result_of("report", run_id, "--out", "x.html")["status"] == "completed"


def test_runs_that_cannot_be_read_are_told_and_can_be_removed(invoke, folder, result_of):
    """They hide no other run."""
    run_id = result_of("ingest", "data")["run"]
    (folder / ".working" / run_id / "manifest.json").write_text("{")

    assert "problem: the manifest" in invoke("list").output
    assert json.loads(invoke("cleanup", "--all", "--yes", "--json").stdout)["removed"] == [run_id]


def test_somebody_is_asked_before_runs_are_removed(typed, folder, result_of):
    """A no removes nothing."""
    run_id = result_of("ingest", "data")["run"]

    code, shown = typed("cleanup", "--all", answers=["n"])

    assert code == 0
    assert "remove? [y/N]" in shown
    assert (folder / ".working" / run_id / "manifest.json").exists()
    typed("cleanup", "--all", answers=["y"])
    assert not (folder / ".working" / run_id).exists()
