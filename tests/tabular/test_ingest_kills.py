"""What is left when an ingest is ended from outside, by real signals and a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import pypedream

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX"),
]

ROWS = 400_000

INGEST = """
import sys
from pathlib import Path
import pandera.polars as pa
from pypedream.tabular import IngestFileSpec, ingest_file

schema = pa.DataFrameSchema({"id": pa.Column(int, unique=True), "name": pa.Column(str)})
spec = IngestFileSpec("big", "big.csv", schema, on_error=sys.argv[1])

def progress(done, total):
    if done < 50_000:
        print("begun", flush=True)

def ingest():
    ingest_file(
        Path("big.csv"), spec, Path("out", "big.parquet"), batch_size=20_000, progress=progress
    )
    print("done", flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file whose ingest takes a moment; a row in the middle is wrong."""
    folder = tmp_path_factory.mktemp("kills")
    lines = [f"{at},some text of row {at}\n" for at in range(ROWS)]
    lines[ROWS // 2] = "x,wrong\n"
    lines[-1] = "y,wrong\n"
    (folder / "big.csv").write_text("id,name\n" + "".join(lines), encoding="utf-8")
    return folder


def started(folder: Path, code: str, mode: str = "quarantine") -> subprocess.Popen[str]:
    """Start an ingest in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", INGEST + code, mode],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(pypedream.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def emptied(folder: Path) -> Path:
    """Return the folder of the target, with nothing in it."""
    out = folder / "out"
    out.mkdir(exist_ok=True)
    for path in out.iterdir():
        path.unlink()
    return out


@pytest.mark.parametrize("part", [0, 1, 2, 3, 4, 6, 8])
def test_a_kill_leaves_all_or_nothing(folder: Path, part: int) -> None:
    """The target is whole or not there; what is left beside it disturbs nobody."""
    out = emptied(folder)
    process = started(folder, "ingest()")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"

    time.sleep(part * 0.05)
    process.kill()
    process.communicate()

    left = {path.name for path in out.iterdir() if not path.name.startswith(".tmp-")}
    assert left <= {"big.parquet", "big.rejects.csv"}
    if "big.parquet" in left:
        assert pl.scan_parquet(out / "big.parquet").select(pl.len()).collect().item() == ROWS - 2

    again = started(folder, "ingest()")
    assert "done" in again.communicate(timeout=60)[0]
    assert pl.read_parquet(out / "big.parquet").height == ROWS - 2
    assert (out / "big.rejects.csv").read_text(encoding="utf-8").count("\n") == 3


@pytest.mark.parametrize("part", [0, 2, 5])
def test_ctrl_c_leaves_nothing(folder: Path, part: int) -> None:
    """It is heard at once, and what was begun is gone."""
    out = emptied(folder)
    process = started(
        folder,
        "while True:\n    ingest()\n    Path('out', 'big.parquet').unlink()\n"
        "    Path('out', 'big.rejects.csv').unlink()",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"

    time.sleep(part * 0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert "KeyboardInterrupt" in said
    assert process.returncode == -signal.SIGINT
    assert not [path.name for path in out.iterdir() if path.name.startswith(".tmp-")]


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_full_disk_leaves_nothing(folder: Path, size: int) -> None:
    """The error says so, and the process goes on."""
    out = emptied(folder)
    limit = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))\n"
        "try:\n    ingest()\n"
        "except OSError as error:\n    print('caught', error)\n"
    )

    said, errors = started(folder, limit).communicate(timeout=60)

    assert "caught" in said, errors
    assert "too large" in said
    assert [*out.iterdir()] == []


def test_a_late_mistake_leaves_nothing(folder: Path) -> None:
    """A cell that is wrong in the last row is told with its line."""
    out = emptied(folder)

    _, said = started(folder, "ingest()", "fail").communicate(timeout=60)

    assert f"line {ROWS // 2 + 2}, column \"id\": 'x' is not a whole number" in said
    assert f"line {ROWS + 1}, column \"id\": 'y' is not a whole number" in said
    assert [*out.iterdir()] == []
