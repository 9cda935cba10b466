"""Very many runs in one process: nothing grows."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import weakref
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Row, apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream import Pipeline

WARM_UP = 500
THREADED = 10
MEGABYTE = 1024 * 1024


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure what is left behind by runs of three stages that print a line each."""
    runs, warm_up = (300, 100) if quick else (10_000, WARM_UP)
    grown = apart(growth, runs, warm_up)
    for name, (more, asked) in grown.items():
        yield Row(f"{runs:,} runs in one process: growth of {name}", name, [more], asked)
    yield apart(kept_by_cycles, 10)


def growth(runs: int, warm_up: int) -> dict[str, tuple[float, float]]:
    """Return by how much each resource grew after the warm-up, and by how much it may."""
    from pypedream.log import JsonLinesSink

    flow = three_stages()
    real = sys.stdout
    with TemporaryDirectory() as folder, open(os.devnull, "w", encoding="utf-8") as sys.stdout:
        sink = JsonLinesSink(Path(folder) / "all.jsonl")

        def run(number: int) -> None:
            executor = "serial" if number % THREADED else "threads"
            assert len(flow.run(executor=executor, workers=2, sinks=[sink])) == len(flow.stages)

        for number in range(warm_up):
            run(number)
        before = taken()
        for number in range(runs):
            run(number)
        after = taken()
        sys.stdout.flush()
    sys.stdout = real
    allowed = {"MB of memory": 5.0}
    return {name: (after[name] - before[name], allowed.get(name, 0.0)) for name in before}


def three_stages() -> Pipeline:
    """Return a pipeline of three stages that print."""
    from pypedream import Pipeline

    flow = Pipeline("three")

    @flow.stage
    def load() -> int:
        print("loading")
        return 1

    @flow.stage
    def clean(load: int) -> int:
        print("cleaning", load)
        return load + 1

    @flow.stage
    def report(clean: int) -> str:
        print("reporting", clean)
        return f"{clean} rows"

    return flow


def taken() -> dict[str, float]:
    """Return what this process holds; only what the system can tell."""
    gc.collect()
    found: dict[str, float] = {
        "threads": threading.active_count(),
        "handlers": _handlers(),
    }
    if Path("/proc/self/fd").is_dir():
        found["file descriptors"] = len(os.listdir("/proc/self/fd"))
    if Path("/proc/self/statm").is_file():
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        found["MB of memory"] = pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    return found


def kept_by_cycles(runs: int) -> Row:
    """Count logs that are still in memory when the last reference to their run is gone."""
    flow = three_stages()
    gc.disable()
    try:
        logs = [_let_go(flow) for _ in range(runs)]
        kept = sum(log() is not None for log in logs)
    finally:
        gc.enable()
    return Row(f"{runs} runs let go: kept until a collection", "runs", [kept])


def _let_go(flow: Pipeline) -> Callable[[], object]:
    run = flow.run(progress=False)
    flow.last_run = None
    return weakref.ref(run._execution.log)


def _handlers() -> int:
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    return sum(len(logger.handlers) for logger in loggers)
