"""Tables: what it costs to know each row of a register again, beside a peer.

The register has ten columns and two hash groups; in the second delivery a tenth of the rows has
changed. Each sample is a process of its own, with a store that is empty at first.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import LIMIT_S, Row, apart, is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

ROWS, SOME, FEW = 1_000_000, 75_000, 20_000
GROUPS: dict[str, Any] = {"all": "*all", "address": ["street", "town", "postcode"]}
PEER = "astro"
DAYS = (date(2026, 1, 5), date(2026, 2, 2))
DELIVERIES = ("first", "second")


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure a first delivery and the one after it; in full beside the peer, if it is there."""
    if not is_installed("polars"):
        return
    count, samples = (FEW, 1) if quick else (ROWS, 3)
    found = [apart(resolved, "pypedream.tabular", count) for _ in range(samples)]
    unit = "x writing the rows as Parquet"
    for number, name in enumerate(DELIVERIES):
        ratios = [each["cpu_s"][number] / each["unit_s"] for each in found]
        yield Row(f"ids for {count:,} rows, {name} delivery", unit, ratios)
    size_mb = max(each["size_mb"] for each in found)
    yield Row(f"store of {count:,} rows", "MB", [size_mb], None if quick else 70)
    if not quick:
        some = [apart(resolved, "pypedream.tabular", SOME)["cpu_s"][0] for _ in range(samples)]
        yield Row(f"ids for {SOME:,} rows and an empty store", "CPU seconds", some, 1)
        if is_installed(PEER):
            yield from _beside_peer(found, samples)


def _beside_peer(ours: list[dict[str, Any]], samples: int) -> Iterator[Row]:
    theirs = [apart(resolved, PEER, ROWS, limit_s=LIMIT_S) for _ in range(samples)]
    for number, name in enumerate(DELIVERIES):
        pairs = zip(ours, theirs, strict=True)
        ended = [(one["cpu_s"][number], other["cpu_s"][number]) for one, other in pairs if other]
        ratios = [one / other for one, other in ended]
        yield Row(f"ids for {ROWS:,} rows, {name} delivery", "x astro-pipeline", ratios, 0.4)


def resolved(package: str, count: int) -> dict[str, Any]:
    """Return the CPU seconds of two deliveries, the size of the store, and a unit."""
    from importlib import import_module

    resolver = import_module(package).CanonicalIdResolver
    first = register(count)
    second = with_changes(first)
    with TemporaryDirectory() as folder:
        ids = resolver(Path(folder), "register", GROUPS)
        cpu_s = [_resolve(ids, each, day) for each, day in zip((first, second), DAYS, strict=True)]
        size_mb = ids.store_path.stat().st_size / 1e6
        start = process_time()
        first.write_parquet(Path(folder, "rows.parquet"))
        unit_s = process_time() - start
    return {"cpu_s": cpu_s, "size_mb": size_mb, "unit_s": unit_s}


def _resolve(ids: Any, data: pl.DataFrame, day: date) -> float:
    start = process_time()
    ids.resolve(data, source_key_column="urn", namespace="register", run_date=day)
    return process_time() - start


def register(count: int) -> pl.DataFrame:
    """Return rows as a public register has them."""
    import polars as pl

    number = pl.int_range(count)
    opened = pl.when(number % 3 > 0).then(pl.format("2001-01-{}", number % 28))
    return pl.select(
        urn=(number + 100_000).cast(pl.String),
        name=pl.format("Establishment number {}", number),
        street=pl.format("{} High Street", number % 997),
        town=pl.format("Town {}", number % 331),
        postcode=pl.format("AB{} {}CD", number % 99, number % 9),
        phase=(number % 7).cast(pl.String),
        opened=opened,
        pupils=number % 1500,
        score=(number % 1000) / 7,
        is_open=number % 11 != 0,
    )


def with_changes(data: pl.DataFrame) -> pl.DataFrame:
    """Return the next delivery: one row of ten has another number of pupils."""
    import polars as pl

    is_other = pl.int_range(pl.len()) % 10 == 0
    return data.with_columns(pupils=pl.col("pupils") + is_other.cast(pl.Int64))
