from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from pypedream.errors import ReadOnlyStore
from pypedream.store import CacheStore

CHANGES = {
    "put": lambda store: store.put("new", 1),
    "set": lambda store: store.__setitem__("a", 1),
    "delete": lambda store: store.delete("a", dry_run=False),
    "dry delete": lambda store: store.delete("a"),
    "del": lambda store: store.__delitem__("a"),
    "once": lambda store: store.once("new", lambda: 1),
    "claim": lambda store: store.claim("new"),
    "gc": lambda store: store.gc(keep_last=0),
}


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything about every file and folder that may not change."""
    return {
        str(path): (
            os.lstat(path).st_mode,
            os.lstat(path).st_mtime_ns,
            os.lstat(path).st_size,
            path.read_bytes() if path.is_file() else None,
        )
        for path in [root, *sorted(root.rglob("*"))]
    }


@pytest.mark.parametrize("change", CHANGES)
def test_what_would_change_a_store_is_refused(store, open_store, change):
    """The text names the store and the way out; nothing is changed."""
    store["a"] = 1

    with pytest.raises(ReadOnlyStore, match=r"is read-only: open it without readonly=True"):
        CHANGES[change](open_store(readonly=True))

    assert open_store().keys() == ["a"]


def read_everything(store: CacheStore) -> None:
    assert store.keys() == ["a", "damaged", "large"]
    assert (store["a"], len(store["large"])) == (1, 20_000)
    assert store.once("a", lambda: 2) == 1
    assert store.get_artifact("a").key == "a"
    assert "large" in store
    with pytest.raises(KeyError, match="absent"):
        store.get("absent")
    with pytest.raises(KeyError, match="damaged"):
        store.get("damaged")
    assert len(store.verify()) == 3
    store.gc(keep_last=0, dry_run=True)


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "in use"])
def test_reading_changes_not_one_byte(folder, is_closed):
    """Neither files nor folders nor times, also while somebody else has the store open."""
    writer = CacheStore(folder)
    writer["a"], writer["large"], writer["damaged"] = 1, "x" * 20_000, "y" * 20_000
    writer.backend.index.write(lambda index: index.execute("UPDATE entries SET used = 0"))
    blob = writer.backend.blob(writer.backend.find("damaged"))
    blob.chmod(0o600)
    blob.write_text("z")
    if is_closed:
        writer.close()
    before = snapshot(folder)

    reader = CacheStore(folder, readonly=True, on_corrupt=lambda *_: None)
    read_everything(reader)
    reader.close()

    assert snapshot(folder) == before


def test_a_reader_sees_what_is_written_later(folder):
    """By a process that had the store open before, or opens it afterwards."""
    writer = CacheStore(folder)
    writer["a"] = 1
    writer.close()
    reader = CacheStore(folder, readonly=True)
    assert reader["a"] == 1

    writer["b"] = 2
    assert reader["b"] == 2
    writer.close()
    writer["c"] = 3

    assert reader["c"] == 3
    assert reader.keys() == ["a", "b", "c"]


def test_a_store_that_is_not_there_is_empty_and_is_not_made(folder):
    """Looking at a place does not make it one."""
    reader = CacheStore(folder, readonly=True)

    assert reader.keys() == []
    with pytest.raises(KeyError, match="has no"):
        reader.get("a")

    assert not folder.exists()


@pytest.mark.parametrize("size", [0, 31, 32, 33, 100, 4000])
def test_a_log_that_a_killed_process_left(tmp_path, size):
    """What is in the log cannot be read, however short it is; what is in the index can."""
    store = CacheStore(tmp_path / "store")
    store["a"] = 1
    store.close()
    store["b"] = 2
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "store", copy)  # as a killed process leaves it
    os.truncate(copy / "index.db-wal", size)
    before = snapshot(copy)

    assert CacheStore(copy, readonly=True).keys() == ["a"]

    assert snapshot(copy) == before


@pytest.mark.parametrize("tables", ["", "CREATE TABLE other (name)"], ids=["empty", "without"])
def test_an_index_that_was_only_begun(folder, tables):
    """A process that was killed before it made the tables leaves a store that holds nothing."""
    folder.mkdir()
    (folder / "index.db").touch()
    index = sqlite3.connect(folder / "index.db")
    index.execute(tables)
    index.close()

    store = CacheStore(folder, readonly=True)

    assert (store.keys(), "a" in store, list(store.verify())) == ([], False, [])


def test_a_log_without_its_shared_memory(tmp_path):
    """It is read as well, as after a fault at the end of a process, or in a copy."""
    store = CacheStore(tmp_path / "store")
    store["a"] = 1
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "store", copy, ignore=shutil.ignore_patterns("*-shm"))
    before = snapshot(copy)

    assert (copy / "index.db-wal").stat().st_size > 32
    assert CacheStore(copy, readonly=True)["a"] == 1

    assert snapshot(copy) == before


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path):
    """Nothing can be looked for in it, and the line says where."""
    from pypedream.errors import StoreError
    from pypedream.store.results import Results

    (tmp_path / "store").write_text("no folder")

    with pytest.raises(StoreError, match=r"cannot use .*index\.db: Not a directory"):
        Results(tmp_path, readonly=True).find("0" * 64)


def test_who_reads_does_not_keep_others_from_writing(folder):
    """Though it was the first in this process to open the index, and goes on with it."""
    first = CacheStore(folder)
    first["a"] = 1
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)  # with the log of a process that is at work
    reader, writer = CacheStore(copy, readonly=True), CacheStore(copy)
    assert reader["a"] == 1

    for number in range(3):
        writer[f"b{number}"] = number
        assert reader[f"b{number}"] == number

    assert writer.keys() == reader.keys() == ["a", "b0", "b1", "b2"]
