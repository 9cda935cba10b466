from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pypedream.errors import ExecutorError
from pypedream.executors.pools import Pool
from pypedream.executors.processes import Processes
from pypedream.executors.recognition import (
    REMOTE_NAMES,
    gives_out_resources,
    remote_executor_for,
)
from pypedream.executors.slurm import Slurm


class Mine:
    """An executor of the user's that is no pool of processes."""

    def submit(self, call: Any) -> None:
        pass


@pytest.mark.parametrize("value", ["serial", "threads", "rocket", Mine(), None], ids=str)
def test_what_calls_here_is_not_remote(value: Any) -> None:
    """Serial and threaded calls, and executors of the user's own making, stay with the engine."""
    assert remote_executor_for(value, None) is None


def test_a_pool_of_threads_is_not_remote() -> None:
    """Its calls are made in this process."""
    with ThreadPoolExecutor(1) as pool:
        assert remote_executor_for(pool, None) is None


def test_a_pool_of_processes_is_recognised() -> None:
    """Also of a class of the user's own; it makes as many calls at once as it has processes."""

    class OwnPool(ProcessPoolExecutor):
        pass

    with OwnPool(3) as pool:
        executor = remote_executor_for(pool, None)

        assert isinstance(executor, Pool)
        assert executor.workers == 3
        assert remote_executor_for(pool, 2).workers == 2


def test_lokys_pool_is_recognised() -> None:
    """The pool that joblib brings, or loky itself, is one of processes."""
    joblib = pytest.importorskip("joblib.externals.loky")

    pool = joblib.ProcessPoolExecutor(2)

    assert isinstance(remote_executor_for(pool, None), Pool)
    pool.shutdown()


def test_what_is_remote_already_stays_what_it_is() -> None:
    """Worker processes that were started before are used as they are."""
    with Processes(1) as pool:
        assert remote_executor_for(pool, 4) is pool


def test_processes_are_ours() -> None:
    """The name stands for worker processes of pypedream's."""
    pool = remote_executor_for("processes", 2)

    assert isinstance(pool, Processes)
    assert pool.workers == 2
    pool.shutdown()


@pytest.mark.parametrize("name", ["LocalExecutor", "AutoExecutor", "DebugExecutor"])
def test_executors_of_submitit_are_recognised(name: str, tmp_path: Path) -> None:
    """Each of its classes is one."""
    submitit = pytest.importorskip("submitit")
    options = {"cluster": "local"} if name == "AutoExecutor" else {}

    executor = remote_executor_for(getattr(submitit, name)(folder=tmp_path, **options), None)

    assert isinstance(executor, Slurm)


def test_a_client_of_dask_is_recognised() -> None:
    """It is known by its class, also by one that derives from it."""
    distributed = pytest.importorskip("distributed")
    from pypedream.executors.dask import Dask

    class Own(distributed.Client):  # type: ignore[misc]
        def __init__(self) -> None:  # not connected to anything
            pass

        def __del__(self) -> None:
            pass

    executor = remote_executor_for(Own(), 3)

    assert isinstance(executor, Dask)
    assert executor.workers == 3


def test_slurm_keeps_its_jobs_in_the_workspace() -> None:
    """Without a workspace, or without Slurm, one line says what to do."""
    pytest.importorskip("submitit")

    with pytest.raises(ExecutorError, match='executor="slurm"'):
        remote_executor_for("slurm", None, SimpleNamespace(workspace=None))


def test_recognising_loads_no_library() -> None:
    """Whoever gives an object of a library has imported it; nobody else pays for it."""
    code = f"""
import sys
from pypedream.executors.recognition import remote_executor_for
assert remote_executor_for("threads", None) is None
assert remote_executor_for(object(), None) is None
loaded = {{"distributed", "dask", "ray", "submitit", "cloudpickle", "concurrent.futures"}}
print(sorted(loaded & set(sys.modules)), len({REMOTE_NAMES!r}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "[] 4\n"


class OwnCluster:
    """An executor of the user's that takes jobs, with what they need."""

    is_remote = True


class Client:
    """What is known by the name of its class as a client of Dask."""

    __module__ = "distributed.client"


@pytest.mark.parametrize(
    "value, expected",
    [
        ("serial", False),
        ("processes", False),
        ("dask", True),
        ("ray", True),
        ("slurm", True),
        (Mine(), False),
        (Processes(1), False),
        (OwnCluster(), True),
        (Client(), True),
    ],
    ids=["serial", "processes", "dask", "ray", "slurm", "own", "pool", "own cluster", "client"],
)
def test_who_gives_out_resources(value: Any, expected: bool) -> None:
    """Clusters do, and what takes jobs with what they need and says nothing else."""
    assert gives_out_resources(value) is expected
