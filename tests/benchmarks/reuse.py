"""Reuse: what it costs to find that nothing has to be computed, beside peers that keep results.

In a fresh process everything counts, from the start of the interpreter on: imports, the stages'
definition, their code and the values that they were given. The stages are in a module of their
own, as users write them, and each is another function.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.benchmarks import stages
from tests.benchmarks.imports import BARE, started
from tests.benchmarks.measure import Row, apart, in_calls, is_installed, of_peer, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY, FEW = 1_000, 176
"""The smaller one is what a paper that compares such tools has."""

FLOW = """
from pypedream import Parameters, Pipeline
flow = Pipeline("chain", Parameters.define(x=1), workspace={folder!r}, cache="cached")
{stages}
def main():
    flow.run()
"""
DOIT = """
import os
os.chdir({folder!r})
def write(n):
    open("t" + str(n), "w").write("1")
def task_s():
    for n in range({count}):
        before = ["t" + str(n - 1)] if n else []
        yield dict(name=str(n), actions=[(write, [n])], file_dep=before, targets=["t" + str(n)])
def main():
    from doit.doit_cmd import DoitMain
    from doit.cmd_base import ModuleTaskLoader
    import sys
    DoitMain(ModuleTaskLoader(sys.modules[__name__])).run(["run", "--reporter", "zero"])
"""
JOBLIB = """
from joblib import Memory
memory = Memory({folder!r}, verbose=0)
{stages}
def main():
    value = 1
    for function in FUNCTIONS:
        value = function(value)
"""


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure pipelines of which all is kept, in fresh processes and in one."""
    samples = 2 if quick else 9
    for count, asked in ((20, None),) if quick else ((FEW, 12), (MANY, 20)):
        yield _fresh(f"{count:,} kept stages, in a fresh process", count, samples, asked)
    count = 20 if quick else MANY
    kept = apart(warm, count, samples)
    yield Row(f"{count:,} kept stages, again in one process", "calls a stage", kept, 300)
    yield _cold(20 if quick else FEW, samples)
    checkpoints = apart(keeping, count, max(2, samples // 2))
    yield Row(f"{count:,} stages: run, each result kept", "calls a stage", checkpoints)


def warm(count: int, samples: int) -> list[float]:
    """Measure a run that calls nothing, in a process that has made it before."""
    from pypedream import Parameters, Pipeline

    with TemporaryDirectory() as folder:
        flow = Pipeline("chain", Parameters.define(x=1), workspace=folder, cache="cached")
        for function in stages.chain(count).values():
            flow.stage(function)
        flow.run()
        again = in_calls(flow.run, count, samples)
        assert all(stage.state == "reused" for stage in flow.last_run.stages.values())
        return again


def keeping(count: int, samples: int) -> list[float]:
    """Measure a run that calls every stage and keeps what it gives, to be resumed after a kill."""
    from pypedream import Parameters, Pipeline

    with TemporaryDirectory() as folder:
        flow = Pipeline("chain", Parameters.define(x=1), workspace=folder)
        for function in stages.chain(count).values():
            flow.stage(function)
        return in_calls(flow.run, count, samples)


def _fresh(figure: str, count: int, samples: int, asked: float | None) -> Row:
    with TemporaryDirectory() as folder:
        ratios = _again(_flow(Path(folder), count), folder, samples)
        peers = {}
        for name, write in PEERS.items():
            if is_installed(name):
                module = write(Path(folder), count)
                peers[name] = of_peer(_again, module, folder, max(2, samples // 3))
        return Row(figure, "x a bare interpreter", ratios, asked, peers)


def _cold(count: int, samples: int) -> Row:
    """Measure the first run of all, each time in a new place, beside the first of a peer."""
    figure, unit = f"{count:,} stages, kept for the first time", "x a bare interpreter"
    with TemporaryDirectory() as folder:
        asked, peers = None, {}
        if is_installed("doit"):
            first = of_peer(_first, _doit, folder, count, max(2, samples // 3))
            asked, peers = 3 * median(first) if first else None, {"doit": first}
        return Row(figure, unit, _first(_flow, folder, count, samples), asked, peers)


def _again(module: str, folder: str, samples: int) -> list[float]:
    code = f"import sys; sys.path.insert(0, {folder!r}); import {module}; {module}.main()"
    bytecode = f"{folder}/bytecode"
    started(code, bytecode)  # the first run of all
    return paired(lambda: started(code, bytecode), lambda: started(BARE, bytecode), samples)


def _first(write: Callable[[Path, int], str], folder: str, count: int, samples: int) -> list[float]:
    places, bytecode = iter(range(samples + 2)), f"{folder}/bytecode"

    def first() -> float:
        place = Path(folder, f"{write.__name__}-{next(places)}")
        place.mkdir()
        module = write(place, count)
        code = f"import sys; sys.path.insert(0, {str(place)!r}); import {module}; {module}.main()"
        return started(code, bytecode)

    return paired(first, lambda: started(BARE, bytecode), samples)


def _flow(folder: Path, count: int) -> str:
    text = "\n".join(
        f"@flow.stage\ndef s{n}({f's{n - 1}' if n else 'x'}):\n    return {n}" for n in range(count)
    )
    return _written(folder, f"flow_{count}", FLOW, stages=text)


def _doit(folder: Path, count: int) -> str:
    return _written(folder, f"doit_{count}", DOIT, count=count)


def _joblib(folder: Path, count: int) -> str:
    text = "\n".join(f"@memory.cache\ndef s{n}(x):\n    return {n}" for n in range(count))
    names = ", ".join(f"s{n}" for n in range(count))
    return _written(folder, f"joblib_{count}", JOBLIB, stages=f"{text}\nFUNCTIONS = [{names}]")


PEERS: dict[str, Callable[[Path, int], str]] = {"doit": _doit, "joblib": _joblib}


def _written(folder: Path, module: str, text: str, **values: Any) -> str:
    own = folder / f"of_{module}"
    own.mkdir()
    (folder / f"{module}.py").write_text(text.format(folder=str(own), **values), encoding="utf-8")
    return module
