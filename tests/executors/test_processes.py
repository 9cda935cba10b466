from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from pypedream.errors import ExecutorError, StageKilled, UnpicklableValue
from pypedream.executors import Job, Kit, Processes, Reply
from pypedream.parameters import Parameters, Secret
from tests.executors import stages
from tests.executors.alive import appeared, gone

PATIENCE_S = 20


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[Processes]:
    with Processes(2) as pool:
        yield pool


@pytest.fixture
def pool(shared_pool: Processes) -> Processes:
    """Two workers, which other tests have used and perhaps killed."""
    return shared_pool


def job(function: Callable[..., Any], **arguments: Any) -> Job:
    return Job(Kit(function, arguments, stage=function.__name__).pack())


def call(pool: Processes, function: Callable[..., Any], **arguments: Any) -> Any:
    """The value that *function* returns elsewhere."""
    reply = pool.submit(job(function, **arguments)).result(PATIENCE_S)
    if reply.error is not None:
        raise reply.error.error()
    return reply.values[0]


def said(pool: Processes, function: Callable[..., Any], **arguments: Any) -> list[tuple[str, str]]:
    """Stream and text of all that *function* says elsewhere."""
    rows: list[Any] = []
    task = job(function, **arguments)
    task.tell = rows.extend
    reply = pool.submit(task).result(PATIENCE_S)
    assert reply.error is None
    return [(row[5] or row[2], row[4]) for row in [*rows, *reply.rows]]


def test_a_call_is_made_in_another_process(pool: Processes) -> None:
    """Its value comes back."""
    assert call(pool, stages.add, a=1, b=2) == 3
    assert call(pool, stages.pid) != os.getpid()


def test_workers_stay_for_the_life_of_the_pool() -> None:
    """Calls that follow each other are made in the same process."""
    with Processes(1) as pool:
        assert call(pool, stages.pid) == call(pool, stages.pid)


def test_a_worker_is_started_when_it_is_needed() -> None:
    """A pool of many does not start them for one call, and none for no call."""
    with Processes(50) as pool:
        assert len({call(pool, stages.pid) for _ in range(10)}) == 1


def test_calls_are_made_side_by_side_and_the_rest_waits(tmp_path: Path) -> None:
    """As many at a time as there are workers."""
    with Processes(2) as pool:
        futures = [
            pool.submit(job(stages.wait_for, folder=str(tmp_path), name=f"go{n}")) for n in range(5)
        ]
        (tmp_path / "go1").touch()
        futures[1].result(PATIENCE_S)
        assert not futures[0].done()
        for number in range(5):
            (tmp_path / f"go{number}").touch()

        names = [future.result(PATIENCE_S).values[0] for future in futures]

    assert names == [f"go{n}" for n in range(5)]


def test_an_error_is_the_users_own_with_its_lines(pool: Processes) -> None:
    """Type, attributes, cause and lines of the file arrive; none of them is pypedream's."""
    with pytest.raises(stages.OddInit, match="row 3: empty") as caught:
        call(pool, stages.fail, row=3)

    text = "".join(format_exception(caught.value))
    assert caught.value.row == 3
    assert isinstance(caught.value.__cause__, KeyError)
    assert 'raise OddInit(row, "empty") from error' in text
    assert f'File "{stages.__file__}"' in text
    assert "performing.py" not in text


def test_sys_exit_is_an_error_like_others(pool: Processes) -> None:
    """The worker goes on."""
    with pytest.raises(SystemExit):
        call(pool, stages.leave, code=3)


def test_a_killed_worker_is_told_with_its_signal_and_its_item() -> None:
    """The error knows the call; what was said before is not lost, with the right item."""
    rows: list[Any] = []
    kit = Kit(stages.kill_at, {"last": 12}, ("item",), stage="kill_at")
    with Processes(1) as pool:
        task = Job(kit.pack(), ["ten", "eleven", "twelve", "more"], [(10,), (11,), (12,), (13,)])
        task.tell = rows.extend
        with pytest.raises(StageKilled, match=r"^its process was killed \(signal 9\)") as caught:
            pool.submit(task).result(PATIENCE_S)

        assert call(pool, stages.add, a=1) == 1

    error = caught.value
    assert (error.signal, error.exit_code, error.index) == (9, None, 2)
    assert [(row[1], row[4]) for row in rows] == [
        ("ten", "item 10"),
        ("eleven", "item 11"),
        ("twelve", "item 12"),
        ("twelve", "from below"),
        ("twelve", "and no end"),
    ]


