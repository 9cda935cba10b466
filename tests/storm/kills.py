"""Kills at any time, and at moments of writing; then another process goes on."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from glob import glob
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

from tests.storm.lives import History
from tests.storm.work import calls_in

HISTORIES = (
    ("serial", "resume"),
    ("threads", "resume"),
    ("serial", "cached"),
    ("threads", "cached"),
)
Stop = Callable[[int], object]


def storm(kills: int, seed: int, *, is_aimed: bool = False) -> Counter[str]:
    """Kill processes until there were so many kills; count what went wrong.

    Parameters
    ----------
    is_aimed
        Kill while a blob is being written, not at any time.
    """
    chance, counts, number = Random(seed), Counter[str](), 0
    with TemporaryDirectory(prefix="storm-") as name:
        values, took = undisturbed(Path(name, "undisturbed"))
        while counts["kills"] < kills:
            executor, mode = HISTORIES[number % len(HISTORIES)]
            history = History(Path(name, str(number)), executor, mode)
            history.folder.mkdir()
            number += 1
            _until_it_ends(history, chance, took, is_aimed=is_aimed)
            _count(history, counts, values)
    return counts


def undisturbed(folder: Path) -> tuple[dict[str, str], float]:
    """Return what the pipeline gives when nobody kills it, and how long a process takes."""
    took = 0.0
    for number in range(2):  # the first one imports, and others come off it
        history = History(folder / str(number))
        history.folder.mkdir(parents=True)
        if number == 0:
            history._work(None)
        else:
            begun = perf_counter()
            life = history.live()
            took = perf_counter() - begun
    values: dict[str, str] = life.said["values"]
    assert history.violations == []
    return values, took


def _until_it_ends(history: History, chance: Random, took: float, *, is_aimed: bool) -> None:
    most = chance.randint(1, 12)
    for _ in range(most):
        stop = at_a_write(history.workspace, chance) if is_aimed else at_any_time(chance, took)
        if not history.live(stop).killed:
            return
    history.live()


def _count(history: History, counts: Counter[str], values: dict[str, str]) -> None:
    counts["histories"] += 1
    counts["kills"] += sum(life.killed for life in history.lives)
    counts["stages called"] += sum(len(life.calls) for life in history.lives)
    last = history.lives[-1]
    if last.said.get("values") != values:
        what = last.said.get("trace") or "other values"
        history.violations.append(("wrong ends", f"{history.folder.name}: {what}"))
    for path in history.workspace.glob("store/staging/*"):
        history.violations.append(("files left by dead processes", path.name))
    for what, detail in history.violations:
        counts[what] += 1
        print(f"{what}: {history.executor}, {history.mode}: {detail}")


def at_any_time(chance: Random, took: float) -> Stop:
    """Kill within the time that a run takes, early ones as often as late ones."""

    def stop(pid: int) -> None:
        sleep(took * chance.random() ** 2)
        _kill(pid)

    return stop


def at_a_write(workspace: Path, chance: Random) -> Stop:
    """Kill within a moment after one of the next files of content was begun."""

    def stop(pid: int) -> None:
        before, left = set(_staged(workspace)), chance.randint(1, 5)
        while left and _is_running(pid):
            now = set(_staged(workspace))
            left -= bool(now - before)
            before = now
        sleep(0.01 * chance.random() ** 2)
        _kill(pid)

    return stop


def at_stage(folder: Path, name: str) -> Stop:
    """Kill as soon as a stage has been called."""

    def stop(pid: int) -> None:
        while _is_running(pid) and name not in (called for called, _ in calls_in(folder)):
            sleep(0.0005)
        _kill(pid)

    return stop


def _staged(workspace: Path) -> list[str]:
    return glob(f"{workspace}/store/staging/*/*")


def _is_running(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)  # it is waited for later, so the number is still its own
