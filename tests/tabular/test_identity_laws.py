from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pypedream.tabular import CanonicalIdResolver

START = date(2026, 1, 1)
ALL = ("a", "b", "c")
GROUPS: dict[str, Any] = {"all": "*all", "pair": ["a", "b"], "one": ["c"], "same": ["b", "a"]}

rows = st.fixed_dictionaries(
    {
        "a": st.sampled_from([None, "", "x", "\x1f"]),
        "b": st.sampled_from([None, "", "\x1fx"]),
        "c": st.sampled_from([None, 0.5, float("nan")]),
    }
)
deliveries = st.lists(st.dictionaries(st.sampled_from("123"), rows, max_size=3), max_size=6)
groups = st.dictionaries(
    st.sampled_from("pqrs"),
    st.one_of(st.just("*all"), st.lists(st.sampled_from(ALL), min_size=1, unique=True)),
    min_size=1,
)
TYPES = {"key": pl.String, "a": pl.String, "b": pl.String, "c": pl.Float64}


def frame(delivery: dict[str, dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{"key": key, **row} for key, row in delivery.items()], schema=TYPES)


def plain(row: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a row says, with blank for null."""
    return tuple("" if row[name] is None else repr(row[name]).strip("'") for name in names)


def resolve(resolver: CanonicalIdResolver, data: pl.DataFrame, day: date) -> pl.DataFrame:
    return resolver.resolve(data, source_key_column="key", namespace="n", run_date=day)


@given(groups, deliveries)
def test_a_resolver_says_what_a_dict_of_the_last_rows_says(
    groups: dict[str, Any], deliveries: list[dict[str, dict[str, Any]]]
) -> None:
    """Whatever is delivered in whatever order and groups, and a row has one id for ever."""
    members = {group: ALL if names == "*all" else tuple(names) for group, names in groups.items()}
    last: dict[str, dict[str, Any]] = {}
    ids: dict[str, str] = {}
    days: dict[str, list[date]] = {}
    with TemporaryDirectory() as folder:
        resolver = CanonicalIdResolver(Path(folder), "laws", groups)
        for number, delivery in enumerate(deliveries):
            day = START + timedelta(days=number)
            found = resolve(resolver, frame(delivery), day)
            for each in found.iter_rows(named=True):
                key = each["key"]
                before = last.get(key)
                flags = {
                    group: before is None or plain(before, names) != plain(delivery[key], names)
                    for group, names in members.items()
                }
                word = "CHANGED" if any(flags.values()) else "UNCHANGED"
                assert each["status"] == ("NEW" if before is None else word)
                assert {group: each[f"{group}_changed"] for group in groups} == flags
                assert ids.setdefault(key, each["canonical_id"]) == each["canonical_id"]
                if any(flags.values()):
                    days.setdefault(key, []).append(day)
            last |= delivery
        assert len(set(ids.values())) == len(ids)
        if last:
            kept = pl.read_parquet(resolver.store_path)
            table = {row["source_key"]: row for row in kept.iter_rows(named=True)}
            assert {f"n:{key}": row for key, row in days.items()} == {
                key: row["update_dates"] for key, row in table.items()
            }
            assert all(
                row["last_changed_date"] == row["update_dates"][-1] for row in table.values()
            )


@given(st.dictionaries(st.integers(0, 50).map(str), rows, max_size=12), st.integers(1, 13))
def test_it_does_not_matter_in_how_many_calls_rows_come(
    delivery: dict[str, dict[str, Any]], size: int
) -> None:
    """A delivery in pieces says the same as at once, and keeps the same."""
    data = frame(delivery)
    second = data.with_columns(a=pl.lit("x"))
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        at_once = CanonicalIdResolver(Path(one), "laws", GROUPS)
        in_pieces = CanonicalIdResolver(Path(other), "laws", GROUPS)

        for day, rows in enumerate((data, second)):
            date_ = START + timedelta(days=day)
            whole = resolve(at_once, rows, date_)
            pieces = [resolve(in_pieces, piece, date_) for piece in rows.iter_slices(size)]
            said = pl.concat([whole.clear(), *pieces])
            assert said.drop("canonical_id").equals(whole.drop("canonical_id"))

        if delivery:
            assert kept(at_once).equals(kept(in_pieces))


def kept(resolver: CanonicalIdResolver) -> pl.DataFrame:
    return pl.read_parquet(resolver.store_path).sort("source_key").drop("canonical_id")
