from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from pypedream.errors import ExecutorError, StageKilled
from pypedream.executors.dask import Dask
from pypedream.executors.mishaps import Mishap
from tests.executors.elsewhere import (
    add,
    add_one,
    append,
    divide,
    hang,
    job_of,
    leave,
    shift,
    spoil,
    talk,
    texts,
    wait_for_rows,
    where,
)

distributed = pytest.importorskip("distributed")
np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed")

SCRIPT = """
from pypedream.executors.dask import Dask
from pypedream.executors.mishaps import Mishap
from pypedream.executors.jobs import Job, Kit

def hang():
    import os, subprocess
    child = subprocess.Popen(["sleep", "60"])
    print(os.getpid(), child.pid)
    child.wait()

dask = Dask.local(1)
job = Job(Kit(hang, stage="hang").pack(), tell=lambda rows: print(rows[0][4], flush=True))
dask.submit(job).result()
"""


@pytest.fixture(scope="module")
def dask() -> Iterator[Dask]:
    dask = Dask.local(2)
    yield dask
    dask.shutdown(wait=False)


def test_calls_are_made_on_workers(dask: Dask) -> None:
    """Values come back in order, from a process that is not this one."""
    several, _ = job_of(shift, items=(1, 2), by=10)

    assert dask.workers == 2
    assert dask.submit(several).result().values == [11, 12]
    assert dask.submit(job_of(where)[0]).result().values != [where()]


def test_an_exception_is_the_users_own(dask: Dask) -> None:
    """The type and the line of the user's function come back."""
    mishap = dask.submit(job_of(divide, by=0)[0]).result().error

    assert mishap is not None
    error = mishap.error()
    assert isinstance(error, ZeroDivisionError)
    assert traceback.extract_tb(error.__traceback__)[-1].line == "return 1 / by"


@pytest.mark.parametrize(
    "error",
    [UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "bad"), SystemExit(3), OSError(2, "no", "f")],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_keeps_its_text_beside_dask(error: BaseException) -> None:
    """Importing Dask changes how all exceptions are pickled, and nothing is lost by that."""
    arrived = Mishap.of(error).error()

    assert (type(arrived), str(arrived), arrived.args) == (type(error), str(error), error.args)
    assert getattr(arrived, "code", None) == getattr(error, "code", None)


def test_what_is_said_arrives_once(dask: Dask, capfd: pytest.CaptureFixture[str]) -> None:
    """Prints, logging and warnings become rows, and nothing of them is on the terminal."""
    job, rows = job_of(talk)

    reply = dask.submit(job).result()

    assert texts(rows) == ["printed it", "to stderr it", "logged it", "careful it"]
    assert reply.rows == []
    assert capfd.readouterr() == ("", "")


def test_a_worker_that_dies_takes_its_own_job_with_it(dask: Dask, tmp_path: Path) -> None:
    """A call that ends its process is made once, and the next job finds a worker."""
    path = tmp_path / "calls"

    with pytest.raises(StageKilled, match='stage "append": the Dask worker that ran it died'):
        dask.submit(job_of(append, path=str(path), then="die")[0]).result()

    assert path.read_text() == "called\n"
    assert dask.submit(job_of(add, a=1)[0]).result().values == [1]


@pytest.mark.cluster
def test_jobs_that_wait_behind_a_deadly_one_are_not_harmed(dask: Dask) -> None:
    """Of many jobs on two workers only those that end their process are killed stages."""
    jobs = [dask.submit(job_of(leave, items=(item,))[0]) for item in (0, 2, 1, 3, 4, 5, 6)]

    outcomes = []
    for future in jobs:
        try:
            outcomes.append(future.result().values[0])
        except StageKilled as error:
            outcomes.append(error.index)

    assert outcomes == [0, 0, 1, 3, 4, 5, 6]
    with pytest.raises(StageKilled):
        jobs[1].result()


@pytest.mark.cluster
def test_what_a_killed_worker_said_is_not_lost(dask: Dask) -> None:
    """The lines before its end arrive, and which call ended it is known."""
    job, rows = job_of(leave, items=(0, 1, 2, 3))

    with pytest.raises(StageKilled) as caught:
        dask.submit(job).result()

    assert caught.value.index == 2
    assert texts(rows) == ["item 0", "item 1", "item 2"]


