"""Of all runs that want the same result at one time, one computes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from time import monotonic, sleep

import pytest

from pypedream import Pipeline

FLOW = """
import asyncio, os, sys, time
from pathlib import Path
from pypedream import Parameters, Pipeline

def slow_s():
    return float(os.environ.get("SLOW_S", "0.5"))

def called(name):
    file = os.open("calls.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{name} {os.getpid()}\\n".encode())
    os.close(file)

def slow():
    called("slow")
    time.sleep(slow_s())
    return os.getpid()

async def slow_async():
    called("slow")
    await asyncio.sleep(slow_s())
    return os.getpid()

async def other():
    called("other")
    return 1

def flow(kind="slow"):
    made = Pipeline("one", workspace="w", progress=False)
    made.stage({"slow": slow, "async": slow_async}[kind], name="slow")
    made.stage(lambda slow: slow, name="after")
    made.stage(other, name="other", cache="off")
    return made
"""
KINDS = ["slow", "async"]


@pytest.fixture
def start(tmp_path):
    """Start code in a process of its own; it says "ready" and begins when it gets a line."""
    (tmp_path / "one.py").write_text(FLOW)
    started = []

    def start(kind, **environment):
        code = f"""
        from one import flow
        made = flow("{kind}")
        print("ready", flush=True)
        input()
        print(made.run(cache="cached")["after"])
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def calls(folder, name="slow"):
    try:
        lines = (folder / "calls.txt").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [int(line.split()[1]) for line in lines if line.startswith(f"{name} ")]


def begin(processes):
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def wait_for(condition):
    until = monotonic() + 60
    while not condition():
        assert monotonic() < until
        sleep(0.005)


@pytest.mark.parametrize("kind", KINDS)
def test_eight_processes_compute_once(tmp_path, start, kind):
    """All of them get the value of the one, on a workspace that was not there."""
    processes = [start(kind) for _ in range(8)]

    begin(processes)
    said = [process.communicate(timeout=60) for process in processes]

    assert [wrong for _, wrong in said if wrong] == []
    (owner,) = calls(tmp_path)
    assert {value for value, _ in said} == {f"{owner}\n"}


@pytest.mark.parametrize("kind", KINDS)
def test_eight_threads_compute_once(tmp_path, monkeypatch, kind):
    """A thread is no better than a process: whoever comes second waits."""
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(FLOW, names)
    together = Barrier(8)

    def run(_):
        together.wait()
        return names["flow"](kind).run(cache="cached")["after"]

    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(run, range(8)))

    assert values == [os.getpid()] * 8
    assert len(calls(tmp_path)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_owner_is_replaced(tmp_path, start, kind):
    """Long before its lease ends: who waits sees that the process is gone."""
    owner = start(kind, SLOW_S="100")
    begin([owner])
    wait_for(lambda: calls(tmp_path))
    waiters = [start(kind, SLOW_S="0.1") for _ in range(3)]
    begin(waiters)
    if kind == "async":  # then others go on while it waits
        wait_for(lambda: len(calls(tmp_path, "other")) == 4)
    sleep(0.5)
    assert calls(tmp_path) == [owner.pid]

    owner.send_signal(signal.SIGKILL)
    killed = monotonic()
    wait_for(lambda: len(calls(tmp_path)) == 2)
    took = monotonic() - killed

    said = [process.communicate(timeout=60) for process in waiters]
    assert [wrong for _, wrong in said if wrong] == []
    first, second = calls(tmp_path)
    assert {value for value, _ in said} == {f"{second}\n"}
    assert first == owner.pid
    assert took < 10


@pytest.mark.parametrize("kind", ["slow", "async"])
def test_who_waits_for_another_run_says_so(tmp_path, kind):
    """Once, and as a line of the stage that is not called."""
    is_called, may_end = Event(), Event()

    def slow():
        is_called.set()
        assert may_end.wait(60)
        return 1

    async def slow_async():
        return slow()

    def flow(**options):
        made = Pipeline("one", workspace=tmp_path, cache="cached", progress=False, **options)
        made.stage(slow if kind == "slow" else slow_async, name="slow", version="1")
        return made

    def hear(event):
        if "another run is at work on this" in str(event.event):
            heard.append(event.stage)
            may_end.set()

    heard = []
    with ThreadPoolExecutor() as threads:
        first = threads.submit(flow().run)
        assert is_called.wait(60)
        second = threads.submit(flow(sinks=[hear]).run)

        assert [first.result(60).stages["slow"].state, second.result(60).stages["slow"].state] == [
            "ok",
            "reused",
        ]
    assert heard == ["slow"]
