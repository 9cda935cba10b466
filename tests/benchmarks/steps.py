"""Steps beside the library that their names are known from: what a step and a kept item cost.

Both have the same interface, so one module is measured with either, each in processes of its own:
only the line that imports it differs.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tests.benchmarks.imports import BARE, started
from tests.benchmarks.measure import (
    Row,
    apart,
    cpu_s,
    in_calls,
    is_installed,
    of_peer,
    one_call,
    paired,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS, PEER = "pypedream.steps", "exca.steps"
FEW = 176
"""As many as there are stages in the benchmark of reuse."""

MODULE = """
from {dialect} import Chain, Step

class Add(Step):
    n: int = 1

    def _run(self, value):
        return value + self.n

class Start(Step):
    def _run(self):
        return 0

def chain(count):
    return Chain(steps=[Add(n=n) for n in range(count)])

def kept(folder, backend="Cached", **fields):
    return Add(infra=dict(backend=backend, folder=folder, **fields))

def main():
    infra = dict(backend="Cached", folder={folder!r})
    value = Start(infra=infra).run()
    for n in range({count} - 1):
        value = Add(n=n, infra=infra).run(value)
"""


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure chains, kept items and pools."""
    samples = 2 if quick else 7
    few, some, many = (20, 50, 100) if quick else (500, 1_000, 8_000)
    asked = partial(_beside, samples=samples, quick=quick)
    yield asked(f"{some:,} steps in a chain, none kept", chained, some, some, asked=0.5)
    yield Row(
        f"{10 * some:,} steps in a chain, none kept",
        f"x a step of {some:,}",
        apart(longer, OURS, some, samples),
        1.5,
        {} if quick else _peer(longer, some, 2),
    )
    yield _fresh(20 if quick else FEW, samples, quick=quick)
    for figure, work, limit in (("kept", again, 0.3), ("kept for the first time", first, 0.3)):
        yield asked(f"{10 * some:,} items, {figure}", work, 10 * some, 2 * some, asked=limit)
        yield Row(
            f"{many:,} items, {figure}",
            f"x an item of {few:,}",
            apart(more, OURS, work.__name__, few, many, samples),
            1.5,
        )
    yield asked(f"{some:,} items by ProcessPool", pooled, some, some, asked=0.1)


def chained(dialect: str, size: int, samples: int) -> list[float]:
    """Measure a step of a chain of which nothing is kept."""
    with TemporaryDirectory() as folder:
        steps = _written(folder, dialect).chain(size)
        return in_calls(lambda: steps.run(0), size, samples)


def longer(dialect: str, size: int, samples: int) -> list[float]:
    """Measure a step of a chain that is ten times as long, beside one of the shorter chain."""
    with TemporaryDirectory() as folder:
        module = _written(folder, dialect)
        long, short = module.chain(10 * size), module.chain(size)
        long.run(0)
        return paired(
            lambda: cpu_s(lambda: long.run(0)) / 10, lambda: cpu_s(lambda: short.run(0)), samples
        )


def again(dialect: str, size: int, samples: int) -> list[float]:
    """Measure an item of many that are all kept."""
    with TemporaryDirectory() as folder:
        step = _written(folder, dialect).kept(f"{folder}/kept")
        return in_calls(lambda: _all_of(step, size), size, samples)


def first(dialect: str, size: int, samples: int) -> list[float]:
    """Measure an item of many that are computed and kept, each time in a new folder."""
    with TemporaryDirectory() as folder:
        module, places = _written(folder, dialect), count()
        return in_calls(
            lambda: _all_of(module.kept(f"{folder}/{next(places)}"), size), size, samples
        )


def more(dialect: str, work: str, few: int, many: int, samples: int) -> list[float]:
    """Measure an item of many beside an item of few."""
    with TemporaryDirectory() as folder:
        module, places = _written(folder, dialect), count()

        def cost(size: int) -> float:
            place = str(size) if work == "again" else f"{size}-{next(places)}"
            step = module.kept(f"{folder}/{place}")
            return cpu_s(lambda: _all_of(step, size)) / size

        return paired(lambda: cost(many), lambda: cost(few), samples)


def pooled(dialect: str, size: int, samples: int) -> list[float]:
    """Measure an item by two worker processes, in seconds of the clock: others do the work.

    The peer takes one processor fewer than there are, and no process where that leaves one; so it
    is told of three.
    """
    os.cpu_count = lambda: 3
    with TemporaryDirectory() as folder:
        module, places = _written(folder, dialect), count()

        def cost() -> float:
            step = module.kept(f"{folder}/{next(places)}", "ProcessPool", max_jobs=2)
            start = perf_counter()
            _all_of(step, size)
            return (perf_counter() - start) / size

        return paired(cost, one_call, samples)


def _all_of(step: Any, size: int) -> None:
    assert sum(1 for _ in step.run_many(range(size))) == size


def _beside(
    figure: str,
    work: Callable[[str, int, int], list[float]],
    size: int,
    peers_size: int,
    *,
    asked: float | None,
    samples: int,
    quick: bool,
) -> Row:
    """Measure with both; what is asked is a part of what the peer takes."""
    ours = apart(work, OURS, size, samples)
    peers = {} if quick else _peer(work, peers_size, 2)
    theirs = next(filter(None, peers.values()), None)
    limit = asked * median(theirs) if asked is not None and theirs else None
    return Row(figure, "calls each", ours, limit, peers)


def _peer(work: Callable[..., list[float]], size: int, samples: int) -> dict[str, list[float]]:
    """Measure the peer with as many as it can do in a reasonable time."""
    if not is_installed(PEER):
        return {}
    return {f"exca, {size:,}": of_peer(work, PEER, size, samples)}


def _fresh(size: int, samples: int, *, quick: bool) -> Row:
    """Measure a process that finds all its steps kept."""
    figure = f"{size} kept steps, in a fresh process"
    with TemporaryDirectory() as folder:
        peers = {}
        if not quick and is_installed(PEER):
            peers = {"exca": of_peer(_main, folder, PEER, size, 3)}
        limit = next((0.3 * median(ratios) for ratios in peers.values() if ratios), None)
        return Row(figure, "x a bare interpreter", _main(folder, OURS, size, samples), limit, peers)


def _main(folder: str, dialect: str, size: int, samples: int) -> list[float]:
    place = Path(folder, dialect.partition(".")[0])
    place.mkdir()
    _write(place, dialect, size)
    code = f"import sys; sys.path.insert(0, {str(place)!r}); import configured; configured.main()"
    bytecode = f"{folder}/bytecode"
    started(code, bytecode)  # the first run of all
    return paired(lambda: started(code, bytecode), lambda: started(BARE, bytecode), samples)


def _written(folder: str, dialect: str) -> Any:
    _write(Path(folder), dialect)
    sys.path.insert(0, folder)
    return import_module("configured")


def _write(folder: Path, dialect: str, size: int = 0) -> None:
    text = MODULE.format(dialect=dialect, folder=f"{folder}/kept", count=size)
    (folder / "configured.py").write_text(text, encoding="utf-8")
