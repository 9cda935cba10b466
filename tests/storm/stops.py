"""Ctrl-C at any time, once and twice: the run ends in good order, and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import cycle
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

from attrs import define

FILE = Path(__file__).with_name("stoppable.py")
ROOT = Path(__file__).parents[2]
MARK = "PYPEDREAM_STORM"
EXECUTORS = ("serial", "threads", "processes")
# A process in the background ignores Ctrl-C, and so do those that it starts.
AS_IN_A_TERMINAL = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("pypedream", run_name="__main__", alter_sys=True)
"""
GRACE_S, TWICE_S = 10.0, 1.0
SLACK_S = 1.5
"""An interpreter takes a while to end, and this machine may be busy."""
LONG_S = 60.0
LONGEST_S = 90.0
INTERRUPTED = (130, -signal.SIGINT)
"""The second is Python's own, when Ctrl-C comes as it ends; a shell makes 130 of it."""


@define
class Stopped:
    """What became of one run that was told to stop.

    Attributes
    ----------
    took_s
        Seconds from the last Ctrl-C to the end.
    left
        Processes that it started and that were still there a second later.
    """

    code: int
    took_s: float
    left: int
    said: str


def storm(times: int, seed: int, *, is_twice: bool) -> Counter[str]:
    """Stop as many runs, of each executor in turn; return what was done and what was wrong."""
    random, counts = Random(seed), Counter[str]()
    for number, executor in zip(range(times), cycle(EXECUTORS), strict=False):
        with TemporaryDirectory() as folder:
            stopped = stop(executor, Path(folder), random, is_twice=is_twice)
            counts[f"{executor}: stopped"] += 1
            counts["was done already"] += stopped.code == 0
            limit = (TWICE_S if is_twice else GRACE_S) + SLACK_S
            counts["ends that took too long"] += stopped.took_s > limit
            counts["processes left"] += stopped.left
            is_wrong = stopped.code not in (0, *INTERRUPTED)
            counts["wrong exit codes"] += is_wrong
            if is_wrong or stopped.took_s > limit:
                print(executor, stopped.code, f"{stopped.took_s:.2f} s", stopped.said[-500:])
            if not number % 5 and stopped.code in INTERRUPTED:
                counts["resumed"] += 1
                counts["runs that could not be resumed"] += not resumes(Path(folder))
    return counts


def stop(executor: str, folder: Path, random: Random, *, is_twice: bool) -> Stopped:
    """Run the pipeline and press Ctrl-C once or twice, at a random time."""
    mark = f"{os.getpid()}-{random.random()}"
    # Twice is pressed because something lasts too long.
    lasts_s = LONG_S if is_twice else 0.15
    process = subprocess.Popen(
        [*command("run", folder, executor), "-p", f"lasts_s={lasts_s}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    sleep(random.uniform(0, 0.5 if executor == "serial" else 0.25))
    press(process)
    if is_twice:
        sleep(random.uniform(0, random.choice((0.02, 0.5))))  # often before Python has heard it
        while is_under_way(process.pid):
            sleep(0.001)
        press(process)
    start = monotonic()
    try:
        said, _ = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
    took_s = monotonic() - start
    return Stopped(process.returncode, took_s, left_behind(mark), first + said)


def press(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C: a terminal sends it to all of a group."""
    try:
        os.killpg(process.pid, signal.SIGINT)
    except ProcessLookupError:  # it was faster
        return


def is_under_way(pid: int) -> bool:
    """Say whether the system has still to hand over SIGINT: it makes one of that and another."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended, or nobody can say
        return False
    lines = [line.split() for line in status.splitlines()]
    waiting = [int(line[1], 16) for line in lines if line[0] in ("SigPnd:", "ShdPnd:")]
    return any(signals >> (signal.SIGINT - 1) & 1 for signals in waiting)


def left_behind(mark: str) -> int:
    """Return how many processes bear *mark* that do not end within a second; end them."""
    end = monotonic() + 1.0
    while (found := marked(mark)) and monotonic() < end:
        sleep(0.05)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return len(found)


def marked(mark: str) -> list[int]:
    """Return the living processes with *mark* in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it has ended meanwhile, or is another user's
            continue
        if f"{MARK}={mark}".encode() in environment and state not in "ZX":
            found.append(int(entry.name))
    return found


def resumes(folder: Path) -> bool:
    """Say whether the interrupted run comes to its right end in another process."""
    # What lasted too long is no part of the record: it is given again.
    done = subprocess.run(
        [*command("resume", folder, "threads"), "-p", "lasts_s=0.01", "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        return False
    found: dict[str, Any] = json.loads(done.stdout)
    return bool(found["state"] == "ok")


def command(name: str, folder: Path, executor: str) -> list[str]:
    """Return a command for the pipeline, with a workspace of its own."""
    options = ["--executor", executor, "--workers", "3", "--workspace", str(folder)]
    return [sys.executable, "-c", AS_IN_A_TERMINAL, name, str(FILE), *options]
