"""The same pipeline of files for each system: how it is written down, and which command runs it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = str(Path(__file__).parents[2])
"""Where the package is that is measured."""

OURS_HEAD = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import JSON, Dep, Out
flow = Pipeline("chain")
"""
OURS_STAGE = """
def s{n}(
    x: Annotated[dict, Dep("out/{before}.json", JSON())]
) -> Annotated[dict, Out("out/{n}.json", JSON())]:
    return {{"n": x["n"] + {n}}}
flow.register(s{n})
"""
DOIT_TEXT = """
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
DVC_STEP = """
import json, sys
n = int(sys.argv[1])
found = json.load(open(f"out/{n - 1}.json"))["n"]
json.dump({"n": found + n}, open(f"out/{n}.json", "w"))
"""
DVC_STAGE = """
  s{n}:
    cmd: python step.py {n}
    deps: [out/{before}.json]
    outs: [out/{n}.json]
"""
PIVOT_STAGE = """
@stage
def s{n}(x: dict) -> dict:
    return {{"n": x["n"] + {n}}}
"""


@dataclass(frozen=True)
class Peer:
    """A system that brings files up to date.

    Attributes
    ----------
    command
        What brings them up to date, given in the folder of the project.
    define
        Writes so many stages into a folder.
    samples
        How often it is measured: of what takes minutes, once.
    """

    command: list[str]
    define: Callable[[Path, int, str], None]
    samples: int = 3

    def at(self, program: str) -> Peer:
        """Return the same with its program at another place."""
        return replace(self, command=[program, *self.command[1:]])

    def write(self, folder: str, count: int) -> None:
        """Make a project, with the file that the first stage reads."""
        (Path(folder) / "out").mkdir()
        (Path(folder) / "out" / "-1.json").write_text('{"n": 1}', encoding="utf-8")
        self.define(Path(folder), count, self.command[0])


def _ours(folder: Path, count: int, _: str) -> None:
    stages = (OURS_STAGE.format(n=n, before=n - 1) for n in range(count))
    (folder / "pyproject.toml").touch()
    (folder / "pipeline.py").write_text(OURS_HEAD + "".join(stages), encoding="utf-8")


def _doit(folder: Path, count: int, _: str) -> None:
    (folder / "dodo.py").write_text(DOIT_TEXT.format(count=count), encoding="utf-8")


def _dvc(folder: Path, count: int, program: str) -> None:
    stages = "".join(DVC_STAGE.format(n=n, before=n - 1) for n in range(count))
    (folder / "dvc.yaml").write_text(f"stages:{stages}", encoding="utf-8")
    (folder / "step.py").write_text(DVC_STEP, encoding="utf-8")
    subprocess.run([program, "init", "--no-scm", "-q"], cwd=folder, check=True)
    for name in ("core.analytics", "core.check_update"):
        subprocess.run([program, "config", name, "false"], cwd=folder, check=True)


def _pivot(folder: Path, count: int, program: str) -> None:
    stages = "".join(PIVOT_STAGE.format(n=n) for n in range(count))
    calls = "".join(f"    x = s{n}(x)\n" for n in range(count))
    head = 'with Pipeline("chain") as pipeline:\n    x = pipeline.input("first.json")\n'
    text = f"from pivot import Pipeline, stage\n{stages}\n{head}{calls}"
    (folder / "pipeline.py").write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run([program, "-q", "init"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (folder / "data" / "raw").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "raw" / "first.json").write_text('{"n": 1}', encoding="utf-8")


MAIN = "from pypedream.cli import main; main()"
OURS = Peer([sys.executable, "-c", MAIN, "repro", "-q"], _ours)
DOIT_MAIN = "from doit.doit_cmd import DoitMain; DoitMain().run(['run', '--reporter', 'zero'])"
DOIT = Peer([sys.executable, "-c", DOIT_MAIN], _doit)
DVC = Peer(["dvc", "repro", "-q"], _dvc, samples=1)
PIVOT = Peer(["pivot", "-q", "repro"], _pivot)
