"""Ctrl-C is counted as it comes: a second one is not lost while Python is not listening."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pypedream import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX")

PACKAGE = str(Path(__file__).parents[2])

BEGINNING = """
    import ctypes, operator, os, signal, sys, threading, time
    from functools import partial
    from pypedream import Parameters, Pipeline, sweep

    flow = Pipeline("deaf", Parameters.define(n=0), progress=False)
    has_begun = threading.Event()

    def press(times):
        # One call of C code, that keeps the interpreter all the time: the system hands over each
        # signal in its pause, and Python cannot look before the last one.
        library = ctypes.PyDLL(None)
        one = partial(library.kill, os.getpid(), signal.SIGINT), partial(library.usleep, 200_000)
        list(map(operator.call, one * times))

    def outlast():
        has_begun.set()
        time.sleep(3)  # less than the grace: only who is pressed to leave does not wait for it
"""

IN_THREADS = """
    @flow.stage
    def slow():
        press(int(sys.argv[1]))
        outlast()

    try:
        flow.run(executor="threads")
    except KeyboardInterrupt:
        print(flow.last_run.stages["slow"].state == "ok")
"""

IN_THE_MAIN_THREAD = """
    flow.stage(outlast, name="slow", executor="threads", workers=2)
    flow.stage(has_begun.wait, name="begun", executor="threads", workers=2)

    @flow.stage
    def here(begun):
        press(int(sys.argv[1]))

    try:
        flow.run(executor="serial")
    except KeyboardInterrupt:
        print(flow.last_run.stages["slow"].state == "ok")
"""

IN_A_SWEEP = """
    @flow.stage
    def slow(n):
        if n == 1:
            press(int(sys.argv[1]))
        outlast()

    try:
        flow.map_runs(sweep.grid(n=range(2)), at_once=2)
    except KeyboardInterrupt:
        print(flow.last_runs.rows[1].open().stages["slow"].state == "ok")
"""

WITH_A_CHILD = """
    @flow.stage
    def slow():
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            library = ctypes.PyDLL(None)
            wait = partial(library.usleep, 200_000)
            say = partial(library.write, writes, b"!", 1)
            list(map(operator.call, [say, *[wait] * 9, partial(library._exit, 0)]))
        os.read(reads, 1)
        os.kill(child, signal.SIGINT)
        time.sleep(0.2)
        press(1)
        os.waitpid(child, 0)

    try:
        flow.run(executor="threads")
    except KeyboardInterrupt:
        print(flow.last_run.stages["slow"].state == "ok")
"""


def said_by(code: str, times: int) -> bool:
    """Press Ctrl-C as *code* does; return whether the stage was waited for that goes on."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BEGINNING) + textwrap.dedent(code), str(times)],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    return done.stdout.splitlines()[-1] == "True"


@pytest.mark.parametrize(
    "code",
    [IN_THREADS, IN_THE_MAIN_THREAD, IN_A_SWEEP],
    ids=["threads", "main thread", "sweep"],
)
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_what_is_pressed_while_c_code_keeps_the_interpreter_is_counted(code, times):
    """Python calls its handler once for all; after two presses no stage is waited for."""
    pytest.importorskip("ctypes")

    assert said_by(code, times) == (times == 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_forked_child_hears_is_no_second_press():
    """A terminal sends Ctrl-C to both; the run waits for what runs, as after one."""
    pytest.importorskip("ctypes")

    assert said_by(WITH_A_CHILD, 1)


@contextmanager
def pressed_twice_at(name: str, time: int) -> Iterator[None]:
    """Press Ctrl-C twice as the scheduler enters a method for the *time*-th time."""
    times = count(1)

    def look(frame: FrameType, event: str, _: object) -> None:
        is_there = event == "call" and frame.f_code.co_qualname == f"Scheduler.{name}"
        if is_there and next(times) == time:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("name", ["_hand_over_all", "_see_to_the_crews", "_wait", "_grace_s"])
def test_what_is_queued_is_not_begun_after_both_came_at_once(name, time):
    """Wherever the scheduler is, the run is left, and a stage that nobody began is pending."""
    release = threading.Event()
    flow = Pipeline("queued", progress=False, executor="threads", workers=1)
    flow.stage(lambda: 1, name="first")
    flow.stage(lambda first: release.wait(60), name="second")
    flow.stage(lambda first: release.wait(60), name="third")

    with pressed_twice_at(name, time), pytest.raises(KeyboardInterrupt):
        flow.run()
    release.set()

    states = {key: stage.state for key, stage in flow.last_run.stages.items()}
    assert flow.last_run.state == "interrupted"
    assert set(states.values()) <= {"ok", "interrupted", "pending"}
    assert states["third"] == "pending"


@contextmanager
def wakeup_of_the_users() -> Iterator[int]:
    """Have the wakeup descriptor, as an event loop has it that handles signals."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    before = signal.set_wakeup_fd(writes)
    try:
        yield writes
    finally:
        signal.set_wakeup_fd(before)
        os.close(reads)
        os.close(writes)


def _present_wakeup() -> int:
    present = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(present)
    return present


def test_a_wakeup_descriptor_of_the_users_stays():
    """While it is there, before the run and in its stages, nobody else takes it."""
    flow = Pipeline("wakeup", progress=False)
    flow.stage(_present_wakeup, name="within")

    with wakeup_of_the_users() as own:
        assert flow.run()["within"] == own
        assert _present_wakeup() == own


def test_a_wakeup_descriptor_that_a_stage_leaves_stays():
    """What a stage changes for good is not undone; what is ours is gone in any case."""
    flow = Pipeline("wakeup", progress=False)
    flow.stage(_present_wakeup, name="before")

    with wakeup_of_the_users() as own:
        signal.set_wakeup_fd(-1)
        flow.stage(lambda before: signal.set_wakeup_fd(own), name="take")
        run = flow.run()

        assert run["before"] == run["take"] != -1
        assert _present_wakeup() == own


def test_a_run_within_a_run_counts_with_it():
    """There is one wakeup descriptor, and it lasts as long as the outer run."""
    inner = Pipeline("inner", progress=False)
    inner.stage(_present_wakeup, name="within")
    outer = Pipeline("outer", progress=False)
    outer.stage(lambda: inner.run()["within"], name="one")
    outer.stage(lambda one: (one, _present_wakeup()), name="two")

    one, two = outer.run()["two"]

    assert one == two != -1
    assert _present_wakeup() == -1
