import itertools
import json
import logging
import os
import sys
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from pypedream.log.capture import capturing
from pypedream.log.output import PASS_THROUGH


def state():
    root = logging.getLogger()
    return {
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "handlers": logging.Logger.callHandlers,
        "basicConfig": logging.basicConfig,
        "showwarning": warnings.showwarning,
        "start": threading.Thread.start,
        "submit": ThreadPoolExecutor.submit,
        "breakpointhook": sys.breakpointhook,
        "level": root.level,
        "root": list(root.handlers),
        "threads": threading.enumerate(),
        "filters": list(warnings.filters),
    }


def is_same(before, after):
    lists = ("root", "threads", "filters")
    return all(
        before[key] == after[key] if key in lists else before[key] is after[key] for key in before
    )


def test_everything_is_put_back(stages):
    """After a run the process is as it was, object by object; during it is not."""
    before = state()
    with capturing():
        during = state()
        stages.call(print, "text")
    after = state()

    changed = [key for key in before if before[key] is not during[key]]
    assert is_same(before, after)
    assert {"stdout", "stderr", "handlers", "showwarning", "start", "submit"} <= set(changed)


def test_everything_is_put_back_after_a_failure(stages):
    """A run that fails leaves nothing behind either, and Ctrl-C is no exception."""
    before = state()
    for error in (ValueError, KeyboardInterrupt, SystemExit, GeneratorExit):
        with pytest.raises(error, match="stop"), capturing():
            stages.call(raise_, error("stop"))

    assert is_same(before, state())


def raise_(error):
    raise error


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_overlapping_runs_end_in_any_order(order):
    """Three runs that overlap leave nothing behind, in whatever order they end."""
    before = state()
    runs = [capturing() for _ in range(3)]
    for run in runs:
        run.__enter__()
    for number in order:
        runs[number].__exit__(None, None, None)

    assert is_same(before, state())


def test_twenty_overlapping_runs_in_threads(stages):
    """Twenty runs in threads, each with prints, logs and warnings, leave nothing behind."""
    before = state()

    def run(number):
        stages.run(print, number, key=str(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert is_same(before, state())
    assert [stages.lines_of(str(number)) for number in range(20)] == [
        [str(number)] for number in range(20)
    ]


def test_nested_runs(stages, capsys):
    """A run within a stage of another: each print is the innermost stage's."""

    def outer():
        print("before")
        stages.run(print, "within", key="inner")
        print("after")

    stages.run(outer, key="outer")

    assert stages.lines_of("outer") == ["before", "after"]
    assert stages.lines_of("inner") == ["within"]
    assert capsys.readouterr().out == ""


def test_nothing_is_captured(stages, capsys):
    """With False nothing is changed at all."""
    before = state()
    with capturing(False):
        assert is_same(before, state())
        stages.call(print, "text")

    assert stages.lines() == []
    assert capsys.readouterr().out == "text\n"


def test_nothing_is_captured_beside_a_run_that_captures(stages, capsys):
    """An attempt whose output is `PASS_THROUGH` is not captured by another run's routers."""
    from contextvars import copy_context

    from pypedream.context import STAGE, Attempt

    attempt = Attempt(stages.log, "load")
    attempt.output = PASS_THROUGH

    def work():
        STAGE.set(attempt)
        print("text")
        logging.getLogger("x").error("logged")
        thread = threading.Thread(target=print, args=("thread",))
        thread.start()
        thread.join()

    with capturing():
        copy_context().run(work)

    assert stages.log.records == []
    assert capsys.readouterr().out == "text\nthread\n"


def test_importing_is_cheap(python):
    """Importing the module loads no part of the standard library that it patches."""
    result = python(
        "before = set(sys.modules)\n"
        "print(before & {'logging', 'concurrent.futures', 'structlog', 'pdb', 'asyncio'})"
    )

    assert result.stdout == "set()\n", result.stderr


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


@forks
def test_fork_in_a_stage(python, tmp_path):
    """A child's prints reach the plain console once; the parent's go to the log, once."""
    result = python(
        """
import logging
real = sys.stdout
def load():
    print("before")
    print("partial", end=" ")
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        assert sys.stdout is real
        print("child", STAGE.get())
        logging.getLogger("x").warning("child logs")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
    print("parent")
print("outside")
run(load)
"""
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout == "outside\npartial child None\nparent\n"
    assert result.stderr == "child logs\n"
    log = (tmp_path / "log.jsonl").read_text()
    assert log.count('"before"') == log.count('"partial parent"') == 1
    assert "child" not in log


@forks
def test_child_may_run_pipelines(python, tmp_path):
    """A child that forked off in a stage can capture its own stages."""
    result = python(
        """
def load():
    print("parent")
    if os.fork() == 0:
        mine = EventLog("run-2", sinks=[JsonLinesSink("child.jsonl")])
        globals()["log"] = mine
        run(inner)
        os._exit(0)
    os.wait()
def inner():
    print("inner")
run(load)
"""
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert '"parent"' in (tmp_path / "log.jsonl").read_text()
    assert '"inner"' in (tmp_path / "child.jsonl").read_text()
    assert "inner" not in (tmp_path / "log.jsonl").read_text()


@forks
def test_fork_storm(python, tmp_path):
    """A hundred forks while four threads print and log: nothing hangs, is lost or doubled."""
    result = python(
        """
import json, threading, logging
forks_done = threading.Event()
def shout(name):
    number = 0
    while not forks_done.wait(0.0005):
        print(name, number)
        if number % 10 == 0:
            logging.getLogger(name).warning("%s logs %d", name, number)
        number += 1
    counts[name] = number
counts = {}
def load():
    threads = [threading.Thread(target=shout, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for number in range(100):
        pid = os.fork()
        if pid == 0:
            print("child", number)
            sys.stdout.flush()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    forks_done.set()
    for thread in threads:
        thread.join()
run(load)
print(json.dumps(counts))
""",
        env={"PYTHONWARNINGS": "ignore"},
    )

    assert result.returncode == 0, result.stderr
    *children, counts = result.stdout.splitlines()
    assert sorted(children) == sorted(f"child {number}" for number in range(100))
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    texts = Counter(json.loads(line)["event"] for line in lines)
    expected = Counter(
        text
        for name, count in json.loads(counts).items()
        for number in range(count)
        for text in [f"{name} {number}"] + [f"{name} logs {number}"] * (number % 10 == 0)
    )
    assert texts == expected
