"""The k-th call of the file system fails, for every k."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import StoreError
from pypedream.store import CacheStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="errors of POSIX")

CALLS = ("open", "write", "fsync", "replace", "rename", "chmod", "mkdir", "unlink", "stat")
LARGE, SMALL, OLD = "x" * 50_000, "y", "old" * 10_000


class Faults:
    """Let the k-th call for a file below *root* fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.root = str(root)
        self.left = -1
        self.number = errno.ENOSPC
        self.ours: set[int] = set()
        for name in CALLS:
            monkeypatch.setattr(os, name, self.failing(name, getattr(os, name)))

    def failing(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(target: Any, *arguments: Any, **options: Any) -> Any:
            is_number = isinstance(target, int)
            if (is_number and target in self.ours) or (not is_number and self.is_ours(target)):
                self.left -= 1
                if self.left == 0 and name == "write":
                    return call(target, bytes(arguments[0])[:1])  # a short write
                if self.left == 0:
                    raise OSError(self.number, os.strerror(self.number), str(target))
            result = call(target, *arguments, **options)
            if name == "open" and self.is_ours(target):
                self.ours.add(result)
            return result

        return wrapped

    def is_ours(self, path: Any) -> bool:
        return os.fspath(path).startswith(self.root)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("value", [LARGE, SMALL], ids=["large", "small"])
def test_a_failing_call_is_one_clear_error(tmp_path, monkeypatch, value, number):
    """Nothing half is stored, what was there stays, and the next put works."""
    failed = 0
    for k in range(1, 100):
        folder = tmp_path / f"{k}"
        store = CacheStore(folder, on_duplicate_key="overwrite")
        store["a"] = OLD
        with monkeypatch.context() as patch:
            faults = Faults(patch, folder)
            faults.left, faults.number = k, number
            try:
                store["a"] = value
                error = None
            except StoreError as caught:
                error = caught
        assert error is None or str(folder) in str(error)
        assert store["a"] in (OLD, value)
        assert [one.state for one in store.verify()] == ["ok"]
        store["a"] = value
        assert store["a"] == value
        failed += error is not None
        if faults.left > 0:
            break
    assert failed >= 2
    assert k < 99


def test_a_full_disk_for_the_index(folder, monkeypatch):
    """SQLite's own error becomes one line that names the file."""
    store = CacheStore(folder)
    store["a"] = 1
    pages = store.backend.index.read(
        lambda index: index.execute("PRAGMA page_count").fetchone()[0], 0
    )
    store.backend.index.read(lambda index: index.execute(f"PRAGMA max_page_count={pages}"), None)

    def fill() -> None:
        for number in range(1000):
            store[f"k{number}"] = "x" * 5000

    with pytest.raises(StoreError, match=r"cannot use .*index.db: database or disk is full"):
        fill()

    assert store["a"] == 1
    store.close()
    assert CacheStore(folder).put("b", "x" * 5000) == "x" * 5000
