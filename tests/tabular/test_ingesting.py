from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Thread

import pytest

from pypedream.errors import IngestError, Locked, TableRunError
from pypedream.tabular import IngestFileSpec, RunStatus, StatisticsStore
from tests.tabular.tables import adding, pa, pipeline_of, values

pl = pytest.importorskip("polars")

SCHEMA = pa.DataFrameSchema({"n": pa.Column(int, pa.Check.ge(0))})
SPECS = [IngestFileSpec(name, f"{name}*.csv", SCHEMA) for name in "ab"]


def one_step(self):
    self.add_step("Add one", adding(1), ["a"])


@pytest.fixture
def source(tmp_path):
    """A folder with two files."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a_2024.csv").write_text("n\n1\n2\n")
    (folder / "b.csv").write_text("n\n3\n")
    return folder


@pytest.fixture
def tables(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return pipeline_of(home, one_step, ingest_files=SPECS)


def left_in(folder):
    """Return what is in the folder of a pipeline, but for locks."""
    return [path.name for path in folder.rglob("*") if not path.name.endswith("lock")]


def test_all_files_of_a_folder_come_in_as_a_run(tables, source):
    """Which is carried out then; what came in is known of each file."""
    manifest = tables.ingest(source, run_date=date(2024, 6, 1))

    assert re.fullmatch("[a-z0-9]{5}", manifest.run_id)
    assert manifest == tables.manifest()
    assert (manifest.status, manifest.run_date) == (RunStatus.INGESTED, date(2024, 6, 1))
    record = tables.file("a").ingest_record
    assert (record.row_count, record.source_path) == (2, str(source / "a_2024.csv"))
    assert record.parquet_path == str(tables.file("a").active_path)
    tables.run()
    assert values(tables) == [2, 3]


def test_what_came_in_is_in_the_statistics(tables, source):
    """Rows, columns and bytes of each file, and what came of each rule."""
    run_id = tables.ingest(source).run_id

    found = {(one.subject, one.action): one.value for one in tables.statistics()}
    assert found == {
        (None, "files_ingested"): 2,
        ("a", "row_count"): 2,
        ("a", "column_count"): 1,
        ("a", "source_size_bytes"): 6,
        ("a", "rows_rejected"): 0,
        ("b", "row_count"): 1,
        ("b", "column_count"): 1,
        ("b", "source_size_bytes"): 4,
        ("b", "rows_rejected"): 0,
    }
    store = StatisticsStore(tables.pipeline_dir)
    assert [rules.file for rules in store.rules(run_id)] == ["a", "b"]
    assert store.runs() == {run_id: "test"}
    assert "2 rows" in (tables.pipeline_dir / ".working" / run_id / "astro.log").read_text()


def test_an_ingest_that_fails_leaves_nothing_behind(tables, source):
    """The error tells all that is wrong with all files, and the next ingest works."""
    (source / "a_2024.csv").write_text("n\n1\nx\n")
    (source / "b.csv").write_text("n\n-3\n")

    with pytest.raises(
        IngestError, match=r"(?s)a_2024\.csv.*line 3.*'x'.*b\.csv.*line 2.*'-3'"
    ) as wrong:
        tables.ingest(source, progress=False)

    assert {problem.file for problem in wrong.value.problems} == {"a_2024.csv", "b.csv"}
    assert left_in(tables.pipeline_dir) == [".working"]
    assert tables.runs() == []
    (source / "a_2024.csv").write_text("n\n1\n")
    tables.ingest(source, on_error="quarantine")
    assert tables.file("b").row_count() == 0


@pytest.mark.parametrize("day", ["2026-01-05", "today", 20260105], ids=["text", "word", "number"])
def test_the_day_of_a_run_is_a_date(tables, source, day):
    """Anything else is refused before the folder is looked at: no manifest could be read again."""
    with pytest.raises(
        TypeError, match=rf"^run_date={day!r} is no day: give a date, such as datetime"
    ):
        tables.ingest(source, run_date=day, progress=False)

    assert left_in(tables.pipeline_dir) == []
    tables.ingest(source, run_date=datetime(2026, 1, 5, 23, tzinfo=UTC), progress=False)
    assert [run.run_date for run in tables.runs()] == [date(2026, 1, 5)]


def test_parameters_of_the_environment_are_for_the_steps(tables, source, monkeypatch):
    """To ingest takes no parameters, so it refuses none."""
    monkeypatch.setenv("PYPEDREAM_PARAM_LIMIT", "3")

    assert tables.ingest(source, progress=False).status == "ingested"


def test_rows_that_are_rejected_are_listed_beside_the_run(tables, source):
    """With the reason for each; the others came in."""
    (source / "a_2024.csv").write_text("n\n1\nx\n")

    run_id = tables.ingest(source, on_error="quarantine").run_id

    record = tables.file("a").ingest_record
    assert (record.row_count, record.rejected_count) == (1, 1)
    assert record.rejects_path.endswith(f"{run_id}/rejects/a.csv")
    assert "whole number" in Path(record.rejects_path).read_text()
    rules = tables.report().rules[0]
    assert {rule.extract for rule in rules.rules if rule.failed} == {record.rejects_path}
    assert "1 rejected" in str(tables.manifest())
    tables.run()
    assert tables.report()


def test_files_that_are_not_as_expected_are_refused_before_anything_is_written(tables, source):
    """As one that is missing, and one that is left over."""
    (source / "b.csv").rename(source / "c.csv")

    with pytest.raises(IngestError, match=r"(?s)b.*c\.csv"):
        tables.ingest(source)

    assert left_in(tables.pipeline_dir) == [".working"]


def test_nothing_is_ingested_while_a_run_is_not_completed(tables, source):
    """Unless there may be several; the message has the ids and what to do."""
    first = tables.ingest(source).run_id

    with pytest.raises(TableRunError, match=rf"not completed: {first} \(ingested\).*cleanup"):
        tables.ingest(source)

    other = pipeline_of(
        tables.pipeline_dir, one_step, ingest_files=SPECS, execution_mode="parallel"
    )
    second = other.ingest(source).run_id
    assert {each.run_id for each in other.runs()} == {first, second}
    other.run(run_id=second)
    other.run(run_id=first)
    assert tables.ingest(source).status is RunStatus.INGESTED


def test_of_two_that_ingest_at_once_the_second_is_refused(tables, source):
    """It is told which process the first one is."""
    begun, go_on = Event(), Event()

    def wait(path):
        begun.set()
        go_on.wait(30)
        return pl.DataFrame({"n": ["7"]})

    slow = [IngestFileSpec("a", "a*", SCHEMA, preprocess=wait), SPECS[1]]
    first = pipeline_of(tables.pipeline_dir, one_step, ingest_files=slow)
    thread = Thread(target=first.ingest, args=(source,))
    thread.start()
    begun.wait(30)

    with pytest.raises(Locked, match=f"process {os.getpid()} is at it: ingest into"):
        tables.ingest(source)

    go_on.set()
    thread.join()
    assert len(tables.runs()) == 1


CHILD = """
import os, sys, time
from pathlib import Path
from tests.tabular.test_ingesting import SPECS, SCHEMA, one_step
from tests.tabular.tables import pipeline_of
from pypedream.tabular import IngestFileSpec

