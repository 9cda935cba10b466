"""A run that is cancelled or paused from another thread."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from pypedream import Pipeline, context
from pypedream.errors import RunCancelled

WAIT_S = 20


class Gate:
    """A stage that says when it is called and ends when it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.open.wait(WAIT_S)
        return "ended"


def _ended_by(flow: Pipeline, **options) -> tuple[threading.Thread, list[BaseException | None]]:
    """Run *flow* in a thread; the list gets what it raised."""
    raised: list[BaseException | None] = []

    def work() -> None:
        try:
            flow.run(progress=False, **options)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)
        else:
            raised.append(None)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, raised


def _join(thread: threading.Thread) -> None:
    thread.join(WAIT_S)
    assert not thread.is_alive()


@pytest.fixture
def gated() -> tuple[Pipeline, Gate]:
    flow, gate = Pipeline("gated"), Gate()
    flow.stage(gate, name="first")
    flow.stage(lambda first: f"after {first}", name="second")
    return flow, gate


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_cancelled_run_begins_nothing_and_lets_stages_end(gated, executor):
    """What runs comes to its end, what comes after is pending, and RunCancelled is raised."""
    flow, gate = gated
    thread, raised = _ended_by(flow, executor=executor)
    assert gate.begun.wait(WAIT_S)

    flow.last_run.cancel()
    gate.open.set()
    _join(thread)

    assert isinstance(raised[0], RunCancelled)
    states = {key: stage.state for key, stage in flow.last_run.stages.items()}
    assert states == {"first": "ok", "second": "pending"}
    assert flow.last_run.state == "cancelled"


def test_a_thread_that_does_not_end_in_time_is_left(gated):
    """After its grace the run ends as cancelled, with the stage that goes on."""
    flow, gate = gated
    thread, raised = _ended_by(flow, executor="threads")
    assert gate.begun.wait(WAIT_S)

    flow.last_run.cancel(grace_s=0)
    _join(thread)
    gate.open.set()

    assert isinstance(raised[0], RunCancelled)
    assert flow.last_run.stages["first"].state == "cancelled"
    assert flow.last_run.stages["first"].reason == "it did not end in time"


def test_a_run_may_be_cancelled_without_end(gated):
    """With ``grace_s=None`` what runs is waited for; a second call may be less patient."""
    flow, gate = gated
    thread, _ = _ended_by(flow, executor="threads")
    assert gate.begun.wait(WAIT_S)

    flow.last_run.cancel(grace_s=None)
    assert flow.last_run.state == "running"
    flow.last_run.cancel(grace_s=0)
    _join(thread)
    gate.open.set()

    assert flow.last_run.stages["first"].state == "cancelled"


def test_async_stages_are_cancelled():
    """An async stage gets a CancelledError where it waits."""
    flow, begun, seen = Pipeline("waits"), threading.Event(), []

    @flow.stage
    async def waits():
        try:
            begun.set()
            await asyncio.sleep(WAIT_S)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    thread, raised = _ended_by(flow)
    assert begun.wait(WAIT_S)
    flow.last_run.cancel()
    _join(thread)

    assert seen == ["cancelled"]
    assert isinstance(raised[0], RunCancelled)
    assert flow.last_run.stages["waits"].state == "cancelled"


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_cancelled_map_begins_no_further_item(executor):
    """Items that were not begun are not called; the stage is cancelled."""
    flow, gate, called = Pipeline("map"), Gate(), []

    @flow.stage(over="number", chunk=1)
    def work(number):
        called.append(number)
        return gate()

    flow.stage(lambda: [*range(50)], name="number")
    thread, _ = _ended_by(flow, executor=executor, workers=1)
    assert gate.begun.wait(WAIT_S)
    flow.last_run.cancel()
    gate.open.set()
    _join(thread)

    assert called == [0]
    assert flow.last_run.stages["work"].state == "cancelled"


def test_what_is_over_cannot_be_cancelled():
    """The state of a run that has ended stays."""
    flow = Pipeline("over", stages={"one": lambda: 1})
    run = flow.run(progress=False)

    run.cancel()
    run.pause()

    assert (run.state, run.is_paused) == ("ok", False)


