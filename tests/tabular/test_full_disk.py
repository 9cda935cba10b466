from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pypedream.tabular import IngestFileSpec, ingest_file
from tests.tabular.tables import adding, ingested, numbers, pipeline_of, statuses, values

pytest.importorskip("polars")
pa = pytest.importorskip("pandera.polars")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")

# Files may not grow beyond a limit, as on a disk that is full.
CHILD = """
import resource, sys
from pathlib import Path
from tests.tabular.test_full_disk import tables

pipeline = tables(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
pipeline.run(progress=False)
"""


def tables(folder):
    def configure(self):
        self.add_step("one", adding(1), ["a"])
        self.add_step("ten", adding(10), ["a"])

    return pipeline_of(folder, configure)


@pytest.mark.parametrize("limit", [20_000, 50], ids=["for a file", "for a manifest"])
def test_a_full_disk_is_told_and_harms_nothing(tmp_path, limit):
    """When there is space again, the run ends with the rows of one that had it all the time."""
    run = ingested(tmp_path, {"a": numbers(50_000)})

    words = [sys.executable, "-c", CHILD, tmp_path, str(limit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert not [path for path in run.rglob("*") if path.name.startswith(".tmp-")]
    pipeline = tables(tmp_path)
    pipeline.run(run_id="ab12c")
    assert values(pipeline) == [n + 11 for n in range(50_000)]
    assert statuses(pipeline)["run"] == "completed"


@pytest.mark.parametrize(
    "wrong, limit, told",
    [(1, 10, "cannot write a file of Parquet"), (300, 2_000, r"too large: .*a\.rejects\.csv")],
    ids=["rows", "rejects"],
)
def test_an_ingest_into_a_full_disk_leaves_no_part_of_a_file(tmp_path, wrong, limit, told):
    """Neither of the rows nor of the rejects, which may be in a buffer still; the next is whole."""
    import resource
    import signal

    (tmp_path / "a.csv").write_text("n\n" + "x\n" * wrong + "1\n")
    spec = IngestFileSpec(
        "a", "a.csv", pa.DataFrameSchema({"n": pa.Column(int)}), on_error="quarantine"
    )
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OSError, match=told):
            ingest_file(tmp_path / "a.csv", spec, tmp_path / "out" / "a.parquet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)

    assert [*(tmp_path / "out").iterdir()] == []
    result = ingest_file(tmp_path / "a.csv", spec, tmp_path / "out" / "a.parquet")
    assert (result.rows, result.rejected) == (1, wrong)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """And nothing is called."""
    run = ingested(tmp_path, {"a": numbers(3)})
    run.chmod(0o500)
    try:
        with pytest.raises(OSError, match="Permission denied"):
            tables(tmp_path).run()
    finally:
        run.chmod(0o700)
