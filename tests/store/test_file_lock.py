"""One at a time: whoever opens a file for itself, in this process or in another one."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from pypedream.errors import StoreError
from pypedream.store import CacheStore
from pypedream.store.file_lock import lock, try_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FLAGS = os.O_RDWR | os.O_CREAT


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], int]]:
    """Return what opens the same file once more."""
    found: list[int] = []

    def one() -> int:
        found.append(os.open(tmp_path / "lock", FLAGS))
        return found[-1]

    yield one
    for descriptor in found:
        os.close(descriptor)


def test_one_has_it_until_the_file_is_closed(tmp_path: Path, opened: Callable[[], int]) -> None:
    """Where the file is read and written from stays as it was."""
    first = os.open(tmp_path / "lock", FLAGS)
    os.write(first, b"content")

    assert try_lock(first)
    assert not try_lock(opened())
    assert os.lseek(first, 0, os.SEEK_CUR) == 7
    os.close(first)
    assert try_lock(opened())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no locks that are shared")
def test_those_who_look_share_it(opened: Callable[[], int]) -> None:
    """And whoever works has it alone."""
    assert try_lock(opened(), is_shared=True)
    assert try_lock(opened(), is_shared=True)
    assert not try_lock(opened())


def test_who_waits_gets_it_when_it_is_free(tmp_path: Path, opened: Callable[[], int]) -> None:
    """However long the other one has it."""
    first, waiting = os.open(tmp_path / "lock", FLAGS), opened()
    lock(first)
    thread = Thread(target=lock, args=(waiting,))
    thread.start()

    os.close(first)

    thread.join()
    assert not try_lock(opened())


def test_what_cannot_be_locked_by_anybody_is_no_lock_of_another_one(no_locks: None) -> None:
    """It is told as what it is, and nobody waits for it."""
    with pytest.raises(OSError, match="No locks available"):
        try_lock(0)


def test_a_store_on_a_file_system_without_locks_says_so(tmp_path: Path, no_locks: None) -> None:
    """In one line, with the file."""
    with pytest.raises(StoreError, match=r"^cannot lock .*index\.lock: No locks available$"):
        CacheStore(tmp_path / "store").put("x", 1)
