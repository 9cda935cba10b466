"""Tables that come in: what it costs to check each row of a file, beside a plain conversion.

The file has ten columns, and the schema a rule for each of them. The unit is one plan of polars
that reads the same file with the same dtypes and writes it as Parquet, without a look at a row.
Each sample is a process of its own, as memory counts as well.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import Row, apart, is_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

ROWS, FEWER, FEW = 5_000_000, 1_000_000, 20_000
PART = 250_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure a file that is right, its memory, and one of which a row of a thousand is wrong."""
    if not is_installed("polars") or not is_installed("pandera"):
        return
    count, fewer, samples = (FEW, FEW, 1) if quick else (ROWS, FEWER, 3)
    with TemporaryDirectory() as folder:
        path, small = Path(folder, "rows.csv"), Path(folder, "fewer.csv")
        write(path, count)
        write(small, fewer)
        found = [(apart(taken, path), apart(converted, path)) for _ in range(samples)]
        unit = "x scan and sink"
        ratios = [ours["cpu_s"] / plain["cpu_s"] for ours, plain in found]
        yield Row(f"{count:,} rows come in, ten rules", unit, ratios, None if quick else 1.3)
        peak = max(ours["peak_mb"] for ours, _ in found)
        yield Row(f"memory for {count:,} rows", "MB", [peak], None if quick else 500)
        plain = max(plain["peak_mb"] for _, plain in found)
        yield Row("memory of a scan and sink of them", "MB", [plain])
        less = max(apart(taken, small)["peak_mb"] for _ in range(samples))
        growth = f"memory for {count:,} rows"
        yield Row(growth, f"x that for {fewer:,}", [peak / less], None if quick else 1.25)
        write(path, count, wrong=1_000)
        found = [(apart(taken, path), apart(converted, path)) for _ in range(samples)]
        ratios = [ours["cpu_s"] / plain["cpu_s"] for ours, plain in found]
        yield Row(f"{count:,} rows, one of a thousand rejected", unit, ratios)


def taken(path: Path) -> dict[str, float]:
    """Return what it costs to take in a file, checked."""
    from pypedream.tabular import IngestFileSpec, ingest_file

    spec = IngestFileSpec("rows", "*.csv", _schema(), on_error="quarantine")
    target = path.with_suffix(".parquet")
    return _measured(lambda: ingest_file(path, spec, target))


def converted(path: Path) -> dict[str, float]:
    """Return what it costs to convert a file, unchecked; what is wrong becomes null."""
    import polars as pl

    plan = pl.scan_csv(path, try_parse_dates=True, ignore_errors=True)
    return _measured(lambda: plan.sink_parquet(path.with_suffix(".parquet")))


def _measured(work: Callable[[], object]) -> dict[str, float]:
    from resource import RUSAGE_SELF, getrusage

    start = process_time()
    work()
    return {
        "cpu_s": process_time() - start,
        "peak_mb": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }


def _schema() -> Any:
    import pandera.polars as pa
    import polars as pl

    check = pa.Check
    return pa.DataFrameSchema(
        {
            "urn": pa.Column(int, unique=True),
            "code": pa.Column(str, check.str_matches(r"^C\d{6}$")),
            "name": pa.Column(str),
            "amount": pa.Column(float, check.in_range(0, 1e6)),
            "pupils": pa.Column(int, check.ge(0)),
            "opened": pa.Column(pl.Date, check.ge(date(1970, 1, 1))),
            "is_open": pa.Column(bool),
            "region": pa.Column(str, check.isin(["North", "South", "East", "West"])),
            "postcode": pa.Column(str, check.str_length(1, 8)),
            "note": pa.Column(str),
        }
    )


def write(path: Path, count: int, wrong: int = 0) -> None:
    """Write a file of rows; if *wrong* is given, each row of so many has a bad number."""
    with open(path, "wb") as file:
        for start in range(0, count, PART):
            part = _part(start, min(PART, count - start), wrong)
            part.write_csv(file, include_header=start == 0)


def _part(start: int, count: int, wrong: int) -> pl.DataFrame:
    import polars as pl

    number = pl.int_range(start, start + count)
    mixed = (number * 7919) % 900_001
    pupils = (mixed % 1500).cast(pl.String)
    if wrong:
        pupils = pl.when(number % wrong == 1).then(pl.lit("many")).otherwise(pupils)
    regions = [pl.when(mixed % 4 == at).then(pl.lit(name)) for at, name in enumerate(_REGIONS)]
    return pl.select(
        urn=number + 100_000,
        code=pl.format("C{}", mixed % 900_000 + 100_000),
        name=pl.format("School of {} and {} Road", mixed % 997, mixed % 10_007),
        amount=mixed / 7,
        pupils=pupils,
        opened=pl.date(1970, 1, 1) + pl.duration(days=mixed % 18_000),
        is_open=mixed % 2 == 0,
        region=pl.coalesce(regions),
        postcode=pl.format("AB{} {}CD", mixed % 99, mixed % 9),
        note=pl.format("some words about the row {} that nobody reads", mixed),
    )


_REGIONS = ("North", "South", "East", "West")
