"""StoreBlock: results of Prefect's tasks in a CacheStore."""

from __future__ import annotations

import asyncio
import importlib.util
import pickle
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import MissingExtra
from pypedream.store import CacheStore

OF_PREFECT = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect"),
    pytest.mark.filterwarnings("default"),
]


def of_prefect(test: Any) -> Any:
    for mark in OF_PREFECT:
        test = mark(test)
    return test


@pytest.mark.skipif(importlib.util.find_spec("prefect") is not None, reason="Prefect is there")
def test_without_prefect_it_says_what_to_install() -> None:
    """The module can be imported without."""
    with pytest.raises(MissingExtra, match=r"StoreBlock needs prefect: pip install"):
        importlib.import_module("pypedream.export.prefect").StoreBlock  # noqa: B018


@of_prefect
def test_a_task_keeps_its_result_in_the_store(tmp_path: Path) -> None:
    """Under its storage key, in the format that is asked for; the next call takes it from there."""
    pandas = pytest.importorskip("pandas")
    from prefect import flow, task
    from prefect.cache_policies import TASK_SOURCE

    from pypedream.export.prefect import StoreBlock, XpersistResult

    block = StoreBlock(path=str(tmp_path / "store"), serializer="pandas.parquet")
    block.save("results", overwrite=True)
    calls = []

    @task(
        persist_result=True,
        result_storage="pypedream-store/results",
        result_storage_key="tables/{parameters[name]}",
        cache_policy=TASK_SOURCE,
    )
    def table(name: str) -> Any:
        calls.append(name)
        return pandas.DataFrame({name: [1, 2]})

    @flow
    def twice() -> Any:
        return table("a"), table("a")

    first, second = twice()

    store = CacheStore(tmp_path / "store")
    assert calls == ["a"]
    assert first.equals(second)
    assert store.get("tables/a").equals(first)
    assert store.get_artifact("tables/a").serializer == "pandas.parquet"
    assert XpersistResult(store).read("tables/a").value.equals(first)


@of_prefect
@pytest.mark.parametrize("serializer", ["pickle", "json", "compressed/pickle"])
def test_any_serializer_of_prefects_will_do(tmp_path: Path, serializer: str) -> None:
    """A result store reads what it wrote, also by another block; None is a result, too."""
    from prefect.results import ResultStore

    from pypedream.export.prefect import StoreBlock

    values: list[Any] = [{"a": [1, 2.5]}, None, "text", {"metadata": {}, "result": 1}]
    written = ResultStore(
        result_storage=StoreBlock(path=str(tmp_path)), serializer=serializer_of(serializer)
    )
    for number, value in enumerate(values):
        written.write(value, key=f"k/{number}")

    read = ResultStore(result_storage=StoreBlock(path=str(tmp_path)))

    assert [read.read(f"k/{n}").result for n in range(len(values))] == values
    assert [CacheStore(tmp_path).get(f"k/{n}") for n in range(len(values))] == values
    assert (read.exists("k/0"), read.exists("k/9")) == (True, False)


def serializer_of(name: str) -> Any:
    from prefect.serializers import Serializer

    return Serializer(type=name)


@of_prefect
def test_a_result_whose_facts_are_kept_elsewhere_is_bytes(tmp_path: Path) -> None:
    """Prefect then gives the serialized value alone, and gets it back."""
    from prefect.filesystems import LocalFileSystem
    from prefect.results import ResultStore

    from pypedream.export.prefect import StoreBlock

    store = ResultStore(
        result_storage=StoreBlock(path=str(tmp_path / "store")),
        metadata_storage=LocalFileSystem(basepath=str(tmp_path / "facts")),
    )
    store.write((1, 2), key="x")

    fresh = ResultStore(
        result_storage=StoreBlock(path=str(tmp_path / "store")),
        metadata_storage=LocalFileSystem(basepath=str(tmp_path / "facts")),
    )
    assert fresh.read("x").result == (1, 2)


@of_prefect
def test_it_can_be_asked_from_async_code_and_be_sent(tmp_path: Path) -> None:
    """As Prefect does from async tasks, and to other processes."""
    from pypedream.export.prefect import StoreBlock

    block = pickle.loads(pickle.dumps(StoreBlock(path=str(tmp_path))))

    asyncio.run(block.awrite_path("x", b"some bytes"))

    assert asyncio.run(block.aread_path("x")) == b"some bytes"
    assert block.read_path("x", _sync=True) == b"some bytes"
