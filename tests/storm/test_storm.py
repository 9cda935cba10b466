"""A sample of the storm, each time; ``python -m tests.storm`` has all of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storm.shim import why_not

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes come off one")
compiled = pytest.mark.skipif(bool(why_not()), reason=why_not())


def storm(*arguments: str) -> dict[str, int]:
    """Do a part of the storm; return the counts of its table."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.storm", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        name: int(number) for name, number in re.findall(r"^  (.*?)  +(\d+)$", done.stdout, re.M)
    }


def test_thirty_kills() -> None:
    """Nothing that had finished is lost or called again, and the end is right."""
    counts = storm("kills", "--kills", "30", "--seed", "2")

    assert counts["kills"] >= 30
    assert counts["histories"] >= 3


def test_kills_while_blobs_are_written() -> None:
    """What is half written is never read."""
    assert storm("writes", "--writes", "8", "--seed", "3")["kills"] >= 8


@compiled
def test_kills_at_calls_of_the_system() -> None:
    """It does not matter which change of a file was the last one."""
    assert storm("points", "--share", "0.04", "--seed", "4")["disturbed"] >= 5


@compiled
def test_calls_that_fail() -> None:
    """A failing log stops nothing, a failing store is one line, and another process goes on."""
    counts = storm("faults", "--share", "0.03", "--seed", "5")

    assert counts["disturbed"] >= 15


def test_too_little_room() -> None:
    """Where a file may not grow, or a disk is full, one line says so; later it goes on."""
    counts = storm("full", "--full", "6", "--seed", "7")

    assert counts["limits for a file"] == 6
    assert counts["failed with one line"] >= 3


def test_damaged_files() -> None:
    """The values are right, or one line says what is damaged."""
    counts = storm("damage", "--damage", "6", "--seed", "6")

    assert counts["ended with the right values"] >= 10
    assert counts["ended with one line"] >= 1


def test_an_unknown_storm_is_refused() -> None:
    """The message names those that there are."""
    command = [sys.executable, "-m", "tests.storm", "kill"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "no storm 'kill'; there are: kills, writes, points" in done.stderr


linux = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="it asks /proc who is there"
)


@linux
def test_kills_of_worker_processes() -> None:
    """Exactly the jobs fail that a killed worker was at, and nothing hangs."""
    counts = storm("workers", "--workers", "8", "--seed", "6")

    assert counts["kills"] == 8
    assert counts["jobs"] >= 10


@linux
def test_kills_of_who_has_workers() -> None:
    """Busy workers and their children die with the process that made them."""
    counts = storm("parents", "--parents", "2", "--seed", "7")

    assert counts["processes that should die"] >= 6


@pytest.mark.parametrize("times", ["once", "twice"])
def test_control_c(times: str) -> None:
    """A run ends in good order wherever its stages are called, and leaves nobody behind."""
    counts = storm(times, "--stops", "3", "--seed", "8")

    assert [counts[f"{executor}: stopped"] for executor in ("serial", "threads")] == [1, 1]