def test_a_function_that_exits_is_told_with_the_code(pool: Processes) -> None:
    """``os._exit`` in a stage ends its process, and that is said."""
    with pytest.raises(StageKilled, match=r"^its process ended with exit code 3$") as caught:
        call(pool, stages.exit_with, code=3)

    assert (caught.value.signal, caught.value.exit_code, caught.value.index) == (None, 3, 0)
    assert "concurrent/futures" not in "".join(format_exception(caught.value))


def test_a_crash_says_where_it_was() -> None:
    """A segmentation fault is named, and the lines of Python that led to it are in the log."""
    rows: list[Any] = []
    with Processes(1) as pool:
        task = job(stages.crash)
        task.tell = rows.extend
        with pytest.raises(StageKilled, match=r"killed \(signal 11: Segmentation fault\)"):
            pool.submit(task).result(PATIENCE_S)

    text = "\n".join(row[4] for row in rows)
    assert "Fatal Python error: Segmentation fault" in text
    assert "in crash" in text


def test_an_idle_worker_that_dies_is_replaced_without_a_word() -> None:
    """Nobody was at work there, so nothing fails."""
    with Processes(1) as pool:
        first = call(pool, stages.pid)
        for _ in range(3):
            os.kill(first, signal.SIGKILL)
            second = call(pool, stages.pid)
            assert second != first
            first = second


@pytest.mark.parametrize("how", ["sleep", "loop", "c", "child", "forked", "session"])
def test_cancel_ends_the_call_and_its_children_at_once(tmp_path: Path, how: str) -> None:
    """Whatever it does, also C code that holds the interpreter; and the pool goes on."""
    with Processes(1) as pool:
        future = pool.submit(job(stages.touch_and_wait, folder=str(tmp_path), name="busy", how=how))
        pids = appeared(tmp_path / "busy")

        assert future.cancel()

        assert gone(pids)
        with pytest.raises(CancelledError):
            future.result(PATIENCE_S)
        assert call(pool, stages.add, a=1) == 1


def test_cancel_ends_the_workers_of_a_call_as_well(tmp_path: Path) -> None:
    """A pool that a stage made is not left behind, whatever it is at."""
    with Processes(1) as pool:
        future = pool.submit(job(stages.nested_busy, folder=str(tmp_path)))
        pids = appeared(tmp_path / "inner")

        assert future.cancel()

        assert gone(pids)


def test_a_job_that_waits_can_be_cancelled(tmp_path: Path) -> None:
    """It is never begun, and nobody is killed for it."""
    with Processes(1) as pool:
        first = pool.submit(job(stages.wait_for, folder=str(tmp_path), name="go"))
        second = pool.submit(
            job(stages.touch_and_wait, folder=str(tmp_path), name="never", how="sleep")
        )

        assert second.cancel()
        (tmp_path / "go").touch()

        assert first.result(PATIENCE_S).values == ["go"]
        assert not first.cancel()
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("how", ["loop", "child"])
def test_shutdown_without_waiting_leaves_nothing(tmp_path: Path, how: str) -> None:
    """Calls, processes and their children end at once, and what waits is cancelled."""
    pool = Processes(1)
    future = pool.submit(job(stages.touch_and_wait, folder=str(tmp_path), name="busy", how=how))
    waiting = pool.submit(job(stages.add, a=1))
    pids = appeared(tmp_path / "busy")

    start = time.monotonic()
    pool.shutdown(wait=False)

    assert time.monotonic() - start < 1
    assert gone(pids, within_s=0.5)
    assert future.cancelled()
    assert waiting.cancelled()


def test_shutdown_waits_for_what_was_submitted(tmp_path: Path) -> None:
    """Leaving the ``with`` block in good order loses nothing."""
    with Processes(1) as pool:
        futures = [pool.submit(job(stages.add, a=number)) for number in range(20)]

    assert [future.result(0).values[0] for future in futures] == list(range(20))


def test_a_pool_that_was_shut_down_says_so() -> None:
    """It takes nothing any more."""
    pool = Processes(1)
    pool.shutdown()

    with pytest.raises(ExecutorError, match="shut down: make a new one"):
        pool.submit(job(stages.pid))


def test_a_pool_that_nobody_holds_ends_its_workers() -> None:
    """Forgetting it is not a leak."""
    pool = Processes(1)
    pid = call(pool, stages.pid)

    del pool

    assert gone([pid])


