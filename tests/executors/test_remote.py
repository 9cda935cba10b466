"""What all executors of others have in common, tried with a pool of processes."""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import ExecutorError, StageKilled
from pypedream.executors.parcels import Parcel
from pypedream.executors.pools import Pool
from pypedream.executors.remote import RemoteExecutor
from tests.executors.elsewhere import (
    add,
    divide,
    hang,
    job_of,
    leave,
    shift,
    spoil,
    talk,
    tell_secret,
    texts,
    wait_for_file,
    wait_for_rows,
    where,
)

np = pytest.importorskip("numpy")


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def pool(processes: ProcessPoolExecutor) -> Pool:
    return Pool(processes)


@pytest.fixture
def doomed() -> Iterator[Pool]:
    """A pool whose processes may die."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield Pool(pool)


def test_calls_are_made_in_another_process(pool: Pool) -> None:
    """A job's calls return what they would return here, from a process that is not this one."""
    one, _ = job_of(where)
    several, _ = job_of(shift, items=(1, 2), by=10)

    process = pool.submit(one).result().values[0]
    values = pool.submit(several).result().values

    assert process != where()
    assert values == [11, 12]


def test_an_exception_is_the_users_own_with_its_lines(pool: Pool) -> None:
    """The type, the text and the line of the user's function come back."""
    job, _ = job_of(divide, by=0)

    mishap = pool.submit(job).result().error

    assert mishap is not None
    error = mishap.error()
    assert isinstance(error, ZeroDivisionError)
    assert traceback.extract_tb(error.__traceback__)[-1].line == "return 1 / by"


def test_what_is_said_arrives_once(pool: Pool) -> None:
    """Prints, logging and warnings arrive while the job runs or with its end, and only once."""
    job, rows = job_of(talk, items=("a", "b"))

    reply = pool.submit(job).result()

    said = ["printed {}", "to stderr {}", "logged {}", "careful {}"]
    assert reply.error is None
    assert texts(rows) == [text.format(item) for item in "ab" for text in said]
    assert [key for _, key, *_ in rows] == ["a"] * 4 + ["b"] * 4
    assert reply.rows == []


def test_what_is_said_arrives_before_the_end(pool: Pool) -> None:
    """A job that goes on has been heard already."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        job, rows = job_of(hang)
        future = Pool(processes).submit(job)

        wait_for_rows(future, rows)

        assert texts(rows) == ["begun"]
        assert not future.done()
        for process in processes._processes.values():
            process.kill()


def test_without_a_shared_folder_the_log_comes_with_the_reply(pool: Pool, tmp_path: Path) -> None:
    """A segment that cannot be made costs nothing but that the log comes at the end."""
    job, rows = job_of(talk, segment=str(tmp_path / "missing" / "log"))

    reply = pool.submit(job).result()

    assert rows == []
    assert len(reply.rows) == 4


def test_a_segment_is_left_where_it_was_asked_for(pool: Pool, tmp_path: Path) -> None:
    """The file is there after the job, without secrets, and its rows were handed on."""
    path = tmp_path / "log"
    job, rows = job_of(tell_secret, word="hunter2", secrets=("hunter2",), segment=str(path))

    pool.submit(job).result()

    assert texts(rows) == ["the word is ***"]
    assert b"hunter2" not in path.read_bytes()


def test_nobody_has_to_listen(pool: Pool, tmp_path: Path) -> None:
    """Without a listener the rows are in the reply, also those of a segment."""
    job, _ = job_of(talk, segment=str(tmp_path / "log"))
    job.tell = None

    assert len(pool.submit(job).result().rows) == 4


def test_a_killed_process_is_a_killed_stage(doomed: Pool) -> None:
    """What it said before arrives, and which call it was is known."""
    job, rows = job_of(leave, items=(0, 1, 2, 3))
    future = doomed.submit(job)

    with pytest.raises(StageKilled, match='stage "leave": a process of the pool died') as caught:
        future.result()

    assert caught.value.index == 2
    assert texts(rows) == ["item 0", "item 1", "item 2"]
    with pytest.raises(StageKilled, match="died before"):
        doomed.submit(job_of(add, a=1)[0])


def test_waiting_may_end_before_the_job(pool: Pool, tmp_path: Path) -> None:
    """A timeout ends the waiting and not the job, whose result can be had later."""
    file = tmp_path / "go on"
    future = pool.submit(job_of(wait_for_file, path=str(file))[0])

    with pytest.raises(TimeoutError, match='stage "wait_for_file"'):
        future.result(timeout=0.2)
    file.touch()

    assert future.result().values == [True]
    assert future.result() is future.result()


def test_a_cancelled_job_says_so(pool: Pool) -> None:
    """Nobody waits for a cancelled job, although a pool may go on with it."""
    job, _ = job_of(add, a=1)
    future = pool.submit(job)

    assert future.cancel()

    with pytest.raises(CancelledError, match='stage "add" was cancelled'):
        future.result()
    assert not future.cancel()


def test_large_inputs_may_be_changed_without_harm(pool: Pool) -> None:
    """An array arrives writable, and what a stage does to it is not seen by the next job."""
    rows = np.zeros(1_000_000)
    job, _ = job_of(spoil, rows=rows)

    first, second = (pool.submit(job).result().values[0] for _ in range(2))
    first += 1

    assert (first[0], second[0], rows[0]) == (2, 1, 0)


def test_what_a_worker_cannot_unpack_is_one_clear_line(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that only the sender has is named, with what to do."""
    (tmp_path / "only_here.py").write_text("def seven():\n    return 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found]

    job, _ = job_of(only_here.seven)
    (tmp_path / "only_here.py").unlink()
    monkeypatch.delitem(sys.modules, "only_here")

    with pytest.raises(ExecutorError, match=r"No module named 'only_here'.*install it there"):
        pool.submit(job).result()


def test_modules_of_the_senders_folders_are_found(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was started elsewhere imports from the folders of the script."""
    (tmp_path / "beside_script.py").write_text("def seven():\n    return 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    import beside_script  # type: ignore[import-not-found]

    job, _ = job_of(beside_script.seven)

    assert pool.submit(job).result().values == [7]


def test_folders_of_an_environment_do_not_travel() -> None:
    """A worker with another Python would import packages that are not for it."""
    parcels: list[Parcel] = []

    class Carrier(RemoteExecutor):
        def send(self, job: Any, parcel: Parcel) -> Any:
            parcels.append(parcel)
            return None

    Carrier().submit(job_of(add, a=1)[0])

    assert not [path for path in parcels[0].path if "site-packages" in path or "lib/python" in path]


def test_a_pool_that_was_shut_down_takes_nothing() -> None:
    """The error names the stage and who did not take it."""
    pool = ProcessPoolExecutor(1)
    pool.shutdown()

    with pytest.raises(ExecutorError, match='stage "add": the pool does not take it'):
        Pool(pool).submit(job_of(add, a=1)[0])


def test_shutting_down_leaves_the_users_pool_open(pool: Pool) -> None:
    """What the user made is used again."""
    pool.submit(job_of(add, a=1)[0])

    pool.shutdown()

    future: Future[int] = pool.pool.submit(add, 1, 2)
    assert future.result() == 3
