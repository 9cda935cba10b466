"""Stages that are called in other processes, in whole runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from traceback import extract_tb

import pytest

from pypedream import Parameters, Pipeline, Variables, context, logger
from pypedream.errors import ExecutorError, StageKilled, StageTimeout, UnpicklableValue
from pypedream.executors import Processes

pytest.importorskip("cloudpickle")

PROCESSES = {"executor": "processes", "workers": 2, "progress": False}


def own_pid():
    return os.getpid()


def test_a_stage_is_called_in_another_process():
    """What it gives is the same, and it was not here."""
    flow = Pipeline("elsewhere", Parameters.define(x=3))
    flow.stage(lambda x: (x * x, os.getpid()), name="square")

    value, pid = flow.run(**PROCESSES)["square"]

    assert value == 9
    assert pid != os.getpid()


def test_the_processes_are_gone_after_the_run():
    """A run leaves none behind."""
    flow = Pipeline("gone")
    flow.stage(own_pid)

    pid = flow.run(**PROCESSES)["own_pid"]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_executors_mix_in_one_pipeline():
    """Each stage is called where it says, and values go from one to the other."""
    flow = Pipeline("mixed")

    @flow.stage(executor="processes")
    def far():
        return os.getpid()

    @flow.stage(executor="threads")
    def beside(far):
        return far, threading.current_thread().name

    @flow.stage(executor="serial")
    def here(beside):
        return *beside, os.getpid(), threading.current_thread() is threading.main_thread()

    @flow.stage
    async def awaited(here):
        return here

    pid, name, own, is_main = flow.run(progress=False)["awaited"]

    assert pid != os.getpid() == own
    assert name.startswith("pypedream-")
    assert is_main


def test_what_is_said_elsewhere_is_of_its_stage_and_item():
    """Prints, the logger, C-level output and subprocesses: each line has its place."""
    flow = Pipeline("said", Parameters.define(names=["a", "b", "c"]))

    @flow.stage(over={"name": "names"}, item_key=lambda name: name)
    def say(name):
        print("print", name)
        logger.info("logged", name=name)
        os.write(1, f"written {name}\n".encode())
        subprocess.run(["echo", "echoed", name], check=True)
        sys.stderr.write(f"error {name}\n")

    run = flow.run(**PROCESSES)

    said = sorted((e.event, e.item) for e in run.events if e.kind in ("print", "log"))
    words = ("echoed {}", "error {}", "print {}", "written {}")
    expected = [(word.format(key), key) for word in words for key in "abc"]
    assert said == sorted([*expected, *[("logged", key) for key in "abc"]])
    assert {e.stage for e in run.events if e.kind == "print"} == {"say"}


def test_an_exception_comes_with_the_users_own_lines():
    """Its type, its text and its frames are those of the stage, as if it had been called here."""
    flow = Pipeline("breaks", Parameters.define(x=0))

    def inner(x):
        return 1 / x

    @flow.stage
    def divide(x):
        return inner(x)

    with pytest.raises(ZeroDivisionError) as caught:
        flow.run(**PROCESSES)

    frames = extract_tb(caught.value.__traceback__)[-2:]
    assert [frame.name for frame in frames] == ["divide", "inner"]
    assert {frame.filename for frame in frames} == {__file__}
    assert frames[-1].line == "return 1 / x"
    assert flow.last_run.failure.inputs["x"].value == 0


def test_of_stages_side_by_side_only_the_killed_one_fails():
    """The others go on, also the one that its worker would have called next."""
    flow = Pipeline("one is killed")
    for number in range(6):
        flow.stage(lambda: time.sleep(0.05) or "well", name=f"s{number}")
    flow.stage(lambda: os.kill(os.getpid(), signal.SIGKILL), name="doomed")

    run = flow.run(**PROCESSES, on_error="continue")

    assert run.stages["doomed"].state == "killed"
    assert isinstance(run.stages["doomed"].error, StageKilled)
    assert "killed (signal 9)" in str(run.stages["doomed"].error)
    assert dict(run) == {f"s{number}": "well" for number in range(6)}


def test_of_items_in_one_chunk_only_the_killed_one_fails():
    """Those before and after it, whose values were lost with the process, are called again."""
    flow = Pipeline("one item is killed", Parameters.define(numbers=list(range(40))))

    @flow.stage(over={"n": "numbers"}, chunk=20)
    def square(n):
        if n == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return n * n

    run = flow.run(**PROCESSES, on_error="continue")

    failed = [item for item in run.stages["square"].items if item.state == "failed"]
    assert [item.key for item in failed] == [7]
    assert isinstance(failed[0].error, StageKilled)
    assert len(run.stages["square"].items) == 40


class OnlyThere:
    """Can be sent, and not be made again in the process of the run."""

    def __init__(self):
        self.pid = os.getpid()

    def __reduce__(self):
        return _make_there, (self.pid,)


def _make_there(pid):
    if os.getpid() != pid:
        raise ValueError("only there")
    return OnlyThere()


UNSENDABLE = {
    "result": (lambda n: threading.Lock() if n == 3 else n, range(40), 3),
    "result that cannot be made again": (lambda n: OnlyThere() if n == 3 else n, range(40), 3),
    "item": (lambda n: n, [0, 1, 2, threading.Lock(), *range(4, 40)], 3),
    "key": (lambda n: n, {"a": 0, "b": threading.Lock(), "c": 2}, "b"),
}


@pytest.mark.parametrize("chunk", [None, 20], ids=["chunks that grow", "large chunks"])
@pytest.mark.parametrize("case", UNSENDABLE)
def test_an_item_that_cannot_be_sent_fails_alone(case, chunk):
    """Nor one whose result cannot come back: the others are done, and it is named."""
    function, items, bad = UNSENDABLE[case]
    flow = Pipeline("unsendable", progress=False)
    flow.stage(lambda: items, name="items", executor="serial")
    flow.stage(function, name="each", over={"n": "items"}, chunk=chunk, executor="processes")

    run = flow.run(on_error="collect", workers=2)

    states = {one.key: one.state for one in run.stages["each"].items}
    keys = items if isinstance(items, dict) else range(len(items))
    assert states == {key: "failed" if key == bad else "ok" for key in keys}
    assert isinstance(run["each"][bad].error, UnpicklableValue)
    assert run["each"][bad].item == bad


def test_a_killed_item_is_tried_again(tmp_path):
    """A retry is another attempt, whatever ended the first one."""
    mark = tmp_path / "mark"
    flow = Pipeline("again", Parameters.define(numbers=[1, 2, 3], mark=str(mark)))

    @flow.stage(over={"n": "numbers"}, retries=1)
    def square(n, mark):
        if n == 2 and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return n * n

    run = flow.run(**PROCESSES)

    assert run["square"] == [1, 4, 9]
    assert [item.attempts for item in run.stages["square"].items] == [1, 2, 1]


def test_a_stage_over_its_time_is_ended_with_its_children(tmp_path):
    """The process is gone, and so is what it had started."""
    path = tmp_path / "pid"
    flow = Pipeline("too long", Parameters.define(path=str(path)))

    @flow.stage(timeout_s=1)
    def sleepy(path):
        child = subprocess.Popen(["sleep", "300"])
        with open(path, "w") as file:
            file.write(str(child.pid))
        child.wait()

    begun = time.monotonic()
    with pytest.raises(StageTimeout, match="longer than timeout_s=1 and was ended"):
        flow.run(**PROCESSES)

    assert time.monotonic() - begun < 30
    assert flow.last_run.stages["sleepy"].state == "timeout"
    _wait_for_the_end_of(int(path.read_text()))


def test_a_pool_that_is_shut_down_under_a_run_is_named(tmp_path):
    """The stage says what happened and how to go on, and not only that it was cancelled."""
    path = tmp_path / "begun"
    flow = Pipeline("shut", Parameters.define(path=str(path)), progress=False)

    @flow.stage
    def sleepy(path):
        open(path, "w").close()
        time.sleep(300)

    with Processes(1) as pool:
        handle = flow.start(executor=pool)
        _wait_until(path.exists)
        pool.shutdown(wait=False)
        with pytest.raises(ExecutorError, match='stage "sleepy": its executor was shut down'):
            handle.wait()


def _wait_for_the_end_of(pid):
    """A process that was killed takes a moment to be gone."""
    _wait_until(lambda: not _is_alive(pid))


def _wait_until(is_so):
    """Wait a moment; half a minute is none."""
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] not in "ZX"
    except OSError:
        return False


def test_variables_that_a_stage_sets_are_set_for_the_next_one():
    """A variable goes there and comes back."""
    flow = Pipeline("variables", variables=Variables.define(count=1))

    @flow.stage
    def first():
        context.VARIABLES.get()["count"] += 1

    @flow.stage(after="first")
    def second():
        return context.VARIABLES.get()["count"]

    run = flow.run(**PROCESSES)

    assert run["second"] == 2
    assert run.variables["count"] == 2


def test_a_variable_that_a_stage_gets_as_an_argument_comes_back():
    """As if the stage had asked the context for it."""
    flow = Pipeline("variables", variables=Variables.define(seen=[]))

    @flow.stage
    def first(seen):
        seen.append(1)

    run = flow.run(**PROCESSES)

    assert run.variables["seen"] == [1]


def test_variables_that_items_set_elsewhere_are_warned_of():
    """They begin with the same, so the last one replaces what the others set; it is said once."""
    flow = Pipeline("variables", Parameters.define(n=[1, 2, 3]), variables=Variables.define(sum=0))

    @flow.stage(over="n", chunk=1)
    def first(n):
        context.VARIABLES.get()["sum"] += n

    run = flow.run(**PROCESSES)

    warnings = [event.event for event in run.events if event.kind == "warning"]
    assert len(warnings) == 1
    assert 'items of stage "first" set the variable "sum" in other processes' in warnings[0]


def test_what_cannot_travel_is_one_line_that_names_it():
    """It says which argument of which stage, and what to do."""
    flow = Pipeline("a lock")
    flow.stage(threading.Lock, name="lock", executor="serial")

    @flow.stage
    def use(lock):
        return lock

    with pytest.raises(TypeError, match=r'stage "use": its argument "lock" is of type .*lock'):
        flow.run(**PROCESSES)


def test_a_parameter_that_cannot_travel_is_named():
    """Every parameter goes along, as a stage may read it by itself."""
    flow = Pipeline("a lock", Parameters.define(guards=[threading.Lock()]))

    flow.stage(own_pid)

    with pytest.raises(TypeError, match=r'stage "own_pid": the parameter "guards"\[0\] is of type'):
        flow.run(**PROCESSES)


def test_results_from_elsewhere_are_kept_and_reused(tmp_path):
    """A second run calls nothing; a changed item calls only that one."""
    flow = Pipeline("kept", Parameters.define(numbers=[1, 2, 3]), workspace=tmp_path)

    @flow.stage(over={"n": "numbers"})
    def pids(n):
        return n, os.getpid()

    first = flow.run(**PROCESSES, cache="cached")["pids"]
    second = flow.run(**PROCESSES, cache="cached")
    third = flow.run(**PROCESSES, cache="cached", numbers=[1, 4, 3])

    assert second.stages["pids"].state == "reused"
    assert second["pids"] == first
    assert [third["pids"][0], third["pids"][2]] == [first[0], first[2]]
    assert third["pids"][1][0] == 4


def test_what_a_stage_reads_by_itself_makes_its_result_its_own(tmp_path):
    """A parameter that no input names may be another one the next time."""
    flow = Pipeline("by itself", Parameters.define(x=1), workspace=tmp_path)

    @flow.stage
    def read():
        return context.PARAMETERS.get()["x"]

    values = [flow.run(**PROCESSES, cache="cached", x=x)["read"] for x in (1, 2)]

    assert values == [1, 2]


def test_a_failure_that_was_collected_goes_to_another_process():
    """With its exception, its line and its inputs, as far as they can travel."""
    flow = Pipeline("collected", Parameters.define(ns=[1, 0], key="?"))

    class OddError(Exception):
        def __init__(self, number, lock):
            super().__init__(f"odd number {number}")
            self.lock = lock

    @flow.stage(over={"n": "ns"}, on_error="collect")
    def inverse(n):
        if n == 0:
            raise OddError(n, threading.Lock())
        return 1 / n

    @flow.stage(executor="processes")
    def read(inverse):
        failure = inverse[1]
        return str(failure), str(failure.error), str(failure.place), os.getpid()

    text, error, place, pid = flow.run(workers=2, progress=False)["read"]

    head, *_, last = text.splitlines()
    assert head == "inverse[1] failed: OddError: odd number 0"
    assert last == '  n = 0   <- item 1 of parameter "ns" (default)'
    assert error == "odd number 0"
    assert place == str(flow.last_run["inverse"][1].place)
    assert pid != os.getpid()