@pytest.mark.cluster
def test_cancel_ends_the_call(dask: Dask) -> None:
    """A worker of ours that is cancelled is free again at once."""
    jobs = [job_of(hang) for _ in range(2)]
    futures = [dask.submit(job) for job, _ in jobs]
    for future, (_, rows) in zip(futures, jobs, strict=True):
        wait_for_rows(future, rows)

    for future in futures:
        future.cancel()

    with pytest.raises(CancelledError, match='stage "hang" was cancelled'):
        futures[0].result()
    assert dask.submit(job_of(add, a=1)[0]).result(timeout=30).values == [1]


@pytest.mark.cluster
def test_a_large_kit_is_sent_once_and_not_shared(dask: Dask) -> None:
    """Jobs get the same array, each for itself, and it survives the worker that has it."""
    rows = np.zeros(200_000)
    job, _ = job_of(spoil, rows=rows)
    dask.submit(job).result()
    for process in dask.client.run(os.getpid).values():
        os.kill(process, 9)

    values = [dask.submit(job).result().values[0] for _ in range(3)]

    assert [value[0] for value in values] == [1, 1, 1]
    assert len(job.packed.keep) == 1
    values[0] += 1


def test_an_item_of_a_map_may_be_changed_in_place(dask: Dask) -> None:
    """Arrays that calls bring themselves arrive writable."""
    job, _ = job_of(add_one, items=(np.zeros(200_000),))
    job.keys = [0]

    reply = dask.submit(job).result()

    assert reply.error is None
    assert reply.values[0][0] == 1


def test_what_no_worker_has_is_refused(dask: Dask) -> None:
    """A job that would wait for ever is an error that says what is missing."""
    for resources, text in (
        ({"gpus": 1}, r'asks for gpus=1, .*: no worker declares it \(dask worker --resources "GPU'),
        ({"licences": 2}, "asks for licences=2"),
        ({"partition": "long"}, "asks for partition=long"),
    ):
        with pytest.raises(ExecutorError, match=text):
            dask.submit(job_of(add, resources=resources, a=1)[0])

    harmless = {"cpus": 2, "timeout_min": 5, "mem_gb": 1}
    assert dask.submit(job_of(add, resources=harmless, a=1)[0]).result().values == [1]


@pytest.mark.cluster
def test_a_users_client_is_used_and_left_open() -> None:
    """Its declared resources are reserved, and the cluster is there after the run."""
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            resources={"GPU": 1},
            memory_limit="1GB",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(1)
        dask = Dask(client)
        future = dask.submit(job_of(add, resources={"gpus": 1}, a=1)[0])

        values = future.result().values
        with pytest.raises(ExecutorError, match=r"mem_gb=64, .*its largest worker has 1"):
            dask.submit(job_of(add, resources={"mem_gb": 64}, a=1)[0])
        dask.shutdown()

        assert values == [1]
        assert client.submit(add, 1, 2).result() == 3
    with pytest.raises(ExecutorError, match="the Dask client is closed: make a new one"):
        dask.submit(job_of(add, a=1)[0])


@pytest.mark.cluster
def test_shutting_down_ends_everything_at_once() -> None:
    """Without waiting, workers are gone within a moment and who waits is told."""
    dask = Dask.local(1)
    job, rows = job_of(hang)
    future = dask.submit(job)
    wait_for_rows(future, rows)
    processes = list(dask.client.run(os.getpid).values())

    start = time.monotonic()
    dask.shutdown(wait=False)

    assert time.monotonic() - start < 5
    assert _are_gone(processes)
    with pytest.raises(CancelledError):
        future.result(timeout=5)


@pytest.mark.cluster
def test_workers_end_with_a_script_that_is_killed(tmp_path: Path) -> None:
    """A script needs no guard for its main part, and leaves no worker or child of one behind."""
    pytest.importorskip("cloudpickle")
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, file], stdout=subprocess.PIPE, text=True) as script:
        assert script.stdout is not None
        processes = list(map(int, script.stdout.readline().split()))

        script.kill()
        script.wait()

        assert len(processes) == 2
        assert _are_gone(processes)


def _are_gone(processes: list[int]) -> bool:
    """Say whether all end within a few seconds: the kernel takes a moment."""
    deadline = time.monotonic() + 20
    while any(map(_is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(_is_alive, processes))


def _is_alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
