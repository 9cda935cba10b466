from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
