from __future__ import annotations

import os
import time

import pytest

from pypedream.steps import warm
from tests.executors import stages
from tests.executors.alive import gone
from tests.executors.test_processes import call


def test_the_workers_of_one_block_are_those_of_the_next() -> None:
    """Also when two blocks have them at the same time."""
    with warm.processes(1) as first:
        pid = call(first, stages.pid)
    with warm.processes(1) as second, warm.processes(1) as third:
        pids = {call(second, stages.pid), call(third, stages.pid)}

    assert pids == {pid}


def test_workers_that_nobody_uses_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; the next block has others."""
    monkeypatch.setattr(warm, "IDLE_S", 0.05)
    pools = warm._Pools()
    with pools.of(1) as pool:
        pid = call(pool, stages.pid)
        time.sleep(0.2)
        assert call(pool, stages.pid) == pid

    assert gone([pid], within_s=10)
    with pools.of(1) as pool:
        assert call(pool, stages.pid) != pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_workers_of_its_own() -> None:
    """Those of its parent are not its."""
    with warm.processes(1) as pool:
        pid = call(pool, stages.pid)
    child = os.fork()
    if not child:
        with warm.processes(1) as pool:
            os._exit(call(pool, stages.pid) == pid)

    _, status = os.waitpid(child, 0)

    assert status == 0
    with warm.processes(1) as pool:
        assert call(pool, stages.pid) == pid
