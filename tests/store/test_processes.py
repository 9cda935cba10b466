"""Many processes on one store, and processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from time import monotonic, sleep

import pytest

import pypedream
from pypedream.store import CacheStore

PACKAGE = str(Path(pypedream.__file__).parents[1])

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Run code in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", dedent(code), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    said, wrong = process.communicate(timeout=60)
    assert process.returncode == 0, wrong
    return said


def test_eight_processes_compute_once(folder, tmp_path):
    """On a store that is not there yet; all of them get the same value."""
    code = """
        import os, sys, time
        from pathlib import Path
        from pypedream.store import CacheStore

        def compute():
            Path(sys.argv[2], f"computed-{os.getpid()}").touch()
            time.sleep(0.3)
            return os.getpid()

        print(CacheStore(sys.argv[1]).once("key", compute))
    """
    processes = [start(code, folder, tmp_path) for _ in range(8)]

    values = {output(process) for process in processes}

    assert len(values) == 1
    assert len(list(tmp_path.glob("computed-*"))) == 1


def test_different_keys_do_not_wait_for_each_other(folder):
    """Sixteen threads with a key each take no longer than one."""
    from concurrent.futures import ThreadPoolExecutor

    store = CacheStore(folder)
    begun = monotonic()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: store.once(f"k{n}", lambda: sleep(0.3)), range(16)))

    assert monotonic() - begun < 3


@posix
def test_a_killed_owner_is_taken_over(folder):
    """Within two seconds, by whoever waits; a zombie is gone, too."""
    code = """
        import sys, time
        from pypedream.store import CacheStore

        def compute():
            print("computing", flush=True)
            time.sleep(60)

        CacheStore(sys.argv[1]).once("key", compute)
    """
    owner = start(code, folder)
    assert owner.stdout.readline() == "computing\n"
    owner.kill()
    begun = monotonic()

    assert CacheStore(folder).once("key", lambda: "ours") == "ours"

    assert monotonic() - begun < 2
    owner.communicate()


def test_a_long_computation_keeps_its_claim(folder, monkeypatch):
    """The lease is renewed while it lasts, and nobody else computes."""
    from pypedream.store import claims

    monkeypatch.setattr(claims, "LEASE_S", 1.0)
    monkeypatch.setattr(claims, "_RENEWED_AFTER_S", 0.2)
    monkeypatch.setattr(claims, "_BEAT_S", 0.2)
    store = CacheStore(folder)
    with store.claim("key"):
        first = store.backend.lease("key")
        sleep(1.6)
        later = store.backend.lease("key")

        assert later.token == first.token
        assert claims.is_live(later)


def test_many_processes_open_a_new_store(tmp_path):
    """None of them is told that the database is locked."""
    code = """
        import sys
        from pypedream.store import CacheStore

        sys.stdin.readline()
        for number in range(30):
            CacheStore(f"{sys.argv[1]}/{number}").put(sys.argv[2], 1)
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", dedent(code), str(tmp_path), str(number)],
            env={**os.environ, "PYTHONPATH": PACKAGE},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]

    wrong = [process.communicate("go\n", timeout=60)[1] for process in processes]

    assert wrong == [""] * 8
    assert all(len(CacheStore(tmp_path / str(number))) == 8 for number in range(30))


@posix
def test_thirty_kills_while_writing_leave_no_damage(folder):
    """Every entry can be read, the index is whole, and nothing stays behind."""
    code = """
        import random, sys
        from pypedream.store import CacheStore

        store = CacheStore(sys.argv[1], on_duplicate_key="overwrite")
        chance = random.Random(int(sys.argv[2]))
        print("ready", flush=True)
        while True:
            size = int(30_000 * (5_000_000 / 30_000) ** chance.random())
            letter = chance.choice("abcdefgh")
            store[letter] = (letter * size).encode()
    """
    chance = random.Random(7)
    for number in range(30):
        process = start(code, folder, number)
        assert process.stdout.readline() == "ready\n"
        sleep(chance.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    store = CacheStore(folder)
    states = {one.state for one in store.verify()}
    values = {key: set(store[key]) for key in store}

    assert states == {"ok"}
    assert values == {key: {ord(key)} for key in values}
    assert list((folder / "staging").iterdir()) == []
    store.gc()
    needed = {Path(store.path(key)) for key in store}
    assert set(folder.glob("blobs/*/*")) == needed
    store.close()
    index = sqlite3.connect(folder / "index.db")
    assert index.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    index.close()