@pytest.mark.parametrize("workers", [0, -1, 2.5, "two", True])
def test_the_number_of_workers_must_be_one(workers: Any) -> None:
    """It is a whole number of one or more."""
    with pytest.raises(ValueError, match="workers must be a whole number of 1 or more, not"):
        Processes(workers)


def test_a_worker_that_cannot_start_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that is not there, or ends at once, is no hang."""
    with Processes(1) as pool:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(ExecutorError, match=r"started: FileNotFoundError: .*/nowhere"):
            pool.submit(job(stages.pid)).result(PATIENCE_S)
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(ExecutorError, match=r"/bin/false did not come up \(exit code 1\)"):
            pool.submit(job(stages.pid)).result(PATIENCE_S)
        monkeypatch.undo()
        assert call(pool, stages.add, a=1) == 1


def test_workers_that_are_there_do_when_no_more_can_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a limit of the system calls wait for a worker that is free."""
    with Processes(3) as pool:
        first = pool.submit(job(stages.wait_for, folder=str(tmp_path), name="go"))
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        others = [pool.submit(job(stages.add, a=number)) for number in range(5)]
        (tmp_path / "go").touch()

        assert first.result(PATIENCE_S).values == ["go"]
        assert [other.result(PATIENCE_S).values[0] for other in others] == list(range(5))


def test_all_ways_to_print_come_in_order(pool: Processes) -> None:
    """Python's own, what children print, and structured events."""
    assert said(pool, stages.mixed) == [
        ("stdout", "one"),
        ("stdout", "two"),
        ("stderr", "three"),
        ("stdout", "four"),
        ("stdout", "five"),
        ("log", "six"),
    ]


def test_what_c_code_prints_is_there_when_the_call_ends(pool: Processes) -> None:
    """It is not left in a buffer of the C library."""
    assert said(pool, stages.c_print, text="from C, no end") == [("stdout", "from C, no end")]


def test_what_c_code_prints_belongs_to_its_item(pool: Processes) -> None:
    """Items of a millisecond are told apart."""
    rows: list[Any] = []
    task = Job(
        Kit(stages.slow_c_print, names=("item",), stage="c").pack(),
        list(range(50)),
        [(number,) for number in range(50)],
    )
    task.tell = rows.extend
    pool.submit(task).result(PATIENCE_S)

    assert [(row[1], row[4]) for row in rows] == [(n, f"item {n}") for n in range(50)]


def test_a_flood_from_c_code_that_holds_the_interpreter_ends(pool: Processes) -> None:
    """There is no pipe that could be full."""
    lines = said(pool, stages.c_flood, lines=50_000)

    assert len(lines) == 50_000
    assert set(lines) == {("stdout", "x" * 99)}


def test_a_flood_is_all_there_though_the_worker_was_killed() -> None:
    """What it had not told yet is read from where it was written, each line once."""
    rows: list[Any] = []
    with Processes(1) as pool:
        task = job(stages.flood_and_die, lines=1_500_000)
        task.tell = rows.extend
        with pytest.raises(StageKilled):
            pool.submit(task).result(60)

    assert [row[4] for row in rows] == list(map(str, range(1, 1_500_001)))


@pytest.mark.parametrize("how", ["flushed", "waiting"])
def test_a_line_without_an_end_is_kept_though_the_worker_was_killed(how: str) -> None:
    """What was flushed at once, and the rest within a tenth of a second."""
    rows: list[Any] = []
    with Processes(1) as pool:
        task = job(stages.begin_lines_and_die, how=how)
        task.tell = rows.extend
        future = pool.submit(task)
        if how == "waiting":
            [worker] = pool._all
            end = time.monotonic() + PATIENCE_S
            while sum(map(len, worker.unfinished.values())) < 2:
                assert time.monotonic() < end
                time.sleep(0.005)
            worker.kill()
        with pytest.raises(StageKilled):
            future.result(PATIENCE_S)

    expected = [("stdout", "whole"), ("stdout", "loading 3"), ("stderr", "careful")]
    assert [(row[5], row[4]) for row in rows] == expected


def test_a_line_that_was_flushed_and_ended_is_there_once() -> None:
    """Its beginning was told before its end, and is no line of its own."""
    rows: list[Any] = []
    with Processes(1) as pool:
        task = job(stages.end_lines_and_die)
        task.tell = rows.extend
        with pytest.raises(StageKilled):
            pool.submit(task).result(PATIENCE_S)

    assert [row[4] for row in rows] == ["line 0", "line 1", "line 2"]


