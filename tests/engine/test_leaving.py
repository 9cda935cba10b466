"""A run that is left: by Ctrl-C once or twice, or cancelled, with stages in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("cloudpickle")  # the stages are lambdas of a script

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX")

WAIT_S = 60

SCRIPT = """
    import os, subprocess, sys, time
    from pypedream import Pipeline

    flow = Pipeline("left", executor="processes", workers=2)

    def busy(place):
        child = subprocess.Popen(["sleep", "300"])
        with open(f"{place}.new", "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
        os.rename(f"{place}.new", place)
        while not os.path.exists("end"):
            time.sleep(0.01)
        child.kill()
        child.wait()
        return "ended"

    flow.stage(lambda: busy("one"), name="one")
    flow.stage(lambda: busy("two"), name="two")
    flow.stage(lambda one, two: 1, name="after")
    flow.stage(lambda: [1, 2, 3], name="numbers")

    if __name__ == "__main__":
        try:
            {call}
        except BaseException as error:
            stages = flow.last_run.stages
            print(type(error).__name__, flow.last_run.state, *(
                f"{key}={stages[key].state}" for key in ("one", "two", "after")
            ), flush=True)
"""


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Left:
    """A process with a run whose two stages are busy in processes of their own."""

    def __init__(self, folder: Path, call: str = "flow.run()") -> None:
        self.folder = folder
        lines = textwrap.indent(textwrap.dedent(call), " " * 8).lstrip()
        script = textwrap.dedent(SCRIPT).replace("{call}", lines)
        (folder / "flow.py").write_text(script)
        self.process = subprocess.Popen(
            [sys.executable, "flow.py"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.pids = [pid for name in ("one", "two") for pid in self._read(name)]

    def _read(self, name: str) -> list[int]:
        path, until = self.folder / name, time.monotonic() + WAIT_S
        while not path.exists():
            assert time.monotonic() < until, self.kill()
            time.sleep(0.01)
        return [int(pid) for pid in path.read_text().split()]

    def kill(self) -> tuple[str, str]:
        self.process.kill()
        return self.process.communicate()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def wait_until_heard(self) -> None:
        """Wait until the run says that it was interrupted."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "interrupted: waiting up to 10 s" in line:
                return
        raise AssertionError(self.kill())

    def end(self) -> list[str]:
        out, _ = self.process.communicate(timeout=WAIT_S)
        return out.splitlines()

    def survivors(self) -> list[int]:
        until = time.monotonic() + 5
        while any(map(_is_alive, self.pids)) and time.monotonic() < until:
            time.sleep(0.01)
        return [pid for pid in self.pids if _is_alive(pid)]


@pytest.fixture
def leave(tmp_path) -> Iterator[Callable[..., Left]]:
    """Give what starts a run to leave; no process outlives its test."""
    started = []

    def start(*call: str) -> Left:
        started.append(Left(tmp_path, *call))
        return started[-1]

    yield start
    for left in started:
        if left.process.poll() is None:
            left.kill()


def test_after_one_interrupt_stages_in_processes_may_end(tmp_path, leave):
    """What runs comes to its end within its grace, and nothing new is begun."""
    left = leave()

    left.interrupt()
    left.wait_until_heard()
    (tmp_path / "end").touch()

    assert left.end()[-1] == "KeyboardInterrupt interrupted one=ok two=ok after=pending"
    assert left.survivors() == []


def test_two_interrupts_leave_at_once(leave):
    """Within a second or two all is over, and no process is left, also none of their children."""
    left = leave()

    left.interrupt()
    left.wait_until_heard()
    left.interrupt()
    begun = time.monotonic()
    last = left.end()[-1]

    assert time.monotonic() - begun < 5  # 1 s, on a machine that does nothing else
    assert last == "KeyboardInterrupt interrupted one=interrupted two=interrupted after=pending"
    assert left.survivors() == []


def test_a_cancelled_run_ends_processes_after_its_grace(leave):
    """They and their children are killed; nobody waits for them."""
    call = """
        handle = flow.start()
        while not (os.path.exists("one") and os.path.exists("two")):
            time.sleep(0.01)
        handle.cancel(grace_s=0.05)
        handle.wait()
    """
    left = leave(call)

    assert left.end()[-1] == "RunCancelled cancelled one=cancelled two=cancelled after=pending"
    assert left.survivors() == []


def test_a_pool_of_the_users_outlives_a_cancelled_run(leave):
    """What the run had in it is ended, and the pool can be used again."""
    call = """
        from pypedream.executors import Processes

        with Processes(2) as pool:
            handle = flow.start(executor=pool)
            while not (os.path.exists("one") and os.path.exists("two")):
                time.sleep(0.01)
            handle.cancel(grace_s=0.05)
            try:
                handle.wait()
            except Exception as error:
                print(type(error).__name__, flow.last_run.state, flush=True)
            print(flow.run(only="numbers", executor=pool)["numbers"], flush=True)
    """
    left = leave(call)

    assert left.end()[-2:] == ["RunCancelled cancelled", "[1, 2, 3]"]
    assert left.survivors() == []


def test_a_paused_run_can_be_interrupted(tmp_path, leave):
    """Ctrl-C ends it like any other."""
    call = """
        import threading

        def pause():
            while not (os.path.exists("one") and os.path.exists("two")):
                time.sleep(0.01)
            flow.last_run.pause()

        threading.Thread(target=pause).start()
        flow.run()
    """
    left = leave(call)
    assert left.process.stdout is not None
    assert "paused: " in left.process.stdout.readline()
    (tmp_path / "end").touch()

    left.interrupt()

    assert left.end()[-1].startswith("KeyboardInterrupt interrupted")
    assert left.survivors() == []
