"""Stages, exceptions, executors and signals that mean no good."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import CancelledError as PoolCancelledError
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

import pytest

from pypedream import Pipeline
from pypedream.errors import ExitPipeline, RunCancelled
from pypedream.mappers import KeyedOutputMapper

on_posix = pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX")


class SpeechlessError(Exception):
    """An exception whose text raises."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@dataclass(frozen=True)
class FrozenError(Exception):
    """An exception that takes no note."""

    code: int = 1


class BadNotesError(Exception):
    """An exception whose notes are no list."""

    __notes__ = 5


class CancelledError(Exception):
    """An exception of the user's that bears the name of one of Python's."""


def _raising(error: BaseException) -> Pipeline:
    flow = Pipeline("raising", progress=False)

    def fail():
        raise error

    flow.stage(fail, name="fail")
    flow.stage(lambda fail: fail, name="after")
    return flow


def _states(flow: Pipeline) -> list[str]:
    return [stage.state for stage in flow.last_run.stages.values()]


@pytest.mark.parametrize("options", [{}, {"cache": "cached"}], ids=["kept", "claimed"])
def test_an_exception_that_nobody_may_write_into_is_raised_where_results_are_kept(
    tmp_path, options
):
    """Around the call no context manager is a generator: `contextlib` sets their traceback."""
    error = FrozenError()
    flow = _raising(error)

    with pytest.raises(FrozenError) as raised:
        flow.run(workspace=tmp_path, **options)

    assert raised.value is error
    assert _states(flow) == ["failed", "blocked"]


