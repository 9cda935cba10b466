"""Mapping: every item is called as often as it should be, and its result is in its place."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline, Secret, Stage, context, patterns
from pypedream.engine.failure import Failure
from pypedream.errors import ExitPipeline, MapStopped, RunCancelled

EXECUTORS = ("serial", "threads")
BROKEN: set[object] = set()
CALLS: list[object] = []
"""What a function reads here is not part of its code, so that a resumed run takes results over."""


@pytest.fixture(autouse=True)
def _forget():
    BROKEN.clear()
    CALLS.clear()


def double(n):
    sys.modules[__name__].CALLS.append(n)
    if n in sys.modules[__name__].BROKEN:
        raise ValueError(f"broken {n}")
    return 2 * n


def flow_of(numbers: object, **policy: object) -> Pipeline:
    flow = Pipeline("flow", Parameters.define(numbers=numbers))
    flow.stage(Stage(double, **{"over": {"n": "numbers"}, "name": "double", **policy}))
    return flow


def said(run: object, kind: str) -> list[object]:
    return [event for event in run.events if event.kind == kind]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 3), max_size=12),
    st.integers(0, 2),
    st.sampled_from([None, 1, 2, 5]),
    st.sampled_from(EXECUTORS),
    st.sampled_from(["continue", "collect"]),
)
def test_no_item_is_lost_or_called_twice(fails, retries, chunk, executor, on_error):
    """Whatever fails how often, in chunks of whatever size, whoever helps."""
    calls: Counter[int] = Counter()
    lock = threading.Lock()

    def flaky(n):
        with lock:
            calls[n] += 1
            number = calls[n]
        if number <= fails[n]:
            raise ValueError(n)
        return n * 10

    flow = Pipeline("flow", Parameters.define(numbers=range(len(fails))))
    policy = {"retries": retries, "chunk": chunk, "on_error": on_error}
    flow.stage(Stage(flaky, over={"n": "numbers"}, name="flaky", **policy))

    run = flow.run(executor=executor, workers=3, progress=False)

    failed = [n for n, count in enumerate(fails) if count > retries]
    assert calls == {n: min(count, retries) + 1 for n, count in enumerate(fails)}
    items = run.stages["flaky"].items
    assert [item.key for item in items] == list(range(len(fails)))
    assert [item.key for item in items if item.state == "failed"] == failed
    assert [item.attempts for item in items] == [calls[n] for n in range(len(fails))]
    if on_error == "collect":
        results = [None if isinstance(one, Failure) else one for one in run["flaky"]]
        assert results == [None if n in failed else n * 10 for n in range(len(fails))]
    elif not failed:
        assert run["flaky"] == [n * 10 for n in range(len(fails))]
    else:
        assert [failure.item for failure in run.failures] == failed


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_first_failure_stops_the_others(executor):
    """The item's own exception is raised, with the item and where it came from."""
    BROKEN.add(3)
    flow = flow_of([1, 2, 3, 4], chunk=1)

    with pytest.raises(ValueError, match="broken 3") as caught:
        flow.run(executor=executor, workers=1, progress=False)

    assert CALLS == [1, 2, 3]
    assert caught.value.__notes__ == [
        (
            'stage "double[2]" failed\n  n = 3   <- item 2 of parameter "numbers" (default)\n'
            "to go on: fix it, then pipeline.resume()"
        )
    ]
    failure = flow.last_run.failure
    assert (failure.stage, failure.item, failure.inputs["n"].value) == ("double", 2, 3)


def test_a_failed_item_is_called_again_alone():
    """With its own values and those that all share."""
    flow = Pipeline("flow", Parameters.define(numbers={"a": 1, "b": 0}, k=6))
    flow.stage(Stage(lambda n, k: k / n, over={"n": "numbers"}, name="ratio"))
    with pytest.raises(ZeroDivisionError):
        flow.run(progress=False)

    failure = flow.last_run.failure

    assert failure.item == "b"
    assert {name: one.value for name, one in failure.inputs.items()} == {"n": 0, "k": 6}
    with pytest.raises(ZeroDivisionError):
        failure.replay()


