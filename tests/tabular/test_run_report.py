from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from attrs import evolve

from pypedream.errors import NoTableRun, StoreError
from pypedream.tabular import (
    FileRules,
    RuleResult,
    RunReport,
    StatisticsStore,
    StatRecord,
    StatScope,
    report_of,
)
from pypedream.tabular.manifest import (
    FileRows,
    FileState,
    Manifest,
    RunStatus,
    StepState,
    StepStatus,
    write_manifest,
)

RECORD = {
    "name": "schools",
    "source_path": "/data/schools<1>.csv",
    "parquet_path": "ingested/schools.parquet",
    "row_count": 8,
    "column_count": 1,
    "source_size_bytes": 12_345,
    "source_sha256": "ab" * 32,
    "rejected_count": 2,
    "rejects_path": "rejects/schools.csv",
}
MANIFEST = Manifest(
    "ab12c",
    "registers",
    date(2026, 1, 5),
    "2026-01-05T09:00:00+00:00",
    RunStatus.FAILED,
    files={"schools": FileState(RECORD, "ingested/schools.parquet")},
    steps={
        "closed": StepState(
            StepStatus.COMPLETE, 1, duration_s=1.25, files={"schools": FileRows(8, 5, 3)}
        ),
        "match": StepState(StepStatus.FAILED, 2, error="ValueError: <bad>"),
    },
)
RULES = FileRules("schools", 10, (RuleResult("not null", "name", 10, 2, ("",)),))
NUMBER = StatRecord(
    "ab12c", StatScope.FILE, "schools", "matched", 1_234.5, datetime(2026, 1, 5, tzinfo=UTC)
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of a pipeline with one run, of which two rows went missing."""
    folder = tmp_path / ".working" / "ab12c"
    (folder / "ingested").mkdir(parents=True)
    pl.DataFrame({"name": ["a", "b", "c"]}).write_parquet(folder / "ingested" / "schools.parquet")
    write_manifest(MANIFEST, folder)
    store = StatisticsStore(tmp_path)
    store.write_rules("ab12c", RULES)
    store.write([NUMBER])
    store.close()
    return tmp_path


def test_a_report_says_how_a_run_went(project: Path) -> None:
    """Its steps, where the rows of each file went, and what came of the rules."""
    assert str(report_of(project, "ab12c")).splitlines() == [
        'run ab12c of "registers": failed, 2026-01-05',
        '  step "closed" is complete',
        '  step "match" is failed: ValueError: <bad>',
        "schools: 10 rows in the source, 3 now",
        "  ingest: 10 -> 8, 2 rejected",
        "  closed: 8 -> 5, 3 filtered",
        '  does not add up: since "closed" it lost 2 rows',
        "schools: 10 rows, 1 of 1 rule failed",
        '  name  not null  2 of 10 failed (20%): ""',
    ]


def test_a_report_has_all_that_was_noted(project: Path) -> None:
    """Read from the manifest and the statistics; reading them changes nothing."""
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}

    found = report_of(project, "ab12c")

    assert found == RunReport(MANIFEST, (RULES,), (NUMBER,), {"schools": 3})
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_a_file_that_is_gone_has_no_rows(project: Path) -> None:
    """All of them are missing then."""
    (project / ".working" / "ab12c" / "ingested" / "schools.parquet").unlink()

    (ledger,) = report_of(project, "ab12c").ledgers

    assert ledger.problems == ('since "closed" it lost 5 rows',)


def test_a_file_that_is_damaged_is_told(project: Path) -> None:
    """With its path."""
    path = project / ".working" / "ab12c" / "ingested" / "schools.parquet"
    path.write_bytes(b"no parquet")

    with pytest.raises(StoreError, match=r"the rows in .*schools\.parquet cannot be counted"):
        report_of(project, "ab12c")


def test_a_run_that_is_not_there_is_told(project: Path) -> None:
    """The nearest id is named."""
    with pytest.raises(NoTableRun, match=r'no run "ab12d".*did you mean "ab12c"'):
        report_of(project, "ab12d")


def test_a_report_is_one_file_that_loads_nothing(project: Path) -> None:
    """What users wrote is text in it."""
    path = report_of(project, "ab12c").write(project / "out" / "report.html")

    html = path.read_text("utf-8")
    assert html.startswith("<!doctype html>")
    assert "default-src 'none'" in html
    for text in (
        "ValueError: &lt;bad&gt;", "/data/schools&lt;1&gt;.csv", "12,345", "rejects/schools.csv",
        "does not add up", "not null", "1,234.5", "matched", "1.2",
    ):  # fmt: skip
        assert text in html
    assert "<script" not in html


def test_a_run_without_anything_has_a_report(project: Path) -> None:
    """Neither steps nor numbers nor rules."""
    bare = RunReport(evolve(MANIFEST, files={}, steps={}))

    bundle = bare._repr_mimebundle_()

    assert bundle["text/plain"] == 'run ab12c of "registers": failed, 2026-01-05'
    assert "steps" not in bundle["text/html"]


def test_showing_a_report_needs_neither_polars_nor_a_database() -> None:
    """They are loaded when a run is read."""
    code = (
        "import sys; from pypedream.tabular import RunReport; from pypedream.view import bundle;"
        "print({'polars', 'pandera', 'sqlite3'} & {*sys.modules})"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
