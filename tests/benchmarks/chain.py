"""A chain: every stage takes the value of the one before and returns it."""

from __future__ import annotations

from functools import partial
from itertools import count as numbers
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.benchmarks import peers
from tests.benchmarks.measure import PROCESSES, Row, apart, cpu_s, in_calls, paired, pooled
from tests.benchmarks.stages import chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pypedream import Pipeline
    from pypedream.engine.run import Run
    from tests.benchmarks.stages import Stages

CALLS = "calls a stage"
SHORT, LONG, LONGEST = 1_000, 10_000, 100_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure building and running chains of several lengths."""
    samples, processes = (3, 1) if quick else (31, PROCESSES)
    beside = {} if quick else peers.chain(SHORT)
    yield from pooled(short_chain, processes, samples, beside)
    yield from pooled(annotated_chain, processes, samples)
    yield from pooled(long_chain, processes, LONG // (5 if quick else 1), 1 if quick else 5)
    yield from apart(longest_chain, LONGEST // (20 if quick else 1))


def short_chain(samples: int, beside: dict[str, dict[str, list[float]]]) -> list[Row]:
    """Measure 1,000 stages, on their own and with everything written as it happens."""
    stages, of = chain(SHORT), f"chain of {SHORT:,}: "
    built = in_calls(lambda: build(stages), SHORT, samples)
    flow = build(stages)
    ran = in_calls(lambda: run_quietly(flow), SHORT, samples)
    check(run_quietly(flow), SHORT)
    with TemporaryDirectory() as folder:
        record = partial(run_recorded, flow, Path(folder), numbers())
        recorded = in_calls(record, SHORT, samples)
        check_files(record(), Path(folder))
    return [
        Row(f"{of}build", CALLS, built, 150, _of("build", beside)),
        Row(f"{of}run, events in memory", CALLS, ran, 50, _of("run", beside)),
        Row(f"{of}run, JSON lines and journal as it happens", CALLS, recorded, 150),
    ]


def annotated_chain(samples: int) -> list[Row]:
    """Measure how much the check of annotated types adds."""
    stages = chain(SHORT, annotated=True)
    built = in_calls(lambda: build(stages), SHORT, samples)
    return [Row(f"chain of {SHORT:,}: build, annotated functions", CALLS, built)]


def long_chain(length: int, samples: int) -> list[Row]:
    """Measure what a stage of a long chain costs beside one of a short chain."""
    stages, few = chain(length), chain(SHORT)
    building = _beside(lambda: build(stages), lambda: build(few), length, samples)
    flow, short = build(stages), build(few)
    running = _beside(lambda: run_quietly(flow), lambda: run_quietly(short), length, samples)
    check(run_quietly(flow), length)
    against = f"x a stage of {SHORT:,}"
    return [
        Row(f"chain of {length:,}: build", against, building, 1.2),
        Row(f"chain of {length:,}: run", against, running, 1.2),
    ]


def longest_chain(length: int) -> list[Row]:
    """Measure one run of a chain that is longer than anybody's."""
    stages = chain(length)
    flow = build(stages)
    ran = in_calls(lambda: run_quietly(flow), length, 3)
    check(run_quietly(flow), length)
    return [Row(f"chain of {length:,}: run", CALLS, ran)]


def build(stages: Stages) -> Pipeline:
    """Define a pipeline and plan it."""
    from pypedream import Parameters, Pipeline

    flow = Pipeline("chain", Parameters.define(x=1))
    for stage in stages.values():
        flow.stage(stage)
    flow.plan()
    return flow


def run_quietly(flow: Pipeline) -> Run:
    """Run with capture and with events in memory, but nothing on the console."""
    return flow.run(progress=False)


def run_recorded(flow: Pipeline, folder: Path, number: Iterator[int]) -> Run:
    """Run with a file of JSON lines and a workspace with its journal.

    What it takes to keep the results as well is measured by `reuse`.
    """
    from pypedream.log import JsonLinesSink

    sink = JsonLinesSink(folder / f"{next(number)}.jsonl")
    where = folder / "workspace"
    return flow.run(progress=False, sinks=[sink], workspace=where, checkpoint=False)


def check(run: Run, length: int) -> None:
    """Make sure that the run did all it should."""
    assert dict(run) == {f"s{number}": 1 for number in range(length)}
    assert len(run.events) == 2 * length + 2


def check_files(run: Run, folder: Path) -> None:
    """Make sure that every event is in the file of JSON lines and in the journal."""
    lines = max(folder.glob("*.jsonl"), key=lambda path: int(path.stem)).read_text("ascii")
    journal = folder / "workspace" / "runs" / run.id / "journal.jsonl"
    assert lines == journal.read_text("ascii")
    assert lines.count("\n") == len(run.events)


def _beside(
    long: Callable[[], object], short: Callable[[], object], length: int, samples: int
) -> list[float]:
    """Return what a stage costs in *long*, in terms of a stage in *short*."""
    times = length // SHORT

    def unit() -> float:
        return sum(cpu_s(short) for _ in range(times)) / times / SHORT

    return paired(lambda: cpu_s(long) / length, unit, samples)


def _of(part: str, beside: dict[str, dict[str, list[float]]]) -> dict[str, list[float]]:
    return {name: ratios[part] for name, ratios in beside.items()}
