import asyncio
import inspect
import multiprocessing.pool
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pypedream.log.capture import capturing
from pypedream.log.threads import POOLS, THREADS


def started(*threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_line_of_a_thread_is_lost(stages, capsys):
    """Threads and pools that a stage starts are the stage's: six of six lines, in two at a time."""

    def work():
        print("from the stage")
        started(threading.Thread(target=print, args=("from a thread",)))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(print, "from a pool").result()

    with capturing():
        started(
            threading.Thread(target=lambda: stages.call(work, key="a")),
            threading.Thread(target=lambda: stages.call(work, key="b")),
        )

    expected = ["from the stage", "from a thread", "from a pool"]
    assert stages.lines_of("a") == expected
    assert stages.lines_of("b") == expected
    assert capsys.readouterr().out == ""


def test_shared_pool_files_nothing_wrongly(stages, capsys):
    """A pool that several stages share: each line belongs to who submitted it."""
    with ThreadPoolExecutor(1) as pool, capturing():
        for key in "abc":
            stages.call(lambda key=key: pool.submit(print, "for", key).result(), key=key)
        pool.submit(print, "for nobody").result()

    assert [stages.lines_of(key) for key in "abc"] == [["for a"], ["for b"], ["for c"]]
    assert capsys.readouterr().out == "for nobody\n"


def test_pool_map(stages):
    """``pool.map`` carries the stage as well."""
    with ThreadPoolExecutor(2) as pool:
        stages.run(lambda: list(pool.map(print, ["x", "y"])))

    assert sorted(stages.lines()) == ["x", "y"]


def test_subclass_with_its_own_run(stages):
    """A thread that overrides ``run`` runs as ever, and is the stage's."""

    class Worker(threading.Thread):
        def run(self):
            print("my own run")
            self.has_run = True

    worker = Worker()
    stages.run(started, worker)

    assert stages.lines() == ["my own run"]
    assert worker.has_run
    assert "run" not in vars(worker)


def test_run_that_was_set_on_the_thread(stages):
    """A ``run`` that somebody gave to one thread stays on it."""
    thread = threading.Thread()

    def own_run():
        print("set by hand")

    thread.run = own_run
    stages.run(started, thread)

    assert stages.lines() == ["set by hand"]
    assert thread.run is own_run


def test_thread_of_a_thread(stages):
    """A thread that was started by a stage's thread is the stage's."""

    def outer():
        started(threading.Thread(target=print, args=("inner",)))

    stages.run(started, threading.Thread(target=outer))

    assert stages.lines() == ["inner"]


def test_timer(stages):
    """A timer that a stage sets prints for the stage."""
    stages.run(started, threading.Timer(0.001, print, ("late",)))

    assert stages.lines() == ["late"]


def test_asyncio(stages):
    """Tasks, ``to_thread`` and ``run_in_executor`` of a stage print for the stage."""

    async def main():
        print("task")
        await asyncio.to_thread(print, "to_thread")
        await asyncio.get_running_loop().run_in_executor(None, print, "run_in_executor")

    stages.run(lambda: asyncio.run(main()))

    assert stages.lines() == ["task", "to_thread", "run_in_executor"]


def test_multiprocessing_thread_pool(stages):
    """A pool of threads of ``multiprocessing``, which joblib uses, belongs to who made it."""

    def work():
        with multiprocessing.pool.ThreadPool(2) as pool:
            pool.map(print, ["x", "y"])

    stages.run(work)

    assert sorted(stages.lines()) == ["x", "y"]


def test_unfinished_line_of_a_task(stages):
    """What a task leaves without newline is recorded when the task ends, and glued to nothing."""

    def work():
        with ThreadPoolExecutor(1) as pool:
            for text in ("a", "b"):
                pool.submit(print, text, end="").result()
        thread = threading.Thread(target=print, args=("c",), kwargs={"end": ""})
        started(thread)

    stages.run(work)

    assert stages.lines() == ["a", "b", "c"]


def test_thread_that_outlives_its_attempt(stages, capsys):
    """It is the stage's as long as the log is open, and then prints to the console."""
    attempt_over, printed, log_closed = (threading.Event() for _ in range(3))

    def late():
        print("during", end=" ")
        attempt_over.wait(10)
        print("after the attempt")
        print("cut ", end="")
        printed.set()
        log_closed.wait(10)
        print("after the run")

    thread = threading.Thread(target=late)
    with capturing():
        stages.call(thread.start, key="slow")
        attempt_over.set()
        assert printed.wait(10)
        stages.log.close()
        log_closed.set()
        thread.join()

    assert stages.lines_of("slow") == ["during after the attempt"]
    assert capsys.readouterr().out == "cut after the run\n"


def test_thread_that_is_silent_in_the_end(stages):
    """What a thread that goes on left unfinished is recorded when the last run ends."""
    printed, over = threading.Event(), threading.Event()

    def late():
        print("unfinished", end="")
        printed.set()
        over.wait(10)

    thread = threading.Thread(target=late)
    with capturing():
        stages.call(lambda: (thread.start(), printed.wait(10)))
        assert stages.lines() == []
    assert stages.lines() == ["unfinished"]
    over.set()
    thread.join()

    assert stages.lines() == ["unfinished"]


def test_mode_without_threads(stages, capsys):
    """With "stage" only the stage's own thread is captured."""

    def work():
        print("stage")
        started(threading.Thread(target=print, args=("thread",)))

    stages.run(work, mode="stage")

    if getattr(sys.flags, "thread_inherit_context", 0):
        pytest.skip("Python itself carries the context into threads")
    assert stages.lines() == ["stage"]
    assert capsys.readouterr().out == "thread\n"


def test_outside_a_stage(stages, capsys):
    """Threads and pools of other code are started as ever while a run is active."""
    with capturing(), ThreadPoolExecutor(1) as pool:
        started(threading.Thread(target=print, args=("thread",)))
        pool.submit(print, "pool").result()

    assert stages.lines() == []
    assert capsys.readouterr().out == "thread\npool\n"


def test_signatures():
    """The patched functions look like the ones they stand for."""
    originals = threading.Thread.start, ThreadPoolExecutor.submit
    with capturing():
        patched = threading.Thread.start, ThreadPoolExecutor.submit

    for original, ours in zip(originals, patched, strict=True):
        assert ours is not original
        assert ours.__wrapped__ is original
        assert inspect.signature(ours) == inspect.signature(original)
        assert ours.__doc__ == original.__doc__


def test_error_in_a_task(stages):
    """An error is the future's, with nothing around it."""

    def fail(value):
        raise KeyError(value)

    def work():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(fail, "x").exception()

    error = stages.run(work)

    assert isinstance(error, KeyError)
    assert error.args == ("x",)


def test_keyword_arguments_of_a_task(stages):
    """A task may have arguments of any name."""

    def task(**names):
        return names

    with ThreadPoolExecutor(1) as pool:
        names = {"self": 1, "fn": 2, "context": 3, "attempt": 4, "function": 5}
        future = stages.run(lambda: pool.submit(task, **names))

        assert future.result() == names


def test_thread_that_cannot_start(stages, monkeypatch):
    """A thread that fails to start is left as it was."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    thread = threading.Thread(target=print)

    with pytest.raises(RuntimeError, match="can't start"):
        stages.run(thread.start)
    assert "run" not in vars(thread)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="threads have no context argument")
def test_thread_with_a_context_of_its_own(stages, capsys):
    """A context that the user gives to a thread is respected."""
    from contextvars import Context

    stages.run(started, threading.Thread(target=print, args=("own",), context=Context()))

    assert stages.lines() == []
    assert capsys.readouterr().out == "own\n"


def test_many_runs_with_many_threads(stages):
    """Eight stages of eight threads each: no line is mixed, lost, doubled or glued."""

    def shout(key, name):
        for number in range(50):
            print(key, name, number)

    def work(key):
        started(*(threading.Thread(target=shout, args=(key, name)) for name in range(8)))

    def run(key):
        stages.run(work, key, key=key)

    started(*(threading.Thread(target=run, args=(f"stage{n}",)) for n in range(8)))

    for key in (f"stage{n}" for n in range(8)):
        expected = {f"{key} {name} {number}" for name in range(8) for number in range(50)}
        assert len(stages.lines_of(key)) == 400
        assert set(stages.lines_of(key)) == expected
    assert not THREADS.is_needed
    assert not POOLS.is_needed