def wait(path):
    os.write(1, b"begun\\n")  # past what captures prints
    time.sleep(60)

slow = [SPECS[0], IngestFileSpec("b", "b*", SCHEMA, preprocess=wait)]
pipeline_of(Path(sys.argv[1]), one_step, ingest_files=slow).ingest(sys.argv[2], progress=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_what_an_ingest_that_was_killed_left_is_no_run(tables, source):
    """It is removed by the next one."""
    words = [sys.executable, "-c", CHILD, tables.pipeline_dir, source]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    line = process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert b"begun" in line
    assert "a.parquet" in left_in(tables.pipeline_dir)
    assert tables.runs() == []

    run_id = tables.ingest(source).run_id

    working = tables.pipeline_dir / ".working"
    assert sorted(os.listdir(working)) == sorted(["ingest.lock", run_id])


def test_ctrl_c_leaves_nothing_behind(tables, source):
    """It is raised as it is."""

    def stop(path):
        raise KeyboardInterrupt

    specs = [SPECS[0], IngestFileSpec("b", "b*", SCHEMA, preprocess=stop)]
    with pytest.raises(KeyboardInterrupt):
        pipeline_of(tables.pipeline_dir, one_step, ingest_files=specs).ingest(source)

    assert left_in(tables.pipeline_dir) == [".working"]