def test_what_is_said_arrives_while_the_call_goes_on(tmp_path: Path) -> None:
    """Prints of Python and from below are told within the call."""
    rows: list[Any] = []
    with Processes(1) as pool:
        task = job(stages.wait_for, folder=str(tmp_path), name="go")
        task.tell = rows.extend
        future = pool.submit(task)
        end = time.monotonic() + PATIENCE_S
        while len(rows) < 2:
            assert time.monotonic() < end
            time.sleep(0.005)
        assert not future.done()
        (tmp_path / "go").touch()
        future.result(PATIENCE_S)

    assert [row[4] for row in rows] == ["waiting", "waiting below"]


def test_progress_is_told(pool: Processes) -> None:
    """The first step and the last, as in the process of the run."""
    rows: list[Any] = []
    task = job(stages.count_progress, last=1000)
    task.tell = rows.extend
    pool.submit(task).result(PATIENCE_S)

    assert [row[6] for row in rows] == [
        {"done": 0, "total": 1000},
        {"done": 1000, "total": 1000},
    ]


def test_nothing_captured_is_printed_here(
    pool: Processes, capfd: pytest.CaptureFixture[str]
) -> None:
    """With capture=False what the function prints is printed by the parent."""
    kit = Kit(stages.mixed, stage="mixed", capture=False)

    pool.submit(Job(kit.pack())).result(PATIENCE_S)

    out, err = capfd.readouterr()
    assert out.splitlines()[:4] == ["one", "two", "four", "five"]
    assert err.splitlines()[0] == "three"


def test_nobody_types_anything(pool: Processes) -> None:
    """Standard input is empty."""
    assert call(pool, stages.no_answer) == ""


