"""Which worker made a call, as the events and the stages of a run say it."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pypedream import Parameters, Pipeline
from pypedream.executors.whereabouts import host_name, process_name

OF_A_CALL = ("stage.end", "attempt.end", "items")


def said_by(run, key):
    """The workers that the events of a stage name, in their order."""
    events = [event for event in run.events if event.stage == key and event.kind in OF_A_CALL]
    return [event.data["worker"] for event in events if "worker" in event.data]


def test_nothing_is_said_of_the_thread_of_the_run():
    """A serial run has one worker, which needs no name."""
    flow = Pipeline("serial", Parameters.define(xs=[1, 2, 3]))
    flow.stage(lambda: 1, name="one")
    flow.stage(lambda x, one: x + one, name="more", over={"x": "xs"})

    run = flow.run()

    assert not [event for event in run.events if "worker" in (event.data or {})]
    assert [stage.workers for stage in run.stages.values()] == [(), ()]


def test_each_thread_has_a_number_of_its_own():
    """Two stages that wait for each other are of two threads, numbered from 1."""
    flow, both = Pipeline("threads"), threading.Barrier(2, timeout=60)
    names = {}

    def meet(key):
        both.wait()
        names[key] = threading.get_ident()

    flow.stage(lambda: meet("left"), name="left")
    flow.stage(lambda: meet("right"), name="right")

    run = flow.run(executor="threads", workers=2, progress=False)

    workers = {key: stage.workers for key, stage in run.stages.items()}
    assert sorted(workers.values()) == [("thread 1",), ("thread 2",)]
    assert said_by(run, "left") == [*workers["left"]]
    assert len(set(names.values())) == 2


@pytest.mark.parametrize("is_plain", [True, False], ids=["plain", "with a parameter"])
def test_a_stage_that_failed_says_who_called_it(is_plain):
    """Whether it takes results only or more."""
    flow = Pipeline("failing", Parameters.define(x=0))
    flow.stage((lambda: 1 / 0) if is_plain else (lambda x: 1 / x), name="divide")

    with pytest.raises(ZeroDivisionError):
        flow.run(executor="threads", progress=False)

    assert flow.last_run.stages["divide"].workers == ("thread 1",)
    assert said_by(flow.last_run, "divide") == ["thread 1"]


def test_an_executor_of_the_users_has_threads_too():
    """They are numbered as they come up."""
    flow = Pipeline("own")
    flow.stage(lambda: 1, name="one")
    flow.stage(lambda one: one + 1, name="two")

    with ThreadPoolExecutor(1) as pool:
        run = flow.run(executor=pool, progress=False)

    assert [stage.workers for stage in run.stages.values()] == [("thread 1",), ("thread 1",)]


def test_a_worker_process_is_known_by_its_pid():
    """The one that the stage itself sees; of items each chunk and each single one says so."""
    pytest.importorskip("cloudpickle")
    flow = Pipeline("processes", Parameters.define(xs=[*range(8)]))
    flow.stage(os.getpid, name="alone")
    flow.stage(lambda x: os.getpid(), name="each", over={"x": "xs"})

    run = flow.run(executor="processes", workers=2, progress=False)

    assert run.stages["alone"].workers == (f"process {run['alone']}",)
    assert set(run.stages["each"].workers) == {f"process {pid}" for pid in run["each"]}
    assert set(said_by(run, "each")) == set(run.stages["each"].workers)


def test_attempts_that_failed_say_who_made_them():
    """Of a stage that is tried again, and of an item."""
    pytest.importorskip("cloudpickle")
    flow = Pipeline("again", Parameters.define(xs=[1, 0]))

    @flow.stage(retries=1, retry_delay_s=0, executor="processes")
    def unlucky():
        raise OSError(os.getpid())

    @flow.stage(over={"x": "xs"}, executor="processes")
    def each(x):
        return 1 / x

    run = flow.run(on_error="collect", progress=False, workers=1)  # else a retry may be elsewhere

    assert said_by(run, "unlucky") == [f"process {run.stages['unlucky'].error}"] * 3
    assert said_by(run, "each")[-1] in run.stages["each"].workers


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_a_worker_that_was_killed_is_named(tmp_path):
    """Of a stage, and of an item that it was at."""
    pytest.importorskip("cloudpickle")
    flow = Pipeline("killed", Parameters.define(xs=[0, 1]))

    def die(name):
        (tmp_path / name).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)

    flow.stage(lambda: die("alone"), name="alone", executor="processes")
    flow.stage(lambda x: die("item") if x else x, name="each", over={"x": "xs"})

    run = flow.run(executor="processes", workers=2, on_error="collect", progress=False)

    alone, item = ((tmp_path / name).read_text() for name in ("alone", "item"))
    assert run.stages["alone"].workers == (f"process {alone}",)
    assert said_by(run, "alone") == [f"process {alone}"]
    failed = [event.data for event in run.events if event.kind == "attempt.end" and event.item == 1]
    assert [data["worker"] for data in failed] == [f"process {item}"]


def test_a_record_says_it_as_the_run_did(tmp_path):
    """Its lines are those of the events, and its stages have the same workers."""
    flow = Pipeline("kept", Parameters.define(xs=[*range(6)]), workspace=tmp_path)
    flow.stage(lambda: 1, name="count")
    flow.stage(lambda x, count: x + count, name="each", over={"x": "xs"})

    run = flow.run(executor="threads", workers=2, progress=False)

    past = flow.history()[-1]
    assert {key: sorted(stage.workers) for key, stage in past.stages.items()} == {
        key: sorted(stage.workers) for key, stage in run.stages.items()
    }
    assert said_by(past, "each") == said_by(run, "each") != []


def test_a_nested_run_is_not_of_the_thread_of_the_outer_one():
    """What it calls itself, its own thread calls."""
    flow, inner = Pipeline("outer"), Pipeline("inner")
    inner.stage(lambda: 1, name="one")
    flow.stage(lambda: inner.run(progress=False).stages["one"].workers, name="nested")

    run = flow.run(executor="threads", progress=False)

    assert run["nested"] == ()
    assert run.stages["nested"].workers == ("thread 1",)


def test_another_host_is_named():
    """A pid means nothing without it."""
    assert process_name(12, "") == process_name(12, host_name()) == "process 12"
    assert process_name(12, f"not-{host_name()}") == f"process 12 on not-{host_name()}"
