"""The scheduler: executors, coroutines, retries, timeouts, interrupts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from pypedream import Pipeline, context
from pypedream.errors import ExecutorError, StageTimeout
from pypedream.executors import Processes


def _diamond(**options) -> Pipeline:
    flow = Pipeline("diamond", progress=False, **options)
    flow.stage(lambda: 1, name="top")
    flow.stage(lambda top: top + 1, name="left")
    flow.stage(lambda top: top + 2, name="right")
    flow.stage(lambda left, right: left * right, name="bottom")
    return flow


def test_every_executor_gives_the_same_results():
    """Serial, threads and an executor of the user's agree."""
    with ThreadPoolExecutor(2) as pool:
        runs = [_diamond().run(executor=one) for one in ("serial", "threads", pool)]

    assert all(run == {"top": 1, "left": 2, "right": 3, "bottom": 6} for run in runs)


def test_an_executor_that_is_shut_down_under_a_run_is_named():
    """What is queued there fails with what happened and how to go on: its future says little."""
    flow = Pipeline("shut", progress=False)
    flow.stage(lambda: 1, name="queued")

    class Closing:
        def submit(self, call):
            future = Future()
            future.cancel()
            return future

    with pytest.raises(ExecutorError, match='stage "queued": its executor was shut down'):
        flow.run(executor=Closing())
    assert flow.resume(executor="serial")["queued"] == 1


def test_threads_run_independent_stages_side_by_side():
    """Two stages that wait for each other both end when there are two workers."""
    flow = Pipeline("beside", executor="threads", workers=2, progress=False)
    barrier = threading.Barrier(2, timeout=10)
    flow.stage(lambda: barrier.wait() >= 0, name="one")
    flow.stage(lambda: barrier.wait() >= 0, name="two")

    assert flow.run() == {"one": True, "two": True}


def test_no_more_workers_than_asked():
    """``workers`` bounds how many stages run at a time."""
    flow = Pipeline("few", executor="threads", workers=2, progress=False)
    active, most, lock = 0, 0, threading.Lock()

    def work():
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        time.sleep(0.01)
        with lock:
            active -= 1

    for number in range(8):
        flow.stage(work, name=f"s{number}")
    flow.run()

    assert most == 2


def test_threads_are_gone_after_the_run():
    """A run leaves no thread behind."""
    before = threading.active_count()

    _diamond().run(executor="threads")

    assert threading.active_count() == before


def test_each_attempt_has_a_context_of_its_own():
    """What a stage sets in a context variable is not seen by another stage."""
    from contextvars import ContextVar

    variable = ContextVar("variable", default="unset")
    flow = Pipeline("apart", progress=False)

    @flow.stage
    def first():
        variable.set("set")
        return variable.get()

    @flow.stage
    def second(first):
        return variable.get()

    assert flow.run() == {"first": "set", "second": "unset"}
    assert variable.get() == "unset"


def test_async_stages_run_together():
    """Independent coroutines overlap, also in a plain run."""
    flow = Pipeline("async", progress=False)
    met = []

    async def meet(name):
        met.append(name)
        while len(met) < 2:
            await asyncio.sleep(0.001)
        return name

    @flow.stage
    async def one():
        return await meet("one")

    @flow.stage
    async def two():
        return await meet("two")

    assert flow.run() == {"one": "one", "two": "two"}


def test_run_works_inside_a_running_loop():
    """A notebook has a loop running; run() does not mind."""

    async def cell():
        flow = Pipeline("cell", progress=False)

        @flow.stage
        async def answer():
            await asyncio.sleep(0)
            return 42

        return flow.run()["answer"]

    assert asyncio.run(cell()) == 42


def test_arun_lets_the_loop_go_on():
    """While a blocking stage runs, the caller's other tasks do too."""
    ticks = []

    async def main():
        flow = Pipeline("blocking", progress=False)
        flow.stage(lambda: time.sleep(0.1), name="block")

        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.01)

        ticker = asyncio.create_task(tick())
        run = await flow.arun()
        ticker.cancel()
        return run

    run = asyncio.run(main())

    assert run.state == "ok"
    assert len(ticks) > 3


