from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from threading import active_count
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pypedream.tabular import parquet_sink
from pypedream.tabular.parquet_sink import ParquetSink

SCHEMA: dict[str, Any] = {
    "n": pl.Int64(),
    "d": pl.Decimal(10, 2),
    "c": pl.Categorical(),
    "e": pl.Enum(["u", "v"]),
    "t": pl.Time(),
    "z": pl.Datetime("us", "UTC"),
    "s": pl.String(),
}


def frames(count: int, schema: dict[str, Any]) -> list[pl.DataFrame]:
    """Return small frames that differ."""
    values = {"d": Decimal("1.5"), "e": "u"}
    return [
        pl.DataFrame(
            {name: [at, None] if name == "n" else [values.get(name)] * 2 for name in schema},
            schema=schema,
        )
        for at in range(count)
    ]


@pytest.fixture(params=["queue", "parts"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in which frames go to the file."""
    if request.param == "parts":
        monkeypatch.setattr(parquet_sink, "_can_be_asked_for", lambda _: False)
    return str(request.param)


@pytest.mark.parametrize("count", [0, 1, 20])
@pytest.mark.parametrize("kinds", ["nstdz", "nce"])
def test_the_file_has_all_rows_in_order(tmp_path: Path, way: str, count: int, kinds: str) -> None:
    """Also if there are none, and with every dtype that a file can have."""
    schema = {name: SCHEMA[name] for name in kinds}
    given = frames(count, schema)

    with ParquetSink(tmp_path / "a.parquet", schema) as sink:
        for frame in given:
            sink.put(frame)

    found = pl.read_parquet(tmp_path / "a.parquet")
    assert found.schema == pl.Schema(schema)
    assert_frame_equal(found, pl.concat([pl.DataFrame(schema=schema), *given]))
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_a_frame_may_be_used_while_it_is_written(tmp_path: Path) -> None:
    """It is whoever's who put it, and what writes has one of its own with the same rows."""
    schema = {f"c{at}": pl.Int64() for at in range(100)}
    frame = pl.DataFrame({name: [1] for name in schema})

    with ParquetSink(tmp_path / "a.parquet", schema) as sink:
        for _ in range(300):
            mine = frame.clone()
            sink.put(mine)
            for _ in range(20):
                mine.to_struct("x")

    assert pl.read_parquet(tmp_path / "a.parquet").height == 300


def test_what_fails_outside_is_raised(tmp_path: Path, way: str) -> None:
    """The block raises its own error, and no thread is left."""
    before = active_count()

    with pytest.raises(ZeroDivisionError):
        put(tmp_path / "a.parquet", 5, then=lambda: 1 // 0)

    assert active_count() == before
    assert not [path for path in tmp_path.iterdir() if path.name != "a.parquet"]


def test_what_cannot_be_written_is_raised(tmp_path: Path, way: str) -> None:
    """Whoever puts a frame hears of it, or the end of the block does."""
    with pytest.raises(OSError, match="No such file"):
        put(tmp_path / "none" / "a.parquet", 5)


def put(path: Path, count: int, then: Callable[[], object] = lambda: None) -> None:
    """Put some frames, and do something else."""
    with ParquetSink(path, {"n": pl.Int64()}) as sink:
        for frame in frames(count, {"n": pl.Int64()}):
            sink.put(frame)
        then()


MANY = """
import polars as pl
from pathlib import Path
from contextlib import ExitStack
from pypedream.tabular.parquet_sink import ParquetSink
with ExitStack() as stack:
    sinks = [
        stack.enter_context(ParquetSink(Path(f"{at}.parquet"), {"a": pl.Int64()}))
        for at in range(4)
    ]
    for at in range(20):
        data = b"a\\n" + b"1\\n" * 10_000
        frame = pl.read_csv(data).filter(pl.col("a") > 0)
        for sink in sinks:
            sink.put(frame)
print([pl.scan_parquet(f"{at}.parquet").select(pl.len()).collect().item() for at in range(4)])
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_several_files_at_a_time_do_not_wait_for_each_other(tmp_path: Path, threads: str) -> None:
    """Threads of polars that wait for frames never are all that it has."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MANY],
        cwd=tmp_path,
        env={
            **os.environ,
            "POLARS_MAX_THREADS": threads,
            "PYTHONPATH": str(Path(parquet_sink.__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.strip() == str([200_000] * 4), done.stderr