def test_a_failed_item_becomes_a_test(tmp_path):
    """Of the one item."""
    BROKEN.add(3)
    flow = flow_of([1, 3])
    with pytest.raises(ValueError, match="broken"):
        flow.run(progress=False)

    path = flow.last_run.failure.to_test(tmp_path / "test_double.py")

    assert "double(n=3)" in path.read_text()


def test_the_other_items_go_on_if_that_is_asked_for():
    """The stage has failed then: with each failed item, the first one first."""
    BROKEN.update({2, 4})
    flow = flow_of([1, 2, 3, 4])
    flow.stage(lambda double: double, name="after")
    flow.stage(lambda numbers: numbers[0], name="other")

    run = flow.run(on_error="continue", progress=False)

    assert [(failure.item, str(failure.error)) for failure in run.failures] == [
        (1, "broken 2"),
        (3, "broken 4"),
    ]
    states = {key: stage.state for key, stage in run.stages.items()}
    assert states == {"double": "failed", "after": "blocked", "other": "ok"}
    assert repr(run.stages["double"].items) == "<2 ok, 2 failed>"


def test_failures_can_be_collected():
    """Each stands in the place of its item, and the stage goes on as one that went well."""
    BROKEN.add(2)
    flow = flow_of([1, 2, 3], on_error="collect")
    flow.stage(lambda double: [one for one in double if isinstance(one, int)], name="good")

    run = flow.run(progress=False)

    assert (run.state, run["good"]) == ("ok", [2, 6])
    assert (run["double"][1].item, str(run["double"][1].error)) == (1, "broken 2")


def test_very_many_failures_hold_no_more_than_their_errors():
    """The first thousand can be looked into; the log has them all."""

    def bad(n):
        raise ValueError(n)

    flow = Pipeline("flow", Parameters.define(numbers=range(1500)))
    flow.stage(Stage(bad, over={"n": "numbers"}))

    run = flow.run(on_error="continue", progress=False)

    assert [failure.item for failure in run.failures] == [*range(1000)]
    assert run.failures[-1].place is not None
    items = run.stages["bad"].items
    assert (items.failed, items[1400].error.args) == (1500, (1400,))
    assert items[1400].error.__traceback__ is None


def test_of_several_failures_the_first_item_is_raised():
    """Whoever fails first in time: what is raised is what `run.failure` tells of."""
    both = threading.Barrier(2)
    second = threading.Event()

    def stage(n):
        both.wait()
        if n == 0:
            second.wait()
        try:
            raise ValueError(n)
        finally:
            second.set()

    flow = Pipeline("flow", Parameters.define(numbers=[0, 1]))
    flow.stage(Stage(stage, over={"n": "numbers"}, chunk=1))

    with pytest.raises(ValueError, match="0") as caught:
        flow.run(executor="threads", workers=2, progress=False)

    assert flow.last_run.failure.error is caught.value
    assert [failure.item for failure in flow.last_run.failures] == [0, 1]


def test_only_what_is_worth_it_is_tried_again():
    """As `retry_on` says, item by item."""
    calls = Counter()

    def stage(n):
        calls[n] += 1
        raise OSError if n else ValueError

    flow = Pipeline("flow", Parameters.define(numbers=[0, 1]))
    flow.stage(Stage(stage, over={"n": "numbers"}, retries=2, retry_on=OSError))

    run = flow.run(on_error="continue", progress=False)

    assert calls == {0: 1, 1: 3}
    again = [event for event in said(run, "attempt.end") if "retry_in_s" in event.data]
    assert [(event.item, event.attempt) for event in again] == [(1, 1), (1, 2)]