def test_interleaved_async_runs_do_not_meet():
    """Two hundred runs on one loop have each their own context."""

    async def main():
        flow = Pipeline("many", progress=False)

        @flow.stage
        async def own():
            mine = context.RUN.get().id
            await asyncio.sleep(0.001)
            return mine == context.RUN.get().id

        return await asyncio.gather(*(flow.arun() for _ in range(200)))

    runs = asyncio.run(main())

    assert all(run["own"] for run in runs)
    assert len({run.id for run in runs}) == 200


def test_cancelling_arun_cancels_the_run():
    """The task that awaits a run can be cancelled; the run ends as cancelled."""
    flow = Pipeline("cancel", progress=False)

    @flow.stage
    async def forever():
        await asyncio.sleep(60)

    async def main():
        task = asyncio.create_task(flow.arun())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert flow.last_run.state == "cancelled"


def test_an_async_generator_gives_a_list():
    """What an asynchronous generator yields is collected."""
    flow = Pipeline("agen", progress=False)

    @flow.stage
    async def numbers():
        for number in range(3):
            yield number

    assert flow.run()["numbers"] == [0, 1, 2]


def test_an_async_stage_is_stopped_at_its_timeout():
    """A coroutine that takes too long ends with StageTimeout."""
    flow = Pipeline("late", progress=False)

    @flow.stage(timeout_s=0.02)
    async def late():
        await asyncio.sleep(60)

    with pytest.raises(StageTimeout, match=r"longer than timeout_s=0\.02"):
        flow.run()

    assert flow.last_run.stages["late"].state == "timeout"


def test_a_timeout_that_cannot_be_enforced_is_said_in_plan_and_log():
    """A function that cannot be stopped keeps its result; the plan and the log say so."""
    flow = Pipeline("late", progress=False)

    @flow.stage(timeout_s=0.001)
    def late():
        time.sleep(0.01)
        return 1

    run = flow.run()

    assert run["late"] == 1
    assert 'timeout_s=0.001 of stage "late" cannot be enforced' in str(flow.plan())
    assert any("over its timeout_s=0.001" in event.event for event in run.events)


def test_a_timeout_can_be_enforced_in_another_process():
    """Then the plan has no note, whether the run says so or the stage."""
    pytest.importorskip("cloudpickle")
    flow = Pipeline("late", progress=False)
    flow.stage(lambda: 1, name="late", timeout_s=5)
    flow.stage(lambda: 1, name="elsewhere", timeout_s=5, executor="processes")

    with Processes(1) as pool:
        assert flow.plan(executor=pool).notes == []
    assert flow.plan(executor="processes").notes == []
    assert flow.plan(executor="threads").notes == flow.plan().notes
    (note,) = flow.plan().notes
    assert note.startswith('timeout_s=5 of stage "late" cannot be enforced in this process')
    assert 'executor="processes" would' in note


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_the_timeout_of_a_mapped_stage_is_that_of_each_item(executor):
    """Many items that are each in time are in time; one that is not is named."""
    flow = Pipeline("items", progress=False)
    flow.stage(lambda: [0, 0.04, 0, 0], name="seconds")
    flow.stage(lambda: [*range(20)], name="numbers")

    @flow.stage(over={"s": "seconds"}, timeout_s=0.03)
    def wait(s):
        time.sleep(s)

    @flow.stage(over={"n": "numbers"}, timeout_s=0.1)
    def quick(n):
        time.sleep(0.01)

    run = flow.run(executor=executor, workers=1)

    said = [event for event in run.events if event.kind == "warning"]
    assert [event.item for event in said] == [1]
    assert "item 1 of stage" in said[0].event
    assert "over its timeout_s=0.03" in said[0].event
    assert any('of each item of stage "quick"' in note for note in run.plan.notes)


