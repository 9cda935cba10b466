"""A run that was started and goes on by itself."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress

import pytest

from pypedream import Parameters, Pipeline
from pypedream.errors import PlanError, RunCancelled

WAIT_S = 20


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


@pytest.fixture
def flow(gate) -> Pipeline:
    flow = Pipeline("background", Parameters.define(by=2), progress=False)
    flow.stage(lambda: gate.wait(WAIT_S) and 21, name="slow")
    flow.stage(lambda slow, by: slow * by, name="product")
    return flow


def test_a_started_run_goes_on_by_itself(flow, gate):
    """The caller goes on at once; to wait gives the run."""
    handle = flow.start()
    assert (handle.done, handle.run.state, handle.run is flow.last_run) == (False, "running", True)

    gate.set()
    run = handle.wait()

    assert run is handle.run
    assert run == {"slow": 21, "product": 42}
    assert handle.done


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_run_that_goes_on_shows_what_is_running(gate, executor):
    """For how long, and of a mapped stage how far it is; the time of the run goes on as well."""
    flow = Pipeline("shown", Parameters.define(ns=[1, 2, 0, 3]), progress=False)
    arrived = threading.Event()

    @flow.stage(over={"n": "ns"}, chunk=1, on_error="continue")
    def inverse(n):
        if n == 3:
            arrived.set()
            gate.wait(WAIT_S)
        return 1 / n

    flow.stage(lambda inverse: inverse, name="after")
    handle = flow.start(executor=executor, workers=1)
    arrived.wait(WAIT_S)

    stage, text = handle.run.stages["inverse"], str(handle.run)
    count, later_s = len(stage.items), handle.run.duration_s
    gate.set()
    with suppress(ZeroDivisionError):
        handle.wait()

    assert (stage.state, stage.attempts, count) == ("running", 1, 3)
    assert 0 < stage.duration_s < later_s < handle.run.duration_s
    assert re.search(r"inverse  running      4 items, 1 failed, 1 to go\n  after    pending", text)
    assert handle.run.stages["inverse"].state == "failed"


def test_a_small_stage_that_goes_on_is_running(gate):
    """Also where nothing has to be decided of it."""
    flow, arrived = Pipeline("small", progress=False), threading.Event()
    flow.stage(lambda: arrived.set() or gate.wait(WAIT_S), name="slow")
    flow.stage(lambda slow: slow, name="after")
    handle = flow.start()
    arrived.wait(WAIT_S)

    states = [stage.state for stage in handle.run.stages.values()]
    gate.set()
    handle.wait()

    assert states == ["running", "pending"]


def test_it_takes_what_run_takes(flow, gate):
    """Parameters, options and selection are those of ``run``."""
    gate.set()

    assert flow.start({"by": 3}, executor="threads").wait()["product"] == 63
    assert flow.start(by=4, only="slow").wait() == {"slow": 21}


def test_mistakes_are_raised_at_once(flow):
    """A run that cannot be planned is not started."""
    with pytest.raises(PlanError, match='no parameter or option "bye"; did you mean "by"'):
        flow.start(bye=3)

    assert flow.last_run is None


def test_to_wait_raises_what_run_would_raise(flow, gate):
    """The stage's own exception comes with its notes, each time somebody waits."""
    gate.set()
    handle = flow.start(by="x" * 3, only="product", given={"slow": None})

    for _ in range(2):
        with pytest.raises(TypeError) as caught:
            handle.wait()
        assert [note.splitlines()[0] for note in caught.value.__notes__] == [
            'stage "product" failed'
        ]


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_run_that_goes_on_says_which_stages_are_at_work(executor):
    """And of a mapped stage what became of its items so far."""
    is_there, gate = threading.Event(), threading.Event()

    def first():
        return [1, 2, 3]

    def slow(first):
        if first == 2:
            is_there.set()
            gate.wait(WAIT_S)
        return first

    def last(slow):
        return sum(slow)

    flow = Pipeline("background", progress=False, executor=executor, workers=1)
    flow.stage(first)
    flow.stage(over="first", chunk=1)(slow)
    flow.stage(last)

    handle = flow.start()
    assert is_there.wait(WAIT_S)
    stages = handle.run.stages
    states = {key: one.state for key, one in stages.items()}
    counts = stages["slow"].items.counts
    gate.set()
    handle.wait()

    assert states == {"first": "ok", "slow": "running", "last": "pending"}
    assert counts == {"ok": 1, "pending": 2}
    assert handle.run.stages["slow"].state == "ok"


