"""Functions that worker processes find by their names."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from pypedream import context, logger


class OddInit(Exception):
    """An error whose ``__init__`` takes something else than it hands on."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row}: {reason}")
        self.row = row


class Holding(Exception):
    """An error that holds what cannot be pickled."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = Lock()
        self.path = "rows.csv"


def add(a: int, b: int = 0) -> int:
    return a + b


def pid() -> int:
    return os.getpid()


def fail(row: int) -> None:
    try:
        {}["rows"]
    except KeyError as error:
        raise OddInit(row, "empty") from error


def exit_with(code: int) -> None:
    os._exit(code)


def leave(code: int) -> None:
    sys.exit(code)


def kill_at(item: int, last: int) -> int:
    """End the process at the item *last*, after it said something."""
    print("item", item)
    if item == last:
        os.write(1, b"from below\nand no end")
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def crash() -> None:
    import faulthandler

    faulthandler._sigsegv()  # type: ignore[attr-defined]


def touch_and_wait(folder: str, name: str, how: str = "sleep") -> None:
    """Say by a file of that name who is at work, and never come back."""
    if how == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        say(folder, name, os.getpid(), child.pid)
        child.wait()
    if how == "forked":
        child_pid = os.fork()
        if child_pid == 0:
            time.sleep(1000)
        say(folder, name, os.getpid(), child_pid)
        time.sleep(1000)
    if how == "session":
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        say(folder, name, os.getpid(), child.pid)
        child.wait()
    say(folder, name, os.getpid())
    if how == "loop":
        while True:
            pass
    if how == "c":
        7 ** (10**9)
    time.sleep(1000)


def say(folder: str, name: str, *pids: int) -> None:
    draft = Path(folder) / f".{name}"
    draft.write_text(" ".join(map(str, pids)))
    draft.replace(Path(folder) / name)


def wait_for(folder: str, name: str) -> str:
    """Wait until somebody lets the stage go on."""
    print("waiting")
    os.write(1, b"waiting below\n")
    while not (Path(folder) / name).exists():
        time.sleep(0.005)
    return name


def mixed() -> None:
    """Print on every way there is, in turn."""
    print("one")
    subprocess.run(["sh", "-c", "echo two; echo three >&2"], check=True)
    print("four")
    os.system("echo five")
    logger.info("six")


def c_print(text: str) -> None:
    import ctypes

    libc = ctypes.CDLL(None)
    libc.printf(text.encode())


def c_flood(lines: int) -> None:
    """Print very much while the interpreter is held."""
    import ctypes

    libc = ctypes.PyDLL(None)
    for _ in range(lines):
        libc.puts(b"x" * 99)


def slow_c_print(item: int) -> int:
    c_print(f"item {item}\n")
    time.sleep(0.001)
    return item


def no_answer() -> str:
    return sys.stdin.read()


def report() -> dict[str, Any]:
    return {
        "folder": os.getcwd(),
        "variable": os.environ.get("PYPEDREAM_TEST"),
        "path": sys.path,
        "random": random.random(),
    }


def stray(folder: str) -> None:
    os.chdir(folder)
    os.environ["PYPEDREAM_TEST"] = "changed"


def double_in_place(array: Any) -> float:
    array *= 2
    return float(array.sum())


def zeros(size: int) -> Any:
    import numpy

    return {"array": numpy.zeros(size), "size": size}


def total(array: Any) -> float:
    return float(array[:10].sum())


def count_progress(last: int) -> None:
    for done in range(last + 1):
        context.progress(done, last)


def late() -> None:
    """Leave a thread behind that goes on printing."""

    def go_on() -> None:
        time.sleep(0.2)
        print("late")

    Thread(target=go_on).start()


def lock() -> Any:
    return Lock()


def unreadable() -> Any:
    return Unreadable()


class Unreadable:
    def __reduce__(self) -> Any:
        return _refuse, (os.getpid(),)


def _refuse(pid: int) -> Any:
    if os.getpid() != pid:
        raise ValueError("not here")
    return Unreadable()


def fork_and_return() -> int:
    if os.fork() == 0:
        return 1
    return 2


def endless_thread() -> None:
    Thread(target=time.sleep, args=(1000,)).start()


def read_parameters() -> tuple[Any, ...]:
    parameters = context.PARAMETERS.get()
    return parameters.rate, parameters["key"].reveal(), str(parameters["key"])


def replace_streams() -> None:
    sys.stdout = io.StringIO()


def warn() -> None:
    for _ in range(3):
        warnings.warn("careful", stacklevel=1)


def flood_and_die(lines: int) -> None:
    subprocess.run(["seq", str(lines)], check=True)
    os.kill(os.getpid(), signal.SIGKILL)


def begin_lines_and_die(how: str) -> None:
    print("whole")
    print("loading", 3, end="", flush=how == "flushed")
    print("careful", end="", file=sys.stderr, flush=how == "flushed")
    if how == "waiting":
        time.sleep(300)
    os.kill(os.getpid(), signal.SIGKILL)


def end_lines_and_die() -> None:
    for number in range(3):
        print("line", number, end="", flush=True)
        print()
    os.kill(os.getpid(), signal.SIGKILL)


def say_item(item: int) -> None:
    print("item", item)
    time.sleep(0.001)


def nested(a: int) -> Any:
    from pypedream.executors import Job, Kit, Processes

    with Processes(1) as pool:
        return pool.submit(Job(Kit(add, {"a": a, "b": 1}).pack())).result(20).values[0]


def nested_busy(folder: str) -> Any:
    from pypedream.executors import Job, Kit, Processes

    with Processes(1) as pool:
        given = {"folder": folder, "name": "inner", "how": "c"}
        return pool.submit(Job(Kit(touch_and_wait, given).pack())).result()
