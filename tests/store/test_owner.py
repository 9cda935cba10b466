from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from pypedream.store.owner import Owner, is_gone, this_process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX")


def test_this_process_is_not_gone():
    """Nor is one that another user started."""
    assert not is_gone(this_process())
    assert not is_gone(evolve(this_process(), pid=1, start=""))


def test_a_process_that_ended_is_gone():
    """Also while its parent has not asked how."""
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout.read() == b""
    if sys.platform == "linux":
        while Path(f"/proc/{process.pid}/stat").read_bytes().split()[2] != b"Z":
            pass
        assert is_gone(Owner(this_process().host, process.pid, ""))
    process.communicate()

    assert is_gone(Owner(this_process().host, process.pid, ""))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the start")
def test_a_pid_that_is_used_again_is_another_process():
    """It started at another time."""
    assert is_gone(evolve(this_process(), start="1"))


def test_of_another_machine_nothing_is_certain():
    """Its processes have numbers of their own."""
    assert not is_gone(Owner("another machine", os.getpid(), "1"))
