from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.benchmarks.__main__ import lines
from tests.benchmarks.measure import Row, of_peer

ROOT = Path(__file__).parents[2]
COUNTED = frozenset(["file descriptors", "handlers", "lines", "modules", "threads"])


def benchmarks(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks as a user does."""
    command = [sys.executable, "-m", "tests.benchmarks", *args]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Run all of them once, as quickly as they can."""
    path = tmp_path_factory.mktemp("benchmarks") / "rows.json"
    done = benchmarks("--quick", "--json", str(path))
    assert done.returncode == 0, done.stderr
    rows: dict[str, list[dict[str, Any]]] = json.loads(path.read_text("utf-8"))
    return rows


@pytest.mark.parametrize(
    "name, count",
    [
        ("chain", 7),
        ("fan-out", 1),
        ("prints", 2),
        ("files", 2),
        ("imports", 2),
        ("identities", 3),
        ("threads", 3),
        ("runs", 3),
        ("store", 2),
        ("reuse", 4),
        ("maps", 7),
        ("exports", 2),
        ("tabular", 3),
        ("table-steps", 7),
        ("steps", 8),
        ("ingest", 5),
    ],
)
def test_a_benchmark_gives_its_rows(
    found: dict[str, list[dict[str, Any]]], name: str, count: int
) -> None:
    """Each benchmark has at least the rows that every system can give, all with numbers."""
    rows = found[name]

    assert len(rows) >= count
    assert all(row["samples"] > 0 and row["min"] <= row["median"] for row in rows)


def test_what_is_counted_is_what_is_asked(found: dict[str, list[dict[str, Any]]]) -> None:
    """No line is lost, doubled or mixed, nothing heavy is imported, and runs leave nothing."""
    counted = [row for rows in found.values() for row in rows if row["unit"] in COUNTED]

    assert len(counted) >= 6
    assert [row["figure"] for row in counted if row["median"] > row["asked"]] == []


def test_an_unknown_benchmark_is_refused() -> None:
    """The message names those that there are."""
    done = benchmarks("fanout")

    assert done.returncode == 2
    assert "no benchmark 'fanout'; there are: chain, fan-out" in done.stderr


def is_over(pid: str) -> bool:
    """Say whether a process has ended within some seconds, though nobody has asked how."""
    for _ in range(100):
        command = ["ps", "-o", "stat=", "-p", pid]
        state = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        if not state.strip() or state.startswith("Z"):
            return True
        sleep(0.1)
    return False


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
def test_a_peer_that_does_not_end_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nor do processes that it has started, whatever they think of being ended."""
    script = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 1; done"

    ratios = of_peer(subprocess.run, ["sh", "-c", script], limit_s=5)

    row = Row("one", "calls", [2.0], 3.0, {"slow": ratios, "quick": of_peer(list, (4.0, 5.0))})
    first, slow, quick = lines(row)
    assert (ratios, row.as_dict()["peers"]) == ([], {"slow": None, "quick": 4.5})
    assert first.split() == ["one", "2", "2", "<=", "3", "calls"]
    assert slow.split() == ["slow", "did", "not", "end"]
    assert quick.split() == ["quick", "4.50", "4"]
    assert is_over((tmp_path / "pid").read_text("utf-8").strip())


def test_a_figure_beside_a_peer_that_did_not_end_has_no_number() -> None:
    """And so it misses nothing."""
    row = Row("ours", "x theirs", [], 0.4)

    assert (row.as_dict()["median"], row.as_dict()["min"]) == (None, None)
    assert lines(row)[0].split() == ["ours", "did", "not", "end", "<=", "0.40", "x", "theirs"]
