"""The crew: stages in threads, each taken from one queue."""

from __future__ import annotations

import threading
import time

import pytest

from pypedream import Parameters, Pipeline
from pypedream.engine.crew import Crew


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_many_small_stages_in_threads(workers):
    """A thousand readers of one value, and a reader of them all, are called once each."""
    flow = Pipeline("wide", Parameters.define(x=2), progress=False)
    calls = []
    flow.stage(lambda x: x, name="top")

    def leaf(top):
        calls.append(top)
        return top

    for number in range(1000):
        flow.stage(leaf, name=f"s{number}")
    keys = ", ".join(f"s{number}" for number in range(0, 1000, 10))
    flow.stage(eval(f"lambda {keys}: {keys.replace(',', ' +')}"), name="sum")

    run = flow.run(executor="threads", workers=workers)

    assert run["sum"] == 200
    assert len(calls) == 1000
    assert {stage.state for stage in run.stages.values()} == {"ok"}
    assert [event.seq for event in run.events] == list(range(1, len(run.events) + 1))
    assert len(run.events) == 2 * 1002 + 2


def test_chains_beside_each_other_in_threads():
    """Stages become ready while others run; no stage waits for a member that has left."""
    flow = Pipeline("chains", Parameters.define(x=1), progress=False)
    for chain in range(4):
        before = "x"
        for number in range(50):
            name = f"c{chain}_{number}"
            flow.stage(eval(f"lambda {before}: {before}"), name=name)
            before = name

    for _ in range(20):
        assert set(flow.run(executor="threads", workers=3).values()) == {1}


def test_stages_start_in_the_order_of_definition():
    """Those that need more than return values take their turn among the others."""
    flow = Pipeline("turns", Parameters.define(x=1), progress=False)
    started = []
    for number in range(40):
        function = (
            (lambda x, number=number: started.append(number))
            if number % 2
            else (lambda number=number: started.append(number))
        )
        flow.stage(function, name=f"s{number}")

    flow.run(executor="threads", workers=1)

    assert started == list(range(40))


def test_nothing_starts_after_a_failure():
    """A member that sees a failure halts the others until it is decided what becomes of it."""
    flow = Pipeline("halts", progress=False)
    called = []

    def fail():
        raise ValueError("first")

    flow.stage(fail, name="first")
    for number in range(500):
        flow.stage(lambda number=number: called.append(number), name=f"s{number}")

    with pytest.raises(ValueError, match="first"):
        flow.run(executor="threads", workers=1)

    assert called == []
    assert flow.last_run.stages["s0"].state == "pending"


def test_others_go_on_after_a_failure_if_they_may():
    """With on_error="continue" every independent stage is called."""
    flow = Pipeline("goes on", progress=False, on_error="continue")

    def fail():
        raise ValueError("no")

    for number in range(50):
        flow.stage(fail, name=f"bad{number}")
        flow.stage(lambda: 1, name=f"good{number}")

    run = flow.run(executor="threads", workers=2)

    assert run == {f"good{number}": 1 for number in range(50)}
    assert len(run.failures) == 50


def test_a_stage_has_ended_when_another_hears_of_it():
    """A stage that reads the run's own record finds what it needs ended."""
    from pypedream import context

    flow = Pipeline("reads", progress=False)
    seen = []
    flow.stage(lambda: 1, name="first")
    flow.stage(lambda first: seen.append(context.RUN.get().stages["first"].state), name="second")

    flow.run(executor="threads", workers=2)

    assert seen == ["ok"]


def test_a_fault_of_the_engine_is_raised_and_does_not_hang(monkeypatch):
    """What no stage raised ends the run with that error."""

    def broken(self):
        raise RuntimeError("not a stage's")

    monkeypatch.setattr(Crew, "_call_next", broken)
    flow = Pipeline("broken", Parameters.define(x=1), progress=False)
    flow.stage(lambda x: x, name="one")

    with pytest.raises(RuntimeError, match="not a stage's"):
        flow.run(executor="threads", workers=2)


def test_a_long_stage_does_not_hold_up_small_ones():
    """They go to whoever is free."""
    flow = Pipeline("long", progress=False)
    others = threading.Event()
    flow.stage(lambda: others.wait(10), name="long")
    left = [30]

    def small():
        left[0] -= 1
        if not left[0]:
            others.set()

    for number in range(30):
        flow.stage(small, name=f"s{number}")

    assert flow.run(executor="threads", workers=2)["long"] is True


def test_retries_in_threads_take_their_turn():
    """A stage is tried again in a thread, and counts its attempts."""
    flow = Pipeline("retries", progress=False)
    tries = []

    def shaky():
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise OSError("not yet")
        return len(tries)

    flow.stage(shaky, name="shaky", retries=3)
    flow.stage(lambda: 0, name="other")

    run = flow.run(executor="threads", workers=2)

    assert run == {"shaky": 3, "other": 0}
    assert run.stages["shaky"].attempts == 3
