from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.tabular.tables import adding, ingested, numbers, pipeline_of, statuses, values

pytest.importorskip("polars")
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