def test_a_stage_that_is_called_just_now_is_running(flow, gate):
    """Also one that is not mapped."""
    handle = flow.start(executor="threads")
    while not any(event.kind == "stage.start" for event in handle.run.events):
        gate.wait(0.01)
    states = {key: one.state for key, one in handle.run.stages.items()}

    gate.set()
    handle.wait()

    assert states == {"slow": "running", "product": "pending"}


def test_to_wait_too_long_stops_nothing(flow, gate):
    """TimeoutError says so, and the run goes on."""
    handle = flow.start()

    with pytest.raises(TimeoutError, match=r"is not over after 0\.01 s; it goes on"):
        handle.wait(0.01)
    gate.set()

    assert handle.wait(WAIT_S)["product"] == 42


def test_a_started_run_can_be_cancelled_at_once(flow, gate):
    """Also before its thread has come to the first stage."""
    for _ in range(20):
        gate.clear()
        handle = flow.start()
        handle.cancel()
        gate.set()
        with pytest.raises(RunCancelled, match=f"run {handle.run.id} of pipeline"):
            handle.wait(WAIT_S)
        assert handle.run.state == "cancelled"


def test_a_started_run_can_be_paused_at_once(flow, gate):
    """It begins nothing until it goes on; its repr says how far it is."""
    handle = flow.start()
    handle.pause()
    gate.set()

    with pytest.raises(TimeoutError):
        handle.wait(0.1)
    assert ": paused, " in repr(handle)
    handle.unpause()

    assert handle.wait(WAIT_S)["product"] == 42
    assert repr(handle) == (f"<run {handle.run.id} of 'background': ok, 2 of 2 stages have ended>")


def test_runs_in_the_background_do_not_meet(gate):
    """Each has a context of its own, also two of one pipeline."""
    flow = Pipeline("several", Parameters.define(number=0), progress=False)
    flow.stage(lambda number: print(number) or number, name="own")
    handles = [flow.start(number=number) for number in range(10)]

    assert [handle.wait(WAIT_S)["own"] for handle in handles] == [*range(10)]
    for number, handle in enumerate(handles):
        said = [event.event for event in handle.run.events if event.kind == "print"]
        assert said == [str(number)]


def test_a_run_can_be_started_where_a_loop_runs():
    """As in a notebook: async stages are awaited on a loop of the run."""

    async def cell():
        flow = Pipeline("cell", progress=False)

        @flow.stage
        async def answer():
            await asyncio.sleep(0)
            return 42

        handle = flow.start()
        return await asyncio.to_thread(handle.wait)

    assert asyncio.run(cell())["answer"] == 42


def test_no_thread_is_left(flow, gate):
    """When somebody has waited the thread of the run is about to end."""
    before = {*threading.enumerate()}
    gate.set()
    flow.start(executor="threads").wait()

    for thread in {*threading.enumerate()} - before:
        thread.join(WAIT_S)
        assert not thread.is_alive()


def test_a_process_waits_for_the_runs_that_it_started():
    """A script that does not wait loses nothing."""
    script = """
        import time
        from pypedream import Pipeline

        flow = Pipeline("script", executor="threads")
        flow.stage(lambda: time.sleep(0.2), name="first")
        flow.stage(lambda first: print("all done"), name="last")
        flow.start()
        print("end of the script", flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.splitlines() == ["end of the script", "last  | all done"]
    assert done.stderr == ""
