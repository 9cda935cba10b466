"""Steps over tables: what a filter and a step that does nothing cost, in time, memory and space.

Each sample is a process of its own, as memory is told of the whole process.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import Row, apart, is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

ROWS, FEW = 5_000_000, 20_000
STEPS, FEWER = 30, 10


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure filters beside a plain rewrite of the file, and steps that do nothing."""
    if not is_installed("polars") or not is_installed("pandera"):
        return
    count, samples = (FEW, 1) if quick else (ROWS, 3)
    plain = [apart(rewritten, count) for _ in range(samples)]
    for kind, ratio, memory_mb in (("expression", 1.25, 300), ("function", None, 600)):
        found = [apart(filtered, kind, count) for _ in range(samples)]
        ratios = [one["cpu_s"] / other["cpu_s"] for one, other in zip(found, plain, strict=True)]
        what = f"filter of {count:,} rows by {kind}"
        yield Row(what, "x rewriting the file", ratios, None if quick else ratio)
        peak = [min(each["peak_mb"] for each in found)]
        yield Row(f"{what}, memory", "MB", peak, None if quick else memory_mb)
    counted = [apart(row_count_ms, count) for _ in range(samples)]
    yield Row(f"row_count of {count:,} rows", "ms", counted, None if quick else 2)
    idle = [apart(idle_steps) for _ in range(samples)]
    yield Row("step that does nothing", "CPU ms", [each["cpu_ms"] for each in idle], 1.5)
    sizes = [each["sizes"] for each in idle]
    yield Row(f"space after {STEPS} such steps", "x the file", sizes, 1.1)


def rewritten(count: int) -> dict[str, float]:
    """Return the CPU seconds of reading a file and writing it again."""
    import polars as pl

    with TemporaryDirectory() as folder:
        path = _made(Path(folder), count)
        start = process_time()
        pl.scan_parquet(path).sink_parquet(Path(folder, "out.parquet"))
        return {"cpu_s": process_time() - start}


def filtered(kind: str, count: int) -> dict[str, float]:
    """Return the CPU seconds of a filter that takes out a seventh, and the most memory in MB."""
    import polars as pl

    from pypedream.tabular.filters import filter_file

    condition = pl.col("y") % 7 == 0
    by: Any = condition if kind == "expression" else (lambda frame: frame.filter(condition))
    with TemporaryDirectory() as folder:
        _made(Path(folder), count)
        file = _file(Path(folder))
        file.row_count()
        start = process_time()
        removed = filter_file(file, by, Path(folder, "filtered", "table.parquet"))
        cpu_s = process_time() - start
        assert removed + file.row_count() == count
    return {"cpu_s": cpu_s, "peak_mb": _peak_mb()}


def row_count_ms(count: int) -> float:
    """Return how long it takes to count the rows of a file, at best."""
    from time import perf_counter

    with TemporaryDirectory() as folder:
        _made(Path(folder), count)
        file, times = _file(Path(folder)), []
        for _ in range(20):
            start = perf_counter()
            file.row_count()
            times.append(perf_counter() - start)
    return min(times) * 1000


def idle_steps() -> dict[str, float]:
    """Return what a step more costs, in CPU ms, and the space that files take after many."""
    from tests.tabular.tables import ingested, numbers, pipeline_of

    def cpu_s(count: int, home: Path) -> float:
        def configure(self: Any) -> None:
            for number in range(count):
                self.add_step(f"step {number}", lambda ctx, files: None, ["a"])

        ingested(home, {"a": numbers(100_000)})
        pipeline = pipeline_of(home, configure)
        pipeline.plan()
        start = process_time()
        pipeline.run(progress=False)
        return process_time() - start

    with TemporaryDirectory() as folder:
        cpu_s(FEWER, Path(folder, "first"))
        few = min(cpu_s(FEWER, Path(folder, f"few {number}")) for number in range(3))
        many = min(cpu_s(STEPS, Path(folder, f"many {number}")) for number in range(3))
        run = Path(folder, "many 0", ".working", "ab12c")
        sizes = {path.stat().st_ino: path.stat().st_size for path in run.rglob("*.parquet")}
        file = (run / "ingested" / "a.parquet").stat().st_size
    return {"cpu_ms": (many - few) / (STEPS - FEWER) * 1000, "sizes": sum(sizes.values()) / file}


def _made(folder: Path, count: int) -> Path:
    """Write a file of ten columns as a run does, in a process that is gone then."""
    path = folder / "ingested" / "table.parquet"
    path.parent.mkdir()
    apart(_write, str(path), count)
    return path


def _write(path: str, count: int) -> None:
    import polars as pl

    from pypedream.tabular.parquet_files import group_rows

    number = pl.int_range(count)
    mixed = (number * 2_654_435_761) % 2**32
    frame: pl.DataFrame = pl.select(
        id=number.cast(pl.String).str.zfill(9),
        town=pl.concat_str(pl.lit("town "), (mixed % 5000).cast(pl.String)),
        x=(mixed % 10_007) / 7,
        y=(mixed % 1009).cast(pl.Int32),
        when=pl.date(2020, 1, 1) + pl.duration(days=mixed % 1400),
        a=mixed % 97,
        b=mixed % 13 == 0,
        c=(mixed // 3 % 100_000).cast(pl.String),
        d=pl.when(mixed % 11 == 0).then(None).otherwise(mixed / 5),
        e=mixed,
    )
    frame.lazy().sink_parquet(path, row_group_size=group_rows(frame))


def _file(folder: Path) -> Any:
    from pypedream.tabular import AstroFile, AstroFileSpec, IngestedFileRecord

    spec = type("Table", (AstroFileSpec,), {"ingest_name": "table"})
    record = IngestedFileRecord("table", "", "", 0, 0, 0)
    return AstroFile.hydrate(spec=spec, ingest_record=record, run_directory=folder)


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
