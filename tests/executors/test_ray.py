from __future__ import annotations

import traceback
from collections.abc import Iterator
from concurrent.futures import CancelledError
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from pypedream.errors import ExecutorError, StageKilled
from pypedream.executors.ray import Ray
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

np = pytest.importorskip("numpy")

# Ray replaces builtins of the process that imports it, which other tests look at: a run of its own.
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(find_spec("ray") is None, reason="needs ray"),
    pytest.mark.filterwarnings("ignore"),  # its own, which differ from one to the next
]


@pytest.fixture(scope="module")
def ray() -> Iterator[Ray]:
    ray = Ray.connected(2)
    yield ray
    ray.shutdown()


def test_calls_are_made_on_workers(ray: Ray) -> None:
    """Values come back in order, from a process that is not this one."""
    several, _ = job_of(shift, items=(1, 2), by=10)

    assert ray.workers == 2
    assert ray.submit(several).result().values == [11, 12]
    assert ray.submit(job_of(where)[0]).result().values != [where()]


def test_an_exception_is_the_users_own(ray: Ray) -> None:
    """The type and the line of the user's function come back."""
    mishap = ray.submit(job_of(divide, by=0)[0]).result().error

    assert mishap is not None
    error = mishap.error()
    assert type(error) is ZeroDivisionError
    assert traceback.extract_tb(error.__traceback__)[-1].line == "return 1 / by"


def test_what_is_said_arrives_once(ray: Ray, capfd: pytest.CaptureFixture[str]) -> None:
    """Prints, logging and warnings become rows, and nothing of them is on the terminal."""
    job, rows = job_of(talk)

    reply = ray.submit(job).result()

    assert texts(rows) == ["printed it", "to stderr it", "logged it", "careful it"]
    assert reply.rows == []
    assert capfd.readouterr().out == ""


def test_a_worker_that_dies_takes_its_own_job_with_it(ray: Ray, tmp_path: Path) -> None:
    """A call that ends its process is made once; what was said before arrives."""
    path = tmp_path / "calls"
    job, rows = job_of(leave, items=(0, 1, 2, 3))

    with pytest.raises(StageKilled, match='stage "append": its Ray worker died'):
        ray.submit(job_of(append, path=str(path), then="die")[0]).result()
    with pytest.raises(StageKilled) as caught:
        ray.submit(job).result()

    assert path.read_text() == "called\n"
    assert caught.value.index == 2
    assert texts(rows) == ["item 0", "item 1", "item 2"]


def test_cancel_ends_the_call(ray: Ray) -> None:
    """A worker that is cancelled is free again."""
    jobs = [job_of(hang) for _ in range(2)]
    futures = [ray.submit(job) for job, _ in jobs]
    for future, (_, rows) in zip(futures, jobs, strict=True):
        wait_for_rows(future, rows)

    for future in futures:
        future.cancel()

    with pytest.raises(CancelledError, match='stage "hang" was cancelled'):
        futures[0].result()
    assert ray.submit(job_of(add, a=1)[0]).result(timeout=30).values == [1]


def test_a_large_kit_is_put_once_and_not_shared(ray: Ray) -> None:
    """Jobs get the same array, writable and each for itself, and results can be changed."""
    job, _ = job_of(spoil, rows=np.zeros(200_000))

    values = [ray.submit(job).result().values[0] for _ in range(3)]
    values[0] += 1

    assert [value[0] for value in values] == [2, 1, 1]
    assert len(job.packed.keep) == 1


def test_an_item_of_a_map_may_be_changed_in_place(ray: Ray) -> None:
    """Arrays that calls bring themselves arrive writable, though Ray's are not."""
    job, _ = job_of(add_one, items=(np.zeros(200_000),))
    job.keys = [0]

    reply = ray.submit(job).result()

    assert reply.error is None
    assert reply.values[0][0] == 1


def test_what_this_machine_does_not_have_is_refused(ray: Ray) -> None:
    """A job that would wait for ever is an error that says what is missing."""
    for resources, text in (
        ({"cpus": 64}, "asks for CPU=64, and this Ray has 2"),
        ({"licences": 1}, "asks for licences=1, and this Ray has 0"),
    ):
        with pytest.raises(ExecutorError, match=text):
            ray.submit(job_of(add, resources=resources, a=1)[0])

    enough = {"cpus": 2, "mem_gb": 0.1, "timeout_min": 5}
    assert ray.submit(job_of(add, resources=enough, a=1)[0]).result().values == [1]


def test_a_users_ray_is_used_and_left_open(ray: Ray) -> None:
    """Where this process is connected already, that is used, and shutting down ends nothing."""
    theirs = Ray.connected()

    values = theirs.submit(job_of(add, a=1)[0]).result().values
    theirs.shutdown()

    assert values == [1]
    assert theirs.workers == 2
    assert import_module("ray").is_initialized()


def test_shutting_down_ends_everything() -> None:
    """Without waiting, a Ray of ours is gone and who waits is told."""
    import_module("ray").shutdown()
    ray = Ray.connected(1)
    job, rows = job_of(hang)
    future = ray.submit(job)
    wait_for_rows(future, rows)

    ray.shutdown(wait=False)

    assert not import_module("ray").is_initialized()
    with pytest.raises(CancelledError):
        future.result(timeout=5)