@pytest.mark.parametrize("executor", ["serial", "threads"])
@pytest.mark.parametrize(
    "error",
    [
        SpeechlessError(),
        FrozenError(),
        BadNotesError(),
        CancelledError("the user's"),
        PoolCancelledError(),
        StopIteration(3),
        GeneratorExit(),
        SystemExit(3),
        ExceptionGroup("group", [ValueError(1), SpeechlessError()]),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)
def test_whatever_a_stage_raises_is_raised_and_told(error, executor):
    """The exception itself comes out, its stage failed, and the run can be shown."""
    flow = _raising(error)

    with pytest.raises(BaseException) as raised:  # noqa: PT011 - the identity is what counts
        flow.run(executor=executor)

    assert raised.value is error
    assert _states(flow) == ["failed", "blocked"]
    assert type(error).__name__ in str(flow.last_run)


def test_an_exit_is_not_tried_again():
    """A stage with retries that ends the run is called once."""
    calls = []
    flow = Pipeline("exit", progress=False)

    @flow.stage(retries=3, retry_delay_s=0)
    def leave():
        calls.append(1)
        raise ExitPipeline("enough")

    assert flow.run().state == "ok"
    assert len(calls) == 1


def test_a_retry_rule_that_raises_is_told_and_the_stage_failed():
    """The stage's own exception is raised, and a warning says what became of the rule."""
    flow = Pipeline("rule", progress=False)

    @flow.stage(retries=3, retry_delay_s=0, retry_on=lambda error: error.code)
    def fail():
        raise ValueError("own")

    with pytest.raises(ValueError, match="own"):
        flow.run()

    assert _states(flow) == ["failed"]
    warnings = [event.event for event in flow.last_run.events if event.kind == "warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith('retry_on of stage "fail" raised AttributeError: ')


class FailsLater:
    """An executor whose futures fail."""

    def submit(self, _call):
        future: Future = Future()
        future.set_exception(OSError("the pool is broken"))
        return future


class FailsAtOnce:
    """An executor that takes nothing."""

    def submit(self, _call):
        raise OSError("the pool is broken")


class Cancels:
    """An executor that cancels what it took."""

    def submit(self, _call):
        future: Future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


class GivesNothing:
    """An executor whose ``submit`` returns no future."""

    def submit(self, _call):
        return None


@pytest.mark.parametrize("executor", [FailsLater(), FailsAtOnce(), Cancels(), GivesNothing()])
def test_a_call_that_an_executor_cannot_make_fails_its_stage(executor):
    """The run ends, and with on_error="continue" it is returned."""
    flow = Pipeline("broken", progress=False, executor=executor)
    flow.stage(lambda: 1, name="one")
    flow.stage(lambda one: one, name="two")

    run = flow.run(on_error="continue")

    assert run.state == "failed"
    assert _states(flow) == ["failed", "blocked"]


def test_an_executor_may_say_twice_that_a_call_is_done():
    """The second time is not taken for another call."""

    class Twice:
        def submit(self, call):
            self.call = call
            return self

        def add_done_callback(self, callback):
            callback(self)
            callback(self)

        def result(self):
            return self.call()

    flow = Pipeline("twice", progress=False, executor=Twice())
    flow.stage(lambda: 1, name="one")
    flow.stage(lambda one: one + 1, name="two")

    assert flow.run() == {"one": 1, "two": 2}


def test_an_async_stage_that_was_cancelled_before_it_began_is_cancelled():
    """A run that is cancelled at once ends as one, and its coroutines do not start."""
    flow, begun = Pipeline("early", progress=False), []

    @flow.stage
    async def slow():
        begun.append(1)
        await asyncio.sleep(30)

    def start(_event):
        flow.last_run.cancel()

    with pytest.raises(RunCancelled):
        flow.run(sinks=[start])

    assert flow.last_run.state == "cancelled"
    assert not begun


def test_a_run_that_the_engine_could_not_carry_out_has_failed():
    """A mapper that does not accept a given value leaves no run that is "ok"."""
    flow = Pipeline("given", progress=False)
    flow.stage(lambda: {"k": 1}, name="one", output_mapper=KeyedOutputMapper({"k": "out"}))
    flow.stage(lambda one: one, name="two")

    with pytest.raises(TypeError):
        flow.run(given={"one": 5})

    assert flow.last_run.state == "failed"


def test_a_stage_that_failed_is_not_blamed_for_a_later_change():
    """The mutation guard names who ran at the same time, and that does not last."""
    flow = Pipeline("blame", progress=False)
    flow.stage(lambda: [1], name="source")
    flow.stage(lambda source: 1 / 0, name="fails")
    flow.stage(lambda source: source.append(2), name="changes")

    run = flow.run(on_error="continue")

    text = next(event.event for event in run.events if event.kind == "warning")
    assert text.startswith('stage "changes" changed its input "source"')


def test_a_stage_whose_output_mapper_changed_runs_again():
    """Resume does not take over outputs that bear other names by now."""

    def flow_with(mapper, last):
        flow = Pipeline("mapped", progress=False)
        flow.stage(lambda: {"k": 1}, name="one", output_mapper=mapper)
        flow.stage(last, name="two")
        return flow

    def fail():
        raise ValueError

    first = flow_with(None, fail).run(on_error="continue")

    resumed = flow_with(KeyedOutputMapper({"k": "k"}), lambda: 2).resume(first)

    assert resumed.stages["one"].state == "ok"
    assert "k" in resumed.outputs["one"]


@on_posix
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gc callbacks
@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_ctrl_c_in_the_engine_ends_the_run_in_good_order(executor):
    """At whatever instant it comes: a run is interrupted or was done, restored and resumable."""
    out, threads = sys.stdout, threading.active_count()
    handler = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        for number in range(40):
            flow = _chain(executor)
            flow.plan()
            _run_until(flow, 1e-4 + number * 1e-4)
            assert sys.stdout is out
            if flow.last_run is not None and flow.last_run.state == "interrupted":
                assert len(flow.resume()) == 30
    finally:
        signal.signal(signal.SIGALRM, handler)

    assert threading.active_count() == threads
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _run_until(flow: Pipeline, seconds: float) -> None:
    with suppress(KeyboardInterrupt):
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            flow.run()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            time.sleep(0)  # a signal that came with the end of the run is handled here


def _chain(executor: str) -> Pipeline:
    flow = Pipeline("chain", progress=False, executor=executor, workers=2)
    flow.stage(lambda: print("line"), name="s0")
    for number in range(1, 30):
        namespace: dict = {}
        exec(f"def s{number}(s{number - 1}): print({number})", namespace)
        flow.stage(namespace[f"s{number}"])
    return flow


STUCK = """
    import fcntl, os, signal, sys, threading, time
    from pypedream import Pipeline

    kind, folder = sys.argv[1:]
    executor = "threads" if kind == "threads" else "serial"

    def block():
        time.sleep(30)

    class Stuck:
        def emit(self, event):
            is_beside = threading.current_thread().name == "pypedream-log"
            if kind == ("sink beside" if is_beside else "sink"):
                time.sleep(30)

    sinks = [Stuck()] if kind.startswith("sink") else []
    flow = Pipeline("stuck", progress=False, executor=executor, sinks=sinks)

    @flow.stage
    def quick():
        return 1

    if kind == "threads":
        flow.stage(block, name="slow")
    elif kind == "loop":
        @flow.stage
        async def slow():
            time.sleep(30)
    elif kind == "prints":
        @flow.stage
        def slow():
            while True:
                print("line")
    elif kind == "sink beside":
        @flow.stage
        def slow():
            while True:
                print("line")
                time.sleep(0.001)

    def press():
        while flow.last_run is None:
            time.sleep(0.01)
        for _ in range(2):
            time.sleep(0.4)
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    out, start = sys.stdout, time.monotonic()
    try:
        flow.run(workspace=folder)
    except KeyboardInterrupt:
        pass
    try:
        state, took = flow.last_run.state, time.monotonic() - start
        time.sleep(0.6)
    except KeyboardInterrupt:
        pass
    lock = os.path.join(folder, "runs", flow.last_run.id, "journal.jsonl")
    with open(lock) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the run is over for everybody
    print(state, took < 6, file=sys.__stdout__)
    os._exit(0)
"""


@on_posix
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threads", "loop", "prints", "sink", "sink beside"])
def test_a_second_ctrl_c_leaves_at_once(kind, tmp_path):
    """Whatever does not end is left: a thread, a loop, a stage that prints, a user's sink."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STUCK), kind, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "interrupted True", done.stderr
    assert time.monotonic() - start < 8
