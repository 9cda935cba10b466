from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pypedream.store.entry import INLINE_BYTES
from pypedream.store.spool import Spool

MB = 1024 * 1024


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    made = Spool(lambda: tmp_path / "value")
    yield made
    made.release()


def test_what_is_small_makes_no_file(spool, tmp_path):
    """The content is in memory, up to what an entry holds."""
    spool.write(b"x" * (INLINE_BYTES - 1))
    spool.write(b"y")

    assert spool.inline() == b"x" * (INLINE_BYTES - 1) + b"y"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sizes",
    [(INLINE_BYTES, 1), (MB, 3), (10, 5 * MB, 7), (5 * MB, 4 * MB, 4 * MB - 1), (1000,) * 3000],
    ids=str,
)
def test_what_is_larger_is_a_file_and_hashed(spool, tmp_path, sizes):
    """In pieces of any size; the digest is that of the file."""
    pieces = [os.urandom(size) for size in sizes]
    for piece in pieces:
        assert spool.write(piece) == len(piece)

    assert spool.inline() is None
    assert spool.tell() == sum(sizes)
    stat = spool.flushed()

    whole = (tmp_path / "value").read_bytes()
    assert whole == b"".join(pieces)
    assert spool.hexdigest() == sha256(whole).hexdigest()
    assert (stat.st_size, stat.st_ino) == (len(whole), (tmp_path / "value").stat().st_ino)


def test_a_piece_may_change_once_it_is_written(spool, tmp_path):
    """Also while the disk is still at work."""
    piece = bytearray(b"a" * (8 * MB))
    spool.write(piece)
    piece[:] = b"b" * len(piece)
    spool.flushed()

    assert (tmp_path / "value").read_bytes() == b"a" * (8 * MB)
    assert spool.hexdigest() == sha256(b"a" * (8 * MB)).hexdigest()


def test_a_failing_disk_is_no_digest(spool, monkeypatch):
    """The error of the system comes through, whichever thread hashes."""

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)

    with pytest.raises(OSError, match="No space left"):
        spool.write(b"x" * (8 * MB))


def test_without_a_second_thread_it_is_hashed_in_this_one(spool, tmp_path, monkeypatch):
    """As at the end of an interpreter, which starts no more threads."""

    def start(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", start)
    spool.write(b"x" * (8 * MB))
    spool.flushed()

    assert spool.hexdigest() == sha256(b"x" * (8 * MB)).hexdigest()
    assert (tmp_path / "value").stat().st_size == 8 * MB
