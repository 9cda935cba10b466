"""A pipeline of tables and runs of it, for tests: files as if they had been ingested."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pypedream.tabular.manifest import FileState, Manifest, RunStatus, write_manifest

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pandera.polars")

RUN_DATE = date(2024, 6, 1)


def ingested(folder: Path, frames: dict[str, Any], run_id: str = "ab12c", day: int = 1) -> Path:
    """Make a run whose files came in and on which no step was called; return its folder."""
    run = folder / ".working" / run_id
    (run / "ingested").mkdir(parents=True)
    files = {}
    for name, frame in frames.items():
        path = run / "ingested" / f"{name}.parquet"
        frame.write_parquet(path)
        record = {
            "name": name,
            "source_path": f"{name}.csv",
            "parquet_path": str(path),
            "row_count": frame.height,
            "column_count": frame.width,
            "source_size_bytes": 1,
        }
        files[name] = FileState(record, f"ingested/{name}.parquet")
    made = f"2024-06-{day:02}T10:00:00+00:00"
    write_manifest(Manifest(run_id, "test", RUN_DATE, made, RunStatus.INGESTED, files), run)
    return run


def pipeline_of(folder: Path, configure: Any, files: tuple[str, ...] = ("a",), **settings: Any):
    """Return a pipeline whose steps *configure* registers, with its runs below *folder*."""
    from pypedream.tabular import IngestFileSpec, Pipeline

    specs = [IngestFileSpec(name, f"{name}.csv", pa.DataFrameSchema({})) for name in files]
    body = {"ingest_files": specs, "configure_steps": configure, "name": "test", **settings}
    pipeline = type("Tables", (Pipeline,), body)()
    pipeline.pipeline_dir = folder
    return pipeline


def numbers(count: int = 6) -> Any:
    """Return a frame of the numbers from 0 up."""
    return pl.DataFrame({"n": range(count)}, schema={"n": pl.Int64})


def adding(amount: int) -> Any:
    """Return a step that adds to all numbers of its files, which shows how often it was called."""

    def add(ctx, files):
        for file in files:
            file.save_in_place_lazy(file.scan().with_columns(pl.col("n") + amount))

    return add


def values(pipeline: Any, name: str = "a") -> list[int]:
    """Return the numbers that a file of the latest run has now."""
    return pipeline.file(name).load()["n"].to_list()


def statuses(pipeline: Any) -> dict[str, str]:
    """Return the status of each step of the latest run, and of the run."""
    manifest = pipeline.manifest()
    found = {key: str(state.status) for key, state in manifest.steps.items()}
    return {**found, "run": str(manifest.status)}
