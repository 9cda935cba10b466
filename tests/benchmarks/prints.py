"""Prints: inside a stage with a file of JSON lines, and outside stages while a run is active."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import PROCESSES, Row, apart, cpu_s, is_installed, paired, pooled

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIT = "x a print to a file"


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure prints, beside the stream of a Jupyter kernel."""
    samples, prints, processes = (3, 500, 1) if quick else (15, 20_000, PROCESSES)
    jupyter = apart(in_jupyter, samples, prints) if is_installed("ipykernel") else None
    beside = {} if jupyter is None else {"Jupyter's stream": jupyter}
    yield from pooled(captured, processes, samples, prints, beside)
    yield from pooled(passed_through, processes, samples, prints)


def captured(samples: int, prints: int, beside: dict[str, list[float]]) -> list[Row]:
    """Measure a stage that prints: every line becomes an event and a line of JSON."""
    from pypedream import Pipeline
    from pypedream.log import JsonLinesSink

    flow, number = Pipeline("prints"), count()
    flow.stage(lambda: print_rows(prints), name="loud")
    with TemporaryDirectory() as folder:

        def run() -> None:
            path = Path(folder) / f"{next(number)}.jsonl"
            flow.run(progress=False, sinks=[JsonLinesSink(path)])

        with plain_file():
            ratios = paired(lambda: cpu_s(run), lambda: cpu_s(lambda: print_rows(prints)), samples)
        check_lines(Path(folder) / "0.jsonl", prints)
    return [Row("print in a stage, to JSON lines", UNIT, ratios, 5, beside)]


def passed_through(samples: int, prints: int) -> list[Row]:
    """Measure a print that belongs to no stage, while a run is active in another thread."""
    from pypedream import Pipeline

    is_running, is_over = Event(), Event()
    flow = Pipeline("waits")

    @flow.stage
    def wait() -> None:
        is_running.set()
        is_over.wait()

    def plain() -> float:
        router, sys.stdout = sys.stdout, file
        try:
            return cpu_s(lambda: print_rows(prints))
        finally:
            sys.stdout = router

    with plain_file() as file:
        run = Thread(target=lambda: flow.run(progress=False))
        run.start()
        is_running.wait()
        assert sys.stdout is not file
        ratios = paired(lambda: cpu_s(lambda: print_rows(prints)), plain, samples)
        is_over.set()
        run.join()
        assert sys.stdout is file
    return [Row("print outside stages, during a run", UNIT, ratios, 1.4)]


def in_jupyter(samples: int, prints: int) -> list[float]:
    """Measure the stream that a Jupyter kernel puts in the place of standard output."""
    import zmq
    from ipykernel import iostream
    from jupyter_client.session import Session

    socket = zmq.Context().socket(zmq.PUB)
    socket.bind("inproc://benchmark")
    jupyter: Any = iostream
    sender = jupyter.IOPubThread(socket)
    sender.start()
    stream = jupyter.OutStream(Session(), sender, "stdout", watchfd=False)

    def to_jupyter() -> None:
        file, sys.stdout = sys.stdout, stream
        try:
            print_rows(prints)
            stream.flush()
        finally:
            sys.stdout = file

    with plain_file():
        ratios = paired(
            lambda: cpu_s(to_jupyter), lambda: cpu_s(lambda: print_rows(prints)), samples
        )
    stream.close()
    sender.stop()
    return ratios


def print_rows(prints: int) -> None:
    """Print as users do."""
    for number in range(prints):
        print("row", number)


@contextmanager
def plain_file() -> Iterator[Any]:
    """Let a buffered file be the standard output for a while."""
    before = sys.stdout
    with TemporaryDirectory() as folder, (Path(folder) / "out").open("w", encoding="utf-8") as file:
        sys.stdout = file
        try:
            yield file
        finally:
            sys.stdout = before


def check_lines(path: Path, prints: int) -> None:
    """Make sure that no print is missing in the file."""
    lines = path.read_text("ascii").splitlines()
    assert sum('"kind":"print"' in line for line in lines) == prints
