"""Files: what it costs to bring files up to date, or to find that they are, beside a peer.

Each stage reads a small JSON file and writes one, in a chain. It is the command that is measured,
in a fresh process, as users give it: interpreter, imports, definition of the stages, and all that
has to be looked at.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import TYPE_CHECKING

from tests.benchmarks.imports import BARE, started
from tests.benchmarks.measure import Row, is_installed, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FEW, MANY = 176, 1_000
"""The smaller one is what a paper that compares such tools has."""

AT_REST_S = 2.1
"""A file that was written less than two seconds before it was hashed is hashed again."""

UNIT = "x a bare interpreter"
HEAD = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import JSON, Dep, Out
flow = Pipeline("chain")
"""
STAGE = """
def s{n}(
    x: Annotated[dict, Dep("out/{before}.json", JSON())]
) -> Annotated[dict, Out("out/{n}.json", JSON())]:
    return {{"n": x["n"] + {n}}}
flow.register(s{n})
"""
DOIT = """
import json
def write(n):
    found = json.load(open(f"out/{{n - 1}}.json"))["n"]
    json.dump({{"n": found + n}}, open(f"out/{{n}}.json", "w"))
def task_s():
    for n in range({count}):
        yield dict(
            name=str(n), actions=[(write, [n])],
            file_dep=[f"out/{{n - 1}}.json"], targets=[f"out/{{n}}.json"],
        )
"""
REPRO = "from pypedream.cli import app; app(['repro', '-q'])"
GIVE_DOIT = "from doit.doit_cmd import DoitMain; DoitMain().run(['run', '--reporter', 'zero'])"


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure the first time, and the next when nothing has to be called."""
    samples = 2 if quick else 9
    peers = {"doit": (_doit, GIVE_DOIT)} if is_installed("doit") and not quick else {}
    for count in (10,) if quick else (FEW, MANY):
        yield Row(
            f"{count:,} stages with files, nothing to do",
            UNIT,
            _again(_flow, REPRO, count, samples),
            None,
            {name: _again(*each, count, max(3, samples // 3)) for name, each in peers.items()},
        )
    count = 10 if quick else FEW
    yield Row(
        f"{count:,} stages with files, for the first time",
        UNIT,
        _first(_flow, REPRO, count, max(2, samples // 3)),
        None,
        {name: _first(*each, count, 3) for name, each in peers.items()},
    )


def _again(write: Callable[[Path, int], None], give: str, count: int, samples: int) -> list[float]:
    with TemporaryDirectory() as folder, TemporaryDirectory() as bytecode:
        code = _in(folder, give)
        write(Path(folder), count)
        started(code, bytecode)
        sleep(AT_REST_S)
        return paired(lambda: started(code, bytecode), lambda: started(BARE, bytecode), samples)


def _first(write: Callable[[Path, int], None], give: str, count: int, samples: int) -> list[float]:
    with TemporaryDirectory() as folder:
        places, bytecode = iter(range(samples + 2)), f"{folder}/bytecode"

        def first() -> float:
            place = Path(folder, str(next(places)))
            place.mkdir()
            write(place, count)
            return started(_in(str(place), give), bytecode)

        return paired(first, lambda: started(BARE, bytecode), samples)


def _in(folder: str, give: str) -> str:
    return f"import os, sys; os.chdir({folder!r}); sys.path.insert(0, {folder!r}); {give}"


def _flow(folder: Path, count: int) -> None:
    stages = (STAGE.format(n=n, before=n - 1) for n in range(count))
    (folder / "pyproject.toml").touch()
    (folder / "pipeline.py").write_text(HEAD + "".join(stages), encoding="utf-8")
    _input(folder)


def _doit(folder: Path, count: int) -> None:
    (folder / "dodo.py").write_text(DOIT.format(count=count), encoding="utf-8")
    _input(folder)


def _input(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "-1.json").write_text('{"n": 1}', encoding="utf-8")