@pytest.mark.parametrize("grace_s", [-1, "soon", True, float("nan")])
def test_a_grace_that_is_no_time_is_refused(grace_s):
    """The message says what it takes."""
    run = Pipeline("over", stages={"one": lambda: 1}).run(progress=False)

    with pytest.raises(ValueError, match="is not a number of seconds from 0 up, or None"):
        run.cancel(grace_s=grace_s)


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_paused_run_begins_nothing_until_it_goes_on(gated, executor):
    """A stage that runs ends; the next one is begun when the pause is over. The log says so."""
    flow, gate = gated
    thread, raised = _ended_by(flow, executor=executor)
    assert gate.begun.wait(WAIT_S)

    run = flow.last_run
    run.pause()
    gate.open.set()
    while "first" not in run:
        time.sleep(0.001)
    thread.join(0.2)
    assert (thread.is_alive(), run.is_paused, "second" in run) == (True, True, False)
    assert "gated: running, paused" in repr(run)
    run.unpause()
    _join(thread)

    assert raised == [None]
    assert run == {"first": "ended", "second": "after ended"}
    said = [event.event for event in run.events if event.kind == "log"]
    assert said == ["paused: what runs may end, nothing new is begun", "the run goes on"]


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_paused_map_begins_no_item(executor):
    """Items in the middle of a chunk wait as well."""
    flow, gate, called = Pipeline("map"), Gate(), []

    @flow.stage(over="number", chunk=50)
    def work(number):
        called.append(number)
        return gate() and number

    flow.stage(lambda: [*range(50)], name="number")
    thread, _ = _ended_by(flow, executor=executor, workers=1)
    assert gate.begun.wait(WAIT_S)
    flow.last_run.pause()
    gate.open.set()
    thread.join(0.2)
    assert (thread.is_alive(), called) == (True, [0])
    flow.last_run.unpause()
    _join(thread)

    assert flow.last_run["work"] == [*range(50)]
    assert called == [*range(50)]


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_paused_run_can_be_cancelled(gated, executor):
    """It ends at once when nothing runs."""
    flow, gate = gated
    thread, raised = _ended_by(flow, executor=executor)
    assert gate.begun.wait(WAIT_S)

    flow.last_run.pause()
    gate.open.set()
    thread.join(0.2)
    assert thread.is_alive()
    flow.last_run.cancel()
    _join(thread)

    assert isinstance(raised[0], RunCancelled)
    assert flow.last_run.stages["second"].state == "pending"


def test_a_failure_ends_a_paused_run():
    """A stage that fails meanwhile stops the run as ever."""
    flow, gate = Pipeline("fails"), Gate()
    flow.stage(lambda: gate() and 1 / 0, name="first")
    flow.stage(lambda: 1, name="second")
    thread, raised = _ended_by(flow)
    assert gate.begun.wait(WAIT_S)

    flow.last_run.pause()
    gate.open.set()
    _join(thread)

    assert isinstance(raised[0], ZeroDivisionError)


def test_a_retry_waits_for_the_end_of_a_pause():
    """A stage is not tried again while the run is paused."""
    flow, calls = Pipeline("retries"), []

    @flow.stage(retries=1)
    def flaky():
        calls.append(1)
        if len(calls) == 1:
            context.RUN.get().pause()
            raise OSError("once")
        return len(calls)

    thread, _ = _ended_by(flow)
    thread.join(0.2)
    assert (thread.is_alive(), len(calls)) == (True, 1)
    flow.last_run.unpause()
    _join(thread)

    assert flow.last_run["flaky"] == 2


def test_async_items_wait_for_the_end_of_a_pause():
    """No item of an async stage is awaited while the run is paused."""
    flow, called = Pipeline("async map"), []

    @flow.stage(over="number", workers=1)
    async def work(number):
        called.append(number)
        if number == 0:
            context.RUN.get().pause()
        return number

    flow.stage(lambda: [*range(5)], name="number")
    thread, _ = _ended_by(flow)
    thread.join(0.2)
    assert (thread.is_alive(), called) == (True, [0])
    flow.last_run.unpause()
    _join(thread)

    assert flow.last_run["work"] == [*range(5)]
