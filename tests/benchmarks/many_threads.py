"""Many runs with many threads or tasks that print at the same time, into one file: all arrives."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import Row, apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream import Pipeline
    from pypedream.engine.run import Run

RUNS, THREADS, TASKS = 50, 8, 200


def rows(*, quick: bool) -> Iterator[Row]:
    """Count wrong lines: mixed, lost, doubled, glued, out of order or of the wrong stage."""
    runs, prints = (8, 100) if quick else (RUNS, 1_000)
    for kind, make in (("stages in", stages_in_threads), ("own", threads_of_a_stage)):
        wrong = apart(wrong_lines, make, runs, THREADS, prints)
        figure = f"{runs} runs x {THREADS} {kind} threads x {prints:,} prints: wrong"
        yield Row(figure, "lines", [wrong], 0)
    runs, prints = (2, 10) if quick else (4, 100)
    wrong = apart(wrong_lines, tasks_of_a_stage, runs, TASKS, prints)
    yield Row(
        f"{runs} runs x {TASKS} asyncio tasks x {prints:,} prints: wrong", "lines", [wrong], 0
    )


def wrong_lines(make: Callable[[int, int], Pipeline], count: int, threads: int, prints: int) -> int:
    """Return how many lines are not what they should be, in memory, file and console."""
    from pypedream.log import JsonLinesSink

    real, sys.stdout = sys.stdout, io.StringIO()
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "all.jsonl"
            runs = run_together([make(run, prints) for run in range(count)], JsonLinesSink(path))
            written = [json.loads(line) for line in path.read_text("ascii").splitlines()]
        shown = sys.stdout.getvalue().splitlines()
    finally:
        sys.stdout = real
    in_file = [
        (one["run"], one["stage"], one["event"]) for one in written if one["kind"] == "print"
    ]
    in_memory = [
        (run.id, one.stage or "", one.event)
        for run in runs
        for one in run.events
        if one.kind == "print"
    ]
    on_console = [("", stage.strip(), text) for stage, _, text in map(_parts, shown)]
    asked = expected(runs, threads, prints)
    shown_as = [("", stage, text) for _, stage, text in asked]
    return _wrong(in_memory, asked) + _wrong(in_file, asked) + _wrong(on_console, shown_as)


def run_together(flows: list[Pipeline], sink: Any) -> list[Run]:
    """Run all of them at the same time, each in a thread, with one sink for all."""
    runs: list[Run] = []

    def run(flow: Pipeline) -> None:
        runs.append(flow.run(executor="threads", workers=THREADS, sinks=[sink]))

    threads = [Thread(target=run, args=(flow,)) for flow in flows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(runs, key=lambda run: int(run.pipeline))


def stages_in_threads(run: int, prints: int) -> Pipeline:
    """Return a pipeline whose stages print side by side in the executor's threads."""
    from pypedream import Pipeline

    flow = Pipeline(f"{run}")
    for thread in range(THREADS):
        flow.stage(_printer(run, thread, prints), name=f"stage{thread}")
    return flow


def threads_of_a_stage(run: int, prints: int) -> Pipeline:
    """Return a pipeline of one stage, which starts threads of its own that print."""
    from pypedream import Pipeline

    def start() -> None:
        threads = [Thread(target=_printer(run, thread, prints)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    flow = Pipeline(f"{run}")
    flow.stage(start, name="only")
    return flow


def tasks_of_a_stage(run: int, prints: int) -> Pipeline:
    """Return a pipeline of one async stage, whose tasks take turns at printing."""
    from asyncio import gather, sleep

    from pypedream import Pipeline

    async def say(task: int) -> None:
        for line in range(prints):
            print("run", run, "thread", task, "line", line)
            await sleep(0)

    async def start() -> None:
        await gather(*[say(task) for task in range(TASKS)])

    flow = Pipeline(f"{run}")
    flow.stage(start, name="only")
    return flow


def expected(runs: list[Run], threads: int, prints: int) -> list[tuple[str, str, str]]:
    """Return run, stage and text of every line, the lines of each thread in their order."""
    return [
        (run.id, "only" if len(run) == 1 else f"stage{thread}", _text(number, thread, line))
        for number, run in enumerate(runs)
        for thread in range(threads)
        for line in range(prints)
    ]


def _printer(run: int, thread: int, prints: int) -> Callable[[], None]:
    def print_lines() -> None:
        for line in range(prints):
            print("run", run, "thread", thread, "line", line)

    return print_lines


def _text(run: int, thread: int, line: int) -> str:
    return f"run {run} thread {thread} line {line}"


def _parts(line: str) -> tuple[str, str, str]:
    return line.partition(" | ")


def _wrong(found: list[tuple[str, str, str]], asked: list[tuple[str, str, str]]) -> int:
    """Count what is missing, too much, or within one thread not in order."""
    have, want = Counter(found), Counter(asked)
    amiss = sum((have - want).values()) + sum((want - have).values())
    return amiss or sum(
        one != other
        for one, other in zip(sorted(found, key=_thread), sorted(asked, key=_thread), strict=True)
    )


def _thread(line: tuple[str, str, str]) -> tuple[str, str, str]:
    """What the lines of one thread have in common; sorting by it keeps them in order."""
    run, stage, text = line
    return run, stage, text.rpartition(" line ")[0]