def test_a_worker_has_the_surroundings_of_its_parent(
    pool: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folder, environment and import path are those of now, whenever the worker came up."""
    call(pool, stages.stray, folder="/")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYPEDREAM_TEST", "given")
    monkeypatch.syspath_prepend(tmp_path / "more")

    seen = [call(pool, stages.report) for _ in range(2)]

    assert [one["folder"] for one in seen] == [str(tmp_path)] * 2
    assert [one["variable"] for one in seen] == ["given"] * 2
    assert seen[0]["path"] == sys.path
    assert seen[0]["random"] != seen[1]["random"]


def test_a_module_that_changed_is_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warm worker does not go on with the old code."""
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "changing_module.py"
    file.write_text("def answer(): return 1\n")
    import changing_module  # type: ignore[import-not-found]

    with Processes(1) as pool:
        assert call(pool, changing_module.answer) == 1
        file.write_text("def answer(): return 2\n")
        os.utime(file, ns=(1, time.time_ns() + 10**9))
        assert call(pool, changing_module.answer) == 2
    del sys.modules["changing_module"]


def test_a_result_that_cannot_be_sent_is_one_line(pool: Processes) -> None:
    """It names the stage and the type."""
    with pytest.raises(
        UnpicklableValue, match=r'^stage "lock": its result is of type _thread\.lock'
    ):
        call(pool, stages.lock)


def test_a_result_that_cannot_be_read_here_is_an_error(pool: Processes) -> None:
    """It names the stage, what its class says, and what to do."""
    said = r'^stage "unreadable": its result .* \(ValueError: not here\): return data instead'
    with pytest.raises(UnpicklableValue, match=said) as caught:
        pool.submit(job(stages.unreadable)).result(PATIENCE_S)

    assert isinstance(caught.value.__cause__, ValueError)


def test_a_function_that_forks_and_returns_twice_has_one_reply(pool: Processes) -> None:
    """The child's copy of the worker ends."""
    assert call(pool, stages.fork_and_return) == 2
    assert call(pool, stages.add, a=1) == 1


def test_large_arrays_are_seen_and_changed_by_one_call_only(pool: Processes) -> None:
    """A stage that changes its input in place changes its own."""
    numpy = pytest.importorskip("numpy")
    array = numpy.ones(1 << 18)

    sums = [call(pool, stages.double_in_place, array=array) for _ in range(2)]

    assert sums == [2.0 * array.size] * 2
    assert array.sum() == array.size


def test_an_array_that_changed_between_two_calls_is_sent_anew(pool: Processes) -> None:
    """What is shared is not older than the call."""
    numpy = pytest.importorskip("numpy")
    array = numpy.ones(1 << 18)

    before = call(pool, stages.total, array=array)
    array[:] = 2
    after = call(pool, stages.total, array=array)

    assert (before, after) == (10, 20)


def test_large_results_come_back_and_can_be_changed(pool: Processes) -> None:
    """They belong to whoever gets them, and many of them do not use up the open files."""
    pytest.importorskip("numpy")
    before = len(os.listdir("/proc/self/fd"))

    values = [call(pool, stages.zeros, size=1 << 17)["array"] for _ in range(100)]
    values[0][:] = 1
    values[99][:] = 2
    sums = [value.sum() for value in values]
    opened = len(os.listdir("/proc/self/fd")) - before
    del values

    assert sums == [1 << 17, *[0] * 98, 1 << 18]
    assert opened < 70
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_the_same_array_takes_memory_once(pool: Processes) -> None:
    """Jobs that wait at the same time share one copy."""
    numpy = pytest.importorskip("numpy")
    array = numpy.ones(1 << 20)
    kits = [Kit(stages.total, {"array": array}, stage="total").pack() for _ in range(8)]

    futures = [pool.submit(Job(kit)) for kit in kits]
    values = [future.result(PATIENCE_S).values[0] for future in futures]

    segments = {id(segment) for kit in kits for segment in kit.keep.values()}
    assert values == [10.0] * 8
    assert len(segments) == 1


def test_very_much_in_a_pickle_travels_as_well(pool: Processes) -> None:
    """Text and lists that are no buffers, too."""
    kit = Kit(stages.add, {"a": ["x" * 1000] * 3000, "b": ["y" * 3_000_000]}, stage="add")

    reply: Reply = pool.submit(Job(kit.pack())).result(PATIENCE_S)

    assert len(reply.values[0]) == 3001


def test_a_thread_that_a_call_leaves_behind_is_heard(pool: Processes) -> None:
    """What it prints after the call, and after another one, is told as of its own stage."""
    rows: list[Any] = []
    task = job(stages.late)
    task.tell = rows.extend

    pool.submit(task).result(PATIENCE_S)
    call(pool, stages.add, a=1)

    end = time.monotonic() + PATIENCE_S
    while not rows:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert [row[4] for row in rows] == ["late"]


def test_jobs_of_one_kit_are_told_apart(pool: Processes) -> None:
    """Each hears of its own calls, though they are made at the same time."""
    kit = Kit(stages.say_item, names=("item",), stage="say").pack()
    heard: list[list[Any]] = [[] for _ in range(40)]
    futures = []
    for number, rows in enumerate(heard):
        task = Job(kit, [number], [(number,)])
        task.tell = rows.extend
        futures.append(pool.submit(task))

    for future in futures:
        future.result(PATIENCE_S)

    assert [[row[4] for row in rows] for rows in heard] == [[f"item {n}"] for n in range(40)]


def test_a_call_may_have_workers_of_its_own(pool: Processes) -> None:
    """A pipeline may run within a stage."""
    assert call(pool, stages.nested, a=20) == 21


def test_ctrl_c_does_not_reach_a_worker(tmp_path: Path) -> None:
    """What to do then is decided in the process of the run."""
    with Processes(1) as pool:
        pid = call(pool, stages.pid)
        future = pool.submit(job(stages.wait_for, folder=str(tmp_path), name="go"))
        os.kill(pid, signal.SIGINT)
        (tmp_path / "go").touch()

        assert future.result(PATIENCE_S).values == ["go"]
        assert os.getpgid(pid) == pid != os.getpgrp()


def test_a_stage_may_leave_a_thread_that_does_not_end() -> None:
    """The end of the pool does not wait for it for long."""
    start = time.monotonic()
    with Processes(2) as pool:
        for _ in range(2):
            call(pool, stages.endless_thread)

    assert time.monotonic() - start < 10


def test_parameters_travel_with_their_secrets() -> None:
    """Typed parameters and a secret are there as in the process of the run."""
    given = Parameters.define(rate=0.5, key=Secret("hunter2"))
    kit = Kit(stages.read_parameters, parameters=given, stage="read")

    with Processes(1) as pool:
        reply = pool.submit(Job(kit.pack())).result(PATIENCE_S)

    assert reply.values == [(0.5, "hunter2", "***")]


def test_a_stage_that_replaces_the_streams_does_not_harm_the_next(pool: Processes) -> None:
    """What the next one prints is captured."""
    with Processes(1) as own:
        call(own, stages.replace_streams)
        assert said(own, print, end="still heard\n") == [("stdout", "still heard")]


def test_warnings_are_shown_again_for_the_next_stage() -> None:
    """Python shows each place once in a process; a warm worker is not one run."""
    with Processes(1) as pool:
        assert [len(said(pool, stages.warn)) for _ in range(2)] == [1, 1]
