from __future__ import annotations

import os
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path

import pytest

import pypedream
from pypedream.context import STAGE, Attempt
from pypedream.log.capture import capturing
from pypedream.log.event_log import EventLog

PRELUDE = """
import os, sys
from contextvars import copy_context
from pypedream.context import STAGE, Attempt
from pypedream.log.capture import capturing
from pypedream.log.event_log import EventLog
from pypedream.log.sinks import JsonLinesSink

log = EventLog("run-1", sinks=[JsonLinesSink("log.jsonl")])

def stage(function, key="load"):
    attempt = Attempt(log, key)
    context = copy_context()
    context.run(STAGE.set, attempt)
    try:
        return context.run(function)
    finally:
        if attempt.output is not None:
            attempt.output.close()

def run(*functions):
    with capturing():
        for function in functions:
            stage(function, function.__name__)
    log.close()
"""


class Stages:
    """Calls functions as stages of one run, with its real log."""

    def __init__(self):
        self.log = EventLog("run-1")

    def call(self, function, *args, key="load"):
        """Call *function* as an attempt, whether or not anything is captured."""
        attempt = Attempt(self.log, key)
        context = copy_context()
        context.run(STAGE.set, attempt)
        try:
            return context.run(function, *args)
        finally:
            if attempt.output is not None:
                attempt.output.close()

    def run(self, function, *args, key="load", mode=True):
        """Call *function* as the only stage of a run."""
        with capturing(mode):
            return self.call(function, *args, key=key)

    def records(self, *kinds):
        return [record for record in self.log.records if record[3] in kinds]

    def lines(self, stream=None):
        prints = self.records("print")
        return [record[5] for record in prints if stream in (None, record[6])]

    def lines_of(self, key):
        return [record[5] for record in self.records("print") if record[2].stage == key]


@pytest.fixture
def stages():
    return Stages()


@pytest.fixture
def script(tmp_path):
    """Write a program that can call its functions as stages; the log becomes ``log.jsonl``."""

    def write(body):
        path = tmp_path / "script.py"
        path.write_text(PRELUDE + body, encoding="utf-8")
        return path

    return write


@pytest.fixture
def python(script, tmp_path):
    """Run such a program and return what came of it."""

    def call(body, *, stdin="", env=None):
        return subprocess.run(
            [sys.executable, str(script(body))],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=environment(env),
            timeout=60,
            check=False,
        )

    return call


@pytest.fixture
def terminal(script, tmp_path):
    """Run such a program on a terminal, type *keys*, and return all that the terminal showed."""
    pty = pytest.importorskip("pty")

    def call(body, *keys):
        pid, descriptor = pty.fork()
        if pid == 0:
            os.chdir(tmp_path)
            os.execve(sys.executable, [sys.executable, str(script(body))], environment(None))
        shown = b""
        for key in keys:
            shown += read_until(descriptor, key[0].encode())
            os.write(descriptor, key[1].encode())
        shown += read_until(descriptor, None)
        os.waitpid(pid, 0)
        os.close(descriptor)
        return shown.decode().replace("\r\n", "\n")

    return call


def read_until(descriptor, end):
    import select
    import time

    read, until = b"", time.monotonic() + 30
    while end is None or end not in read:
        assert time.monotonic() < until, f"waited for {end!r}, got {read!r}"
        if not select.select([descriptor], [], [], 0.2)[0]:
            continue
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # Linux's way to say that the other end is closed
            part = b""
        if not part:
            assert end is None, f"waited for {end!r}, got {read!r}"
            break
        read += part
    return read


def environment(extra):
    package = str(Path(pypedream.__file__).parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **(extra or {})}
