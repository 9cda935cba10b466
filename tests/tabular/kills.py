"""A run of tables in a process that is killed at some moment, and gone on with, again and again.

``python -m tests.tabular.kills 50`` kills that often and says what came of it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import polars as pl

from tests.tabular.tables import ingested, pipeline_of

ROWS = 100_000
STEPS = 7


def frames() -> dict[str, pl.DataFrame]:
    """Return the rows of two files."""
    numbers = pl.select(n=pl.int_range(ROWS), t=pl.int_range(ROWS).cast(pl.String)).with_columns(
        n=pl.col("n").cast(pl.Int64)
    )
    return {"a": numbers, "b": numbers.head(1000)}


def in_place(ctx, files):
    """Double and add one, so that it matters how often and in which order."""
    for file in files:
        file.save_in_place_lazy(file.scan().with_columns(pl.col("n") * 2 + 1))


def elsewhere(ctx, files):
    """Do the same, and save to another file."""
    for file in files:
        frame = file.scan().with_columns(pl.col("n") * 3 + 1)
        file.save_to_lazy("out", f"{file.name}.parquet", frame)


def outside(ctx, files):
    """Do the same, and write the file itself, twice to the same path."""
    for file in files:
        path = file.output_path("own", f"{file.name}.parquet")
        path.parent.mkdir(exist_ok=True)
        frame = file.load()
        frame.head(1).write_parquet(path)
        frame.with_columns(pl.col("n") - 7).write_parquet(path)
        file.set_active_path(path)


def configure(self):
    """Register the steps."""
    self.add_step("One", in_place, ["a", "b"])
    self.add_filter("Odd", pl.col("n") % 5 == 0, ["a"])
    self.add_step("Two", elsewhere, ["a"], depends_on=["odd"])
    self.add_step("Own", outside, ["a"])
    self.add_step("Own again", outside, ["a", "b"])
    self.add_filter("Some", lambda frame: frame.filter(pl.col("n") % 7 == 0), ["a", "b"])
    self.add_step("Three", in_place, ["b", "a"], depends_on=["two"])


def pipeline(folder: Path):
    """Return the pipeline whose runs are below *folder*."""
    mode = "parallel" if folder.name == "parallel" else "serial"
    return pipeline_of(folder, configure, ("a", "b"), step_execution_mode=mode)


def outcome(folder: Path) -> list[pl.DataFrame]:
    """Return the rows of both files, and those that filters took out."""
    tables = pipeline(folder)
    assert str(tables.manifest().status) == "completed"
    removed = sorted((folder / ".working" / "ab12c" / "filtered").rglob("*.parquet"))
    return [tables.file(name).load() for name in ("a", "b")] + [*map(pl.read_parquet, removed)]


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that goes on with the run, and wait until it is about to."""
    words = [sys.executable, "-m", "tests.tabular.kills", "--run", str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def killed_and_resumed(folder: Path, times: int, seed: int) -> list[int]:
    """Kill a run at random moments until it is completed; return how many steps were done then.

    Parameters
    ----------
    times
        How often at most.
    """
    moments, done = random.Random(seed), []
    took_s = unbroken(folder.parent / "timed" / folder.name)
    ingested(folder, frames())
    while len(done) < times:
        process = start(folder)
        sleep(moments.uniform(0, 0.8 * took_s))
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        manifest = pipeline(folder).manifest()
        if str(manifest.status) == "completed":
            return done
        done.append(sum(step.status.is_done for step in manifest.steps.values()))
    process = start(folder)
    process.stdout.close()
    process.wait()
    return done


def unbroken(folder: Path) -> float:
    """Carry a run out; return how long that took."""
    ingested(folder, frames())
    process = start(folder)
    begin = perf_counter()
    assert process.wait() == 0
    process.stdout.close()
    return perf_counter() - begin


def main(words: list[str]) -> None:
    """Go on with a run, or kill one as often as it is said."""
    if words[0] == "--run":
        tables = pipeline(Path(words[1]))
        print("ready", flush=True)
        if str(tables.manifest().status) != "completed":
            tables.run(progress=False)
        return
    left, same = int(words[0]), 0
    with TemporaryDirectory() as name:
        unbroken(Path(name, "unbroken"))
        expected = outcome(Path(name, "unbroken"))
        runs = 0
        while left > 0:
            runs += 1
            mode = ("serial", "parallel")[runs % 2]
            folder = Path(name, str(runs), mode)
            done = killed_and_resumed(folder, left, runs)
            left -= len(done)
            is_same = all(
                one.equals(other) for one, other in zip(outcome(folder), expected, strict=True)
            )
            same += is_same
            print(f"{mode}: killed with {done} steps done; same: {is_same}")
    print(f"{same} of {runs} runs are the same as an unbroken one")


if __name__ == "__main__":
    main(sys.argv[1:])