def _flaky(failures: int, error: type[Exception] = OSError):
    calls = []

    def flaky():
        calls.append(1)
        if len(calls) <= failures:
            raise error(f"failure {len(calls)}")
        return len(calls)

    return flaky, calls


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_retry_makes_up_for_a_failure(executor):
    """A stage is called again until it returns, as often as its policy allows."""
    flow = Pipeline("retry", progress=False)
    flaky, _ = _flaky(2)
    flow.stage(flaky, name="flaky", retries=2, retry_delay_s=0.001)
    flow.stage(lambda flaky: flaky, name="reader")

    run = flow.run(executor=executor)

    assert run["reader"] == 3
    assert run.stages["flaky"].attempts == 3
    kinds = [event.kind for event in run.events if event.stage == "flaky"]
    assert kinds == [
        "stage.start",
        *["attempt.start", "attempt.end"] * 2,
        "attempt.start",
        "stage.end",
    ]


def test_retries_run_out():
    """The last exception is raised, with the number of attempts in its note."""
    flow = Pipeline("retry", progress=False)
    flaky, _ = _flaky(5)
    flow.stage(flaky, name="flaky", retries=2)

    with pytest.raises(OSError, match="failure 3") as caught:
        flow.run()

    assert "failed after 3 attempts" in caught.value.__notes__[0]
    assert caught.value.__context__ is None


def test_only_what_is_worth_a_retry_gets_one():
    """``retry_on`` may be a class, a tuple or a function of the exception."""
    rules = [OSError, (OSError, KeyError), lambda error: "failure" in str(error)]
    for rule in rules:
        flow = Pipeline("retry", progress=False)
        flaky, _ = _flaky(1)
        flow.stage(flaky, name="flaky", retries=1, retry_on=rule)
        assert flow.run()["flaky"] == 2

    flow = Pipeline("retry", progress=False)
    flaky, calls = _flaky(1, ValueError)
    flow.stage(flaky, name="flaky", retries=1, retry_on=OSError)
    with pytest.raises(ValueError, match="failure 1"):
        flow.run()
    assert len(calls) == 1


def test_a_long_chain_and_many_threads_do_not_recurse():
    """Ten thousand stages in a row run; the depth of the graph does not matter."""
    flow = Pipeline("long", progress=False)
    flow.stage(lambda: 0, name="s0")
    for number in range(1, 10_000):
        namespace: dict = {}
        exec(f"def s{number}(s{number - 1}): return s{number - 1} + 1", namespace)
        flow.stage(namespace[f"s{number}"])

    assert flow.run()["s9999"] == 9999


INTERRUPTED = """
    import os, signal, sys, threading, time
    from pypedream import Pipeline

    flow = Pipeline("interrupted", executor=sys.argv[1], progress=False)

    @flow.stage
    def first():
        return 1

    @flow.stage
    def second(first):
        main = threading.main_thread().ident
        threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
        time.sleep(0.5)
        return 2

    @flow.stage
    def third(second):
        return 3

    handler = signal.getsignal(signal.SIGINT)
    out, err = sys.stdout, sys.stderr
    try:
        flow.run()
    except KeyboardInterrupt as error:
        states = [stage.state for stage in flow.last_run.stages.values()]
        print(states, flow.last_run.state, "resume()" in error.__notes__[0])
    print(signal.getsignal(signal.SIGINT) is handler, sys.stdout is out, sys.stderr is err)
    print(threading.active_count())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX")
@pytest.mark.parametrize(
    "executor, second",
    [("serial", "interrupted"), ("threads", "ok")],
    ids=["serial", "threads"],
)
def test_an_interrupt_starts_nothing_new_and_restores_everything(executor, second):
    """After Ctrl-C running threads may end, the run is resumable, and nothing is left behind."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), executor],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.splitlines() == [
        f"['ok', '{second}', 'pending'] interrupted True",
        "True True True",
        "1",
    ]
    assert signal.getsignal(signal.SIGINT) is not None