def test_several_help_with_what_is_tried_again():
    """Though there was nothing left to do for a while."""
    calls = Counter()
    together = threading.Barrier(3, timeout=30)

    def stage(n):
        calls[n] += 1
        together.wait()  # nobody could wait here alone
        if calls[n] == 1:
            raise OSError(n)
        return n

    flow = Pipeline("flow", Parameters.define(numbers=[0, 1, 2]))
    policy = {"retries": 1, "retry_delay_s": 0.2, "jitter": False, "chunk": 1}
    flow.stage(Stage(stage, over={"n": "numbers"}, **policy))

    assert flow.run(executor="threads", workers=3, progress=False)["stage"] == [0, 1, 2]


def test_slow_items_after_quick_ones_are_shared():
    """A chunk that turns out to take long is left to others."""
    flow = Pipeline("flow", Parameters.define(numbers=range(3000)))
    slow = threading.Barrier(2, timeout=30)

    def stage(n):
        if n >= 2900:
            threading.Event().wait(0.21 if n == 2900 else 0)
        if n in (2910, 2995):
            slow.wait()
        return n

    flow.stage(Stage(stage, over={"n": "numbers"}))

    assert flow.run(executor="threads", workers=2, progress=False)["stage"] == [*range(3000)]


def test_the_iterator_of_the_user_may_raise():
    """That is no item's failure but the stage's."""

    def numbers():
        yield 1
        raise RuntimeError("the source broke")

    flow = flow_of(numbers())

    with pytest.raises(RuntimeError, match="the source broke"):
        flow.run(progress=False)

    assert flow.last_run.failure.item is None


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_item_may_end_the_run_in_good_order(executor):
    """No further item is called, and no other stage."""

    def stage(n):
        if n == 2:
            raise ExitPipeline("enough")
        return n

    flow = Pipeline("flow", Parameters.define(numbers=[1, 2, 3]))
    flow.stage(Stage(stage, over={"n": "numbers"}, chunk=1))
    flow.stage(lambda stage: stage, name="after")

    run = flow.run(executor=executor, workers=1, on_error="continue", progress=False)

    assert (run.state, run.failures) == ("ok", [])
    assert {key: one.state for key, one in run.stages.items()} == {
        "stage": "ok",
        "after": "pending",
    }
    assert repr(run.stages["stage"].items) == "<1 ok, 2 pending>"


def test_an_item_that_exits_python_fails():
    """As any stage does."""

    def stage(n):
        sys.exit(3)

    flow = Pipeline("flow", Parameters.define(numbers=[1]))
    flow.stage(Stage(stage, over={"n": "numbers"}))

    with pytest.raises(SystemExit):
        flow.run(progress=False)

    assert flow.last_run.stages["stage"].state == "failed"


