"""XpersistResult: the interface that users of xpersist know."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import DuplicateKey, MissingEntry
from pypedream.export.prefect import XpersistResult
from pypedream.store import CacheStore


@pytest.fixture
def store(tmp_path: Path) -> CacheStore:
    return CacheStore(tmp_path / "store")


def test_names_order_and_defaults_are_those_that_users_know() -> None:
    """What was written for xpersist goes on working."""
    given = {name: each.default for name, each in signature(XpersistResult).parameters.items()}
    given.pop("more")

    assert list(given.items())[1:] == [
        ("serializer", "auto"),
        ("serializer_dump_kwargs", None),
        ("serializer_load_kwargs", None),
        ("kwargs", None),
    ]
    assert next(iter(given)) == "cache_store"
    assert list(signature(XpersistResult.exists).parameters) == ["self", "location", "kwargs"]
    assert list(signature(XpersistResult.read).parameters) == ["self", "location"]
    assert list(signature(XpersistResult.write).parameters) == ["self", "value_", "kwargs"]


def test_what_is_written_can_be_read(store: CacheStore) -> None:
    """A written value is in the store under its location, and read gives a new result."""
    result = XpersistResult(store, kwargs={"location": "foo/{task}"})

    written = result.write({"a": (1, 2)}, task="clean")
    read = result.read("foo/clean")

    assert (written.location, written.value) == ("foo/clean", {"a": (1, 2)})
    assert (read.location, read.value) == ("foo/clean", {"a": (1, 2)})
    assert store.get("foo/clean") == {"a": (1, 2)}
    assert (result.location, result.value) == ("foo/{task}", None)


def test_a_location_exists_once_something_was_written_there(store: CacheStore) -> None:
    """The location may be a template."""
    result = XpersistResult(store, location="{day}")
    before = result.exists("{day}", day="monday")

    result.write(1, day="monday")

    assert not before
    assert result.exists("{day}", day="monday")
    assert not result.exists("tuesday")


def test_a_location_can_be_made_by_a_function(store: CacheStore) -> None:
    """As in Prefect 1, which called it with what it knows."""
    result = XpersistResult(store, location=lambda task, **_: f"by/{task}")

    assert result.write(1, task="load", day="x").location == "by/load"


def test_without_a_location_each_value_has_one_of_its_own(store: CacheStore) -> None:
    """Nothing is overwritten by accident."""
    result = XpersistResult(store)

    first, second = result.write(1), result.write(2)

    assert first.location != second.location
    assert [result.read(str(each.location)).value for each in (first, second)] == [1, 2]


def test_a_format_and_its_arguments_are_used(store: CacheStore) -> None:
    """They are the names of the registry, as for put and get."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    result = XpersistResult(
        store,
        serializer="pandas.csv",
        serializer_dump_kwargs={"sep": ";"},
        serializer_load_kwargs={"sep": ";"},
        location="table",
    )

    result.write(frame)

    assert result.read("table").value.equals(frame)
    assert store.get_artifact("table").serializer == "pandas.csv"


def test_the_store_decides_about_what_is_there_already(tmp_path: Path) -> None:
    """What it was opened with holds."""
    store = CacheStore(tmp_path, on_duplicate_key="raise_error")
    result = XpersistResult(store, location="x")
    result.write(1)

    with pytest.raises(DuplicateKey, match="x"):
        result.write(2)


def test_what_is_not_there_cannot_be_read(store: CacheStore) -> None:
    """The error is that of the store, a KeyError."""
    with pytest.raises(MissingEntry, match="nowhere"):
        XpersistResult(store).read("nowhere")


@pytest.mark.parametrize(
    "given", [{"place": "x"}, {"kwargs": {"place": "x"}}], ids=["name", "dict"]
)
def test_a_result_has_nothing_else(store: CacheStore, given: dict[str, Any]) -> None:
    """A misspelled argument is no silent one."""
    with pytest.raises(TypeError, match="place: a result has a value and a location"):
        XpersistResult(store, **given)
