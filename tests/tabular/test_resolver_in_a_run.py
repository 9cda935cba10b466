from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import pytest

from pypedream.tabular import CanonicalIdResolver
from tests.tabular.tables import RUN_DATE, ingested, pipeline_of, statuses

pl = pytest.importorskip("polars")

ROWS = 30_000
KILLS = 8


def delivery(changed: int) -> Any:
    """Return rows of which every tenth has another number than in other deliveries."""
    number = pl.int_range(ROWS)
    return pl.select(
        key=number.cast(pl.String),
        n=pl.when(number % 10 == 0).then(number * changed).otherwise(number),
    )


def resolver_of(folder: Path) -> CanonicalIdResolver:
    return CanonicalIdResolver(folder, "rows", {"all": ["n"]})


def resolve(ctx: Any, files: list[Any]) -> None:
    """Give the rows of each file their ids, in two parts."""
    for file in files:
        frame = file.load().select("key", "n")
        parts = [
            resolver_of(ctx.pipeline_dir).resolve(
                part, source_key_column="key", namespace="test", run_date=ctx.run_date
            )
            for part in frame.iter_slices(ROWS // 2)
        ]
        file.save_in_place(pl.concat(parts))


def configure(self: Any) -> None:
    self.add_step("First", resolve, ["a"])
    self.add_step("Again", resolve, ["b"])


def tables(folder: Path) -> Any:
    return pipeline_of(folder, configure, ("a", "b"))


def prepared(folder: Path) -> Path:
    """Make a store with an earlier delivery, and a run of a later one whose files came in."""
    resolver_of(folder).resolve(
        delivery(3).head(ROWS // 2), source_key_column="key", namespace="test", run_date=RUN_DATE
    )
    ingested(folder, {"a": delivery(4), "b": delivery(4)})
    return folder


def said(folder: Path) -> Any:
    """Return what the run said of each row of both files."""
    both = [
        tables(folder).file(name).load().select("key", "status", "all_changed") for name in "ab"
    ]
    return pl.concat(both)


def check(folder: Path) -> None:
    """See that both files and the store have one id for each row."""
    kept = dict(
        pl.read_parquet(resolver_of(folder).store_path)
        .select("source_key", "canonical_id")
        .iter_rows()
    )
    assert len(kept) == len(set(kept.values())) == ROWS
    for name in "ab":
        for key, identity in tables(folder).file(name).load().select("key", "canonical_id").rows():
            assert kept[f"test:{key}"] == identity


def test_a_run_adds_to_the_store_when_it_is_completed(tmp_path: Path) -> None:
    """Both steps compare with what there was before the run, and give a row one id."""
    prepared(tmp_path)

    tables(tmp_path).run()

    found = said(tmp_path)
    assert found.head(ROWS).equals(found.tail(ROWS))
    assert dict(found.head(ROWS)["status"].value_counts().iter_rows()) == {
        "NEW": ROWS // 2,
        "CHANGED": ROWS // 20 - 1,
        "UNCHANGED": ROWS // 2 - ROWS // 20 + 1,
    }
    check(tmp_path)


def test_a_run_that_failed_says_the_same_when_it_goes_on(tmp_path: Path) -> None:
    """The store is as it was until then."""
    prepared(tmp_path)
    before = resolver_of(tmp_path).store_path.read_bytes()
    is_mended = []

    def breaking(ctx: Any, files: list[Any]) -> None:
        resolve(ctx, files)
        if not is_mended:
            raise ZeroDivisionError

    def with_failure(self: Any) -> None:
        self.add_step("First", resolve, ["a"])
        self.add_step("Again", breaking, ["b"])

    pipeline = pipeline_of(tmp_path, with_failure, ("a", "b"))
    with pytest.raises(ZeroDivisionError):
        pipeline.run()
    assert resolver_of(tmp_path).store_path.read_bytes() == before

    is_mended.append(True)
    pipeline.run()

    assert statuses(pipeline)["run"] == "completed"
    found = said(tmp_path)
    assert found.head(ROWS).equals(found.tail(ROWS))
    check(tmp_path)


def test_a_step_that_is_repeated_says_the_same(tmp_path: Path) -> None:
    """Also when its run was completed, and the store has all of it."""
    prepared(tmp_path)
    tables(tmp_path).run()
    before, kept = said(tmp_path), pl.read_parquet(resolver_of(tmp_path).store_path)

    tables(tmp_path).run(run_id="ab12c", from_="first")

    assert said(tmp_path).equals(before)
    assert (
        pl.read_parquet(resolver_of(tmp_path).store_path)
        .sort("source_key")
        .equals(kept.sort("source_key"))
    )
    check(tmp_path)


def _started(folder: Path) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path;"
        "from tests.tabular.test_resolver_in_a_run import tables;"
        "made = tables(Path(sys.argv[1])); print(flush=True); made.run(progress=False)"
    )
    root = str(Path(__file__).parents[2])
    words = [sys.executable, "-c", code, str(folder)]
    process = subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_says_the_same(tmp_path: Path) -> None:
    """Every row has one id in both files and in the store, and the status of an unbroken run."""
    unbroken, broken = prepared(tmp_path / "unbroken"), tmp_path / "broken"
    process = _started(unbroken)
    begin = perf_counter()
    process.communicate(timeout=120)
    took_s = perf_counter() - begin
    moments, kills, runs = random.Random(3), 0, 0

    while kills < KILLS:
        runs += 1
        folder = prepared(broken / str(runs))
        while str(tables(folder).manifest().status) != "completed":
            process = _started(folder)
            if kills < KILLS:
                sleep(moments.uniform(0, took_s))
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
            process.communicate(timeout=120)
            kills += process.returncode != 0

        assert said(folder).equals(said(unbroken))
        check(folder)
