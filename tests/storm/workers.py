"""Kills of worker processes, and of the process that made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import Future, wait
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from pypedream.errors import StageKilled
from pypedream.executors import Job, Kit, Processes
from tests.executors.alive import appeared, is_alive

WORKERS = 3
PATIENCE_S = 60
DEAD_WITHIN_S = 2.0
BUSY = ("sleep", "loop", "c", "child", "forked")

PARENT = """
import sys
from pypedream.executors import Job, Kit, Processes
from tests.executors.stages import touch_and_wait

folder, *hows = sys.argv[1:]
pool = Processes(len(hows))
futures = [
    pool.submit(Job(Kit(touch_and_wait, {"folder": folder, "name": how, "how": how}).pack()))
    for how in hows
]
for future in futures:
    future.result()
"""


def work(number: int, pause_s: float, diary: str) -> tuple[int, int]:
    """Write down who is at it, and take some time."""
    note(diary, f"begin {number} {os.getpid()}")
    sleep(pause_s)
    note(diary, f"end {number} {os.getpid()}")
    return number, number**2


def note(diary: str, line: str) -> None:
    fd = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, f"{line}\n".encode())
    os.close(fd)


def kill_workers(kills: int, seed: int) -> Counter[str]:
    """Kill workers of one pool at any time, also idle ones and such that just come up."""
    counts = Counter[str]()
    with TemporaryDirectory(prefix="storm-") as folder, Processes(WORKERS) as pool:
        diary = str(Path(folder, "diary"))
        Path(diary).touch()
        killer = _Killer(kills, seed)
        futures: dict[int, Future[Any]] = {}
        chance = Random(seed + 1)
        kit = Kit(work, {"diary": diary}, ("number", "pause_s")).pack()
        killer.start()
        while killer.is_alive():
            number = len(futures)
            job = Job(kit, [number], [(number, chance.choice((0, 0.002, 0.02)))])
            futures[number] = pool.submit(job)
            if number % 10 == 9:  # workers are idle now and then
                wait(futures.values(), PATIENCE_S)
        killer.join()
        _, hanging = wait(futures.values(), PATIENCE_S)
        counts += Counter({"kills": len(killer.killed), "jobs": len(futures)})
        counts["hangs"] = len(hanging)
        _count(counts, futures, killer.killed, Path(diary).read_text().splitlines())
        if hanging:
            pool.shutdown(wait=False)
    return counts


def _count(
    counts: Counter[str], futures: dict[int, Future[Any]], killed: set[int], diary: list[str]
) -> None:
    """Count the jobs that were lost, and those that should not have been."""
    begun_by: dict[int, set[int]] = {}
    for line in diary:
        what, number, pid = line.split()
        if what == "begin":
            begun_by.setdefault(int(number), set()).add(int(pid))
    blamed = Counter[int]()
    for number, future in futures.items():
        if not future.done():
            continue
        error = future.exception()
        if error is None:
            counts["wrong values"] += future.result().values != [(number, number**2)]
            counts["calls made twice"] += len(begun_by[number]) > 1
            continue
        counts["jobs lost"] += 1
        owners = begun_by.get(number, set())
        is_right = isinstance(error, StageKilled) and error.signal == signal.SIGKILL
        # A job may be lost before its first line, but not to a worker that nobody killed.
        if not is_right or not owners <= killed:
            counts["innocent failures"] += 1
        blamed.update(owners)
    counts["innocent failures"] += sum(1 for times in blamed.values() if times > 1)


class _Killer(Thread):
    """Kills one of this process's children after the other."""

    def __init__(self, kills: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.killed: set[int] = set()
        self._kills = kills
        self._chance = Random(seed)
        self._pause = Event()

    def run(self) -> None:
        while len(self.killed) < self._kills:
            self._pause.wait(self._chance.random() * 0.6)
            alive = [pid for pid in _children() if pid not in self.killed]
            if alive:
                victim = self._chance.choice(alive)
                os.kill(victim, signal.SIGKILL)
                self.killed.add(victim)


def _children() -> list[int]:
    pids = []
    for tasks in Path("/proc/self/task").glob("*/children"):
        try:
            pids += list(map(int, tasks.read_text().split()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [pid for pid in pids if is_alive(pid)]


def kill_parents(kills: int, seed: int) -> Counter[str]:
    """Kill processes whose workers are busy, and see that these are gone as well."""
    counts, chance = Counter[str](), Random(seed)
    for _ in range(kills):
        with TemporaryDirectory(prefix="storm-") as folder:
            hows = chance.sample(BUSY, WORKERS)
            with subprocess.Popen([sys.executable, "-c", PARENT, folder, *hows]) as parent:
                pids = [pid for how in hows for pid in appeared(Path(folder, how))]
                parent.kill()
            counts["parents killed"] += 1
            counts["processes that should die"] += len(pids)
            left = _left(pids)
            counts["processes left"] += len(left)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
    return counts


def _left(pids: list[int]) -> list[int]:
    end = monotonic() + DEAD_WITHIN_S
    while (alive := list(filter(is_alive, pids))) and monotonic() < end:
        sleep(0.002)
    return alive
