"""Imports: what a fresh interpreter pays before the first line of the user's own code."""

from __future__ import annotations

import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.benchmarks import peers
from tests.benchmarks.measure import Row, is_installed, of_peer, paired

if TYPE_CHECKING:
    from collections.abc import Iterator

BARE = "pass"
PLAIN = "import pypedream"
DEFINING = "from pypedream import Parameters, Pipeline"
RUNNING = f"{DEFINING}; flow = Pipeline('one'); flow.stage(lambda: 1, name='one'); flow.run()"
HEAVY = (
    "IPython",
    "asyncio",
    "click",
    "fsspec",
    "multiprocessing",
    "pandas",
    "polars",
    "pydantic",
    "sqlite3",
    "structlog",
)


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure imports in fresh processes, and count the heavy modules that they load."""
    samples = 1 if quick else 15
    if hasattr(os, "wait4"):  # not on Windows, where nothing tells the CPU time of one child
        yield _row(PLAIN, samples, 10, {} if quick else _peers(samples))
        yield _row(DEFINING, samples, 10)
        yield _row("a first run, with its imports", samples, code=RUNNING)
    for code in (PLAIN, DEFINING):
        yield Row(f"{code}: heavy", "modules", [len(heavy_modules(code))], 0)


def started(code: str, bytecode: str) -> float:
    """Return the CPU seconds of an interpreter that runs *code* and ends.

    Parameters
    ----------
    bytecode
        Folder for what is compiled. It is written whatever the environment says: an installed
        package is compiled once, and not by each interpreter.
    """
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **kept})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def heavy_modules(code: str) -> list[str]:
    """Return which of the heavy modules are loaded after *code*."""
    listing = f"{code}; import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    command = [sys.executable, "-c", listing]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _row(
    figure: str,
    samples: int,
    asked: float | None = None,
    beside: dict[str, list[float]] | None = None,
    *,
    code: str = "",
) -> Row:
    ratios = _ratios(code or figure, samples)
    return Row(figure, "x a bare interpreter", ratios, asked, beside or {})


def _ratios(code: str, samples: int) -> list[float]:
    with TemporaryDirectory() as folder:
        started(code, folder)  # compiles everything
        return paired(lambda: started(code, folder), lambda: started(BARE, folder), samples)


def _peers(samples: int) -> dict[str, list[float]]:
    modules = {"structlog": "structlog", **peers.MODULES}
    return {
        name: of_peer(_ratios, f"import {module}", samples // 3)
        for name, module in modules.items()
        if is_installed(module)
    }