@pytest.mark.parametrize(
    "error, state", [(SystemExit(3), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_an_item_of_an_async_stage_that_exits_python_ends_the_run(error, state):
    """The loop of all items does not end with one of them, and nobody waits for it in vain."""

    async def stage(n):
        if n == 1:
            raise error
        await asyncio.sleep(0)
        return n

    flow = Pipeline("flow", Parameters.define(numbers=[0, 1, 2]))
    flow.stage(Stage(stage, over={"n": "numbers"}))

    with pytest.raises(type(error)):
        flow.run(progress=False)

    assert flow.last_run.stages["stage"].state == state


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_run_is_cancelled_between_two_items(executor):
    """It says how many were done, and goes on from there."""

    def stage(n):
        sys.modules[__name__].CALLS.append(n)
        if n == 2 and n in sys.modules[__name__].BROKEN:
            context.RUN.get().cancel()
        return n

    BROKEN.add(2)
    flow = Pipeline("flow", Parameters.define(numbers=[1, 2, 3, 4]))
    flow.stage(Stage(stage, over={"n": "numbers"}))
    with pytest.raises(RunCancelled):
        flow.run(executor=executor, workers=1, progress=False)

    stopped = flow.last_run.stages["stage"]
    assert stopped.state == "cancelled"
    assert isinstance(stopped.error, MapStopped)
    assert str(stopped.error) == "2 of 4 items were done when the run stopped"
    BROKEN.clear()
    assert flow.resume()["stage"] == [1, 2, 3, 4]
    assert sorted(CALLS) == [1, 2, 3, 4]


INTERRUPTED = """
    import os, signal, sys, threading
    from pypedream import Parameters, Pipeline, Stage

    executor, when = sys.argv[1:]
    calls = []

    def press():
        os.kill(os.getpid(), signal.SIGINT)

    def stage(n):
        sys.modules["__main__"].calls.append(n)
        if n == 500 and len(sys.modules["__main__"].calls) == 501:
            if when == "within":
                press()
                threading.Event().wait(1 if executor == "threads" else 60)
            else:
                threading.Timer(0.05, press).start()
        if n > 500:
            threading.Event().wait(0.002)
        return n

    flow = Pipeline("flow", Parameters.define(numbers=range(1000)))
    flow.stage(Stage(stage, over={"n": "numbers"}))
    try:
        flow.run(executor=executor, workers=1, progress=False)
    except KeyboardInterrupt:
        print("interrupted", flow.last_run.state, flow.last_run.stages["stage"].state)
    done = len(calls)
    run = flow.resume(progress=False)
    print(run["stage"] == list(range(1000)), done > 500, len(calls) <= 1001, len(calls))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.parametrize("when", ["within", "between"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_ctrl_c_loses_no_item(executor, when, tmp_path):
    """In the middle of an item or of a chunk: what was done is not done again."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(INTERRUPTED))

    done = subprocess.run(
        [sys.executable, script, executor, when],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.startswith("interrupted interrupted interrupted\nTrue True True"), (
        done.stdout + done.stderr
    )


def test_resume_calls_only_what_failed_or_was_not_called():
    """In memory, without a workspace."""
    BROKEN.add(3)
    flow = flow_of([1, 2, 3, 4, 5], chunk=1)
    with pytest.raises(ValueError, match="broken"):
        flow.run(progress=False)
    BROKEN.clear()
    CALLS.clear()

    run = flow.resume(progress=False)

    assert run["double"] == [2, 4, 6, 8, 10]
    assert CALLS == [3, 4, 5]
    assert repr(run.stages["double"].items) == "<3 ok, 2 reused>"


def test_resume_goes_on_from_run_to_run():
    """What one of them took over the next takes over as well."""
    BROKEN.update({3, 5})
    flow = flow_of([1, 2, 3, 4, 5], on_error="continue")
    flow.run(progress=False)
    BROKEN.remove(3)
    flow.resume(progress=False)
    BROKEN.clear()
    CALLS.clear()

    assert flow.resume(progress=False)["double"] == [2, 4, 6, 8, 10]
    assert CALLS == [5]


def test_an_item_is_known_by_what_it_is():
    """In another order, with others between, and twice."""
    BROKEN.add(3)
    flow = flow_of([1, 2, 3], on_error="continue")
    flow.run(progress=False)
    BROKEN.clear()
    CALLS.clear()

    assert flow.resume(numbers=[3, 9, 2, 1, 2], progress=False)["double"] == [6, 18, 4, 2, 4]
    assert CALLS == [3, 9]


def test_failures_that_were_collected_are_called_again():
    """And so is what reads them."""
    BROKEN.add(3)
    flow = flow_of([1, 2, 3], on_error="collect")
    flow.stage(lambda double: [*double], name="after")
    flow.run(progress=False)
    BROKEN.clear()
    CALLS.clear()

    run = flow.resume(progress=False)

    assert (CALLS, run["after"]) == ([3], [2, 4, 6])
    assert run.plan.stages["double"].reason.startswith("1 item failed in run ")


def test_another_argument_calls_all_items_again():
    """What all items share counts for each."""

    def stage(n, k):
        sys.modules[__name__].CALLS.append(n)
        return k / n

    flow = Pipeline("flow", Parameters.define(numbers=[1, 0, 2], k=6))
    flow.stage(Stage(stage, over={"n": "numbers"}, on_error="continue"))
    flow.run(progress=False)
    CALLS.clear()

    run = flow.resume(k=7, numbers=[1, 2], progress=False)

    assert (run["stage"], CALLS) == ([7, 3.5], [1, 2])


def test_another_function_calls_all_items_again():
    """A result of the old one says nothing."""
    BROKEN.add(3)
    flow = flow_of([1, 2, 3], on_error="continue")
    flow.run(progress=False)
    other = Pipeline("flow", Parameters.define(numbers=[1, 2, 3]))
    other.stage(Stage(lambda n: 3 * n, over={"n": "numbers"}, name="double"))

    assert other.resume(flow.last_run, progress=False)["double"] == [3, 6, 9]


def test_items_of_an_iterator_are_known_if_they_took_a_while():
    """They cannot be looked at again, so what they are is noted when they are called."""

    def numbers():
        return iter(range(5))

    def slow(n):
        threading.Event().wait(0.002)
        return double(n)

    BROKEN.add(3)
    flow = Pipeline("flow")
    flow.stage(numbers)
    flow.stage(Stage(slow, over={"n": "numbers"}, on_error="continue"))
    flow.run(progress=False)
    BROKEN.clear()
    CALLS.clear()

    run = flow.resume(progress=False)

    assert run["slow"] == [0, 2, 4, 6, 8]
    assert CALLS == [3]
    assert run.plan.stages["numbers"].reason == "it gave an iterator, which is used up"


def test_items_of_an_async_stage_are_not_awaited_again():
    """They are known as any others are."""

    async def stage(n):
        return double(n)

    BROKEN.add(3)
    flow = Pipeline("flow", Parameters.define(numbers=[1, 2, 3]))
    flow.stage(Stage(stage, over={"n": "numbers"}, on_error="continue"))
    flow.run(progress=False)
    BROKEN.clear()
    CALLS.clear()

    run = flow.resume(progress=False)

    assert (run["stage"], CALLS) == ([2, 4, 6], [3])


def test_a_run_holds_only_what_it_keeps_of_a_mapped_stage():
    """Results that are not kept go when their last reader has them."""

    class Big:
        pass

    alive: weakref.WeakSet[Big] = weakref.WeakSet()

    def big(n):
        one = Big()
        alive.add(one)
        return one

    flow = Pipeline("flow", Parameters.define(numbers=[1, 2, 3]))
    flow.stage(Stage(big, over={"n": "numbers"}))
    flow.stage(lambda big: [*map(id, big)], name="count")

    run = flow.run(keep=["count"], progress=False)

    gc.collect()
    assert (len(run["count"]), len(alive)) == (3, 0)


def test_a_run_that_nobody_holds_is_gone_at_once():
    """Its mapped stages keep it alive no longer than others do."""
    flow = flow_of([1, 2])
    gc.collect()
    gc.disable()
    try:
        run = weakref.ref(flow.run(progress=False))
        flow.run(progress=False)
        assert run() is None
    finally:
        gc.enable()


def test_the_log_counts_small_items_and_names_slow_ones():
    """Every item is in it once."""
    flow = flow_of(range(1000))

    run = flow.run(progress=False)

    counted = sum(event.data["count"] for event in said(run, "items"))
    single = [event for event in said(run, "attempt.end") if event.item is not None]
    assert counted + len(single) == 1000
    assert said(run, "stage.end")[0].data["items"] == {"ok": 1000}


def test_no_more_members_help_than_are_allowed():
    """``workers=`` of the stage is the most items at a time."""
    now, most = [0], [0]
    lock = threading.Lock()

    def stage(n):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.002)
        with lock:
            now[0] -= 1

    flow = Pipeline("flow", Parameters.define(numbers=range(40)))
    flow.stage(Stage(stage, over={"n": "numbers"}, workers=2, chunk=1))

    flow.run(executor="threads", workers=4, progress=False)

    assert most[0] == 2


def test_two_mapped_stages_share_the_members():
    """Both get all their results, in order."""
    flow = Pipeline("flow", Parameters.define(numbers=range(200)))
    flow.stage(Stage(lambda n: n + 1, over={"n": "numbers"}, name="more", chunk=3))
    flow.stage(Stage(lambda n: n - 1, over={"n": "numbers"}, name="less", chunk=3))
    flow.stage(patterns.zip(lambda more, less: more - less, over=("more", "less"), name="both"))

    run = flow.run(executor="threads", workers=3, progress=False)

    assert run["both"] == [2] * 200


def test_a_timeout_is_for_each_item():
    """Where it cannot be enforced, the log names the items that took longer."""
    flow = Pipeline("flow", Parameters.define(seconds=[0.06, 0.0, 0.07, 0.0]))
    flow.stage(
        Stage(
            lambda s: threading.Event().wait(s), over={"s": "seconds"}, timeout_s=0.05, name="nap"
        )
    )

    run = flow.run(progress=False)

    warned = said(run, "warning")
    assert [event.item for event in warned] == [0, 2]
    assert all("over its timeout_s=0.05" in event.event for event in warned)


def test_items_of_an_async_stage_are_tried_again():
    """While the others go on."""
    calls = Counter()

    async def stage(n):
        calls[n] += 1
        if n % 2 and calls[n] < 3:
            raise OSError(n)
        return n

    flow = Pipeline("flow", Parameters.define(numbers=range(6)))
    policy = {"retries": 2, "retry_delay_s": 0.01}
    flow.stage(Stage(stage, over={"n": "numbers"}, **policy))

    assert flow.run(progress=False)["stage"] == [*range(6)]
    assert calls == {0: 1, 1: 3, 2: 1, 3: 3, 4: 1, 5: 3}


def test_items_of_an_async_stage_have_a_timeout_each():
    """It is enforced there."""
    import asyncio

    async def stage(n):
        await asyncio.sleep(60 if n == 1 else 0)
        return n

    flow = Pipeline("flow", Parameters.define(numbers=[0, 1, 2]))
    policy = {"timeout_s": 0.1, "on_error": "collect"}
    flow.stage(Stage(stage, over={"n": "numbers"}, **policy))

    results = flow.run(progress=False)["stage"]

    assert (results[0], results[2]) == (0, 2)
    assert isinstance(results[1].error, TimeoutError)


def test_collected_failures_reach_a_stage_in_another_process():
    """With their error, its frames and the item, and without the secrets of the run."""
    cloudpickle = pytest.importorskip("cloudpickle")

    def part(numbers):
        return 8 // numbers

    def after(part):
        failure = part[1]
        line = failure.traceback.tb_frame.f_code.co_name
        return type(failure.error).__name__, failure.item, failure.inputs["numbers"].value, line

    parameters = Parameters.define(numbers=[1, 0], token=Secret("hunter2"))
    flow = Pipeline("flow", parameters, executor="processes", workers=1, progress=False)
    flow.stage(Stage(part, over="numbers"))
    flow.stage(after)

    run = flow.run(on_error="collect")

    assert run["after"] == ("ZeroDivisionError", 1, 0, "part")
    assert b"hunter2" not in cloudpickle.dumps(run["part"][1])


@pytest.mark.parametrize("on_error", ["continue", "collect"])
def test_items_are_called_in_processes(on_error):
    """With the same results, failures and keys as anywhere."""
    pytest.importorskip("cloudpickle")
    BROKEN.clear()
    flow = Pipeline("flow", Parameters.define(numbers={"a": 1, "b": 0, "c": 4}))
    flow.stage(Stage(lambda n: 8 // n, over={"n": "numbers"}, on_error=on_error, name="part"))

    run = flow.run(executor="processes", workers=2, progress=False)

    assert repr(run.stages["part"].items) == "<2 ok, 1 failed>"
    if on_error == "collect":
        assert (run["part"]["a"], run["part"]["c"]) == (8, 2)
        assert isinstance(run["part"]["b"].error, ZeroDivisionError)
    else:
        assert [failure.item for failure in run.failures] == ["b"]
    assert flow.resume(numbers={"a": 1, "b": 2, "c": 4}, progress=False)["part"] == {
        "a": 8,
        "b": 4,
        "c": 2,
    }
