from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from threading import Thread
from time import sleep

import pytest

from pypedream.errors import Locked, StoreError
from pypedream.tabular.locking import held, lock, unlock

HOLD = """
import sys, time
from pathlib import Path
from pypedream.tabular.locking import lock
file = lock(Path(sys.argv[1]), doing="run ab12c")
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_one_is_refused_with_the_process_of_the_first(tmp_path):
    """Also within one process: two threads are two."""
    path = tmp_path / "lock"

    with (
        held(path, doing="run ab12c"),
        pytest.raises(Locked, match=f"process {os.getpid()} is at it: run ab12c") as refused,
        held(path, doing="run ab12c"),
    ):
        pass

    assert refused.value.pid == os.getpid()
    assert pickle.loads(pickle.dumps(refused.value)).pid == os.getpid()


def test_a_lock_is_free_again_after_its_block(tmp_path):
    """Whatever the block raised."""
    path = tmp_path / "lock"

    with pytest.raises(ValueError, match="no"), held(path, doing="x"):
        raise ValueError("no")

    with held(path, doing="y"):
        assert path.read_bytes() == f"{os.getpid()} y".encode()
    assert path.read_bytes() == b""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path):
    """The system lets go of it, and what the file says is not believed."""
    path = tmp_path / "lock"
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Locked, match=f"process {process.pid} is at it"), held(path, doing="x"):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()

        with held(path, doing="x"):
            pass
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_one_who_waits_gets_the_lock_when_it_is_free(tmp_path):
    """Within the time that he has."""
    path = tmp_path / "lock"
    first = lock(path, doing="first")

    def let_go():
        sleep(0.1)
        unlock(first)

    thread = Thread(target=let_go)
    thread.start()
    with held(path, doing="second", wait_s=30):
        assert b"second" in path.read_bytes()
    thread.join()
    unlock(first)


def test_what_cannot_be_locked_is_not_said_to_be_somebody_elses(tmp_path, no_locks):
    """Nobody has it, and who waits would wait for nothing."""
    with (
        pytest.raises(StoreError, match=f"cannot lock {tmp_path}/lock: No locks available"),
        held(tmp_path / "lock", doing="x", wait_s=60),
    ):
        pass
