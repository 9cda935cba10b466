"""The law of going back: git brings code, inputs and locks, checkout the outputs; nothing runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click.testing
import pytest
from attrs import Factory, define, evolve
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pypedream.cli import app

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]

SOURCES = 2
WHO = ("-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false")
IGNORED = "/.pypedream/*\n!/.pypedream/locks/\n/out/\n"
HEAD = """\
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import JSON, Dep, DirectoryOut, Metric, Out, Plot
from helpers import scale

flow = Pipeline("laws", progress=False)
"""
STAGE = """

def f{number}(
    parts: Annotated[list, Dep({reads}, JSON())],
) -> Annotated[dict, {kind}("{path}", JSON(indent={indent}))]:
    value = scale({way}(part["v"] for part in parts))
    return {returned}

flow.register(f{number}, name="{name}")
"""
SPOILED = '{"v": 100}'
WAYS = ("max", "min", "sum")
KINDS = {
    "Out": "out/{}.json",
    "Plot": "out/{}.json",
    "Metric": "m/{}.json",
    "DirectoryOut": "out/{}/",
}


@define
class Made:
    """A stage as it stands in the file: what it reads, and how it makes what it writes."""

    reads: tuple[int, ...]
    way: str = "sum"
    kind: str = "Out"
    indent: int = 2
    name: str = ""

    def text(self, number: int, stages: list[Made]) -> str:
        several = '{f"{each}.json": {"v": each} for each in range(1 + value % 3)}'
        return STAGE.format(
            number=number,
            reads=json.dumps([path_read(each, stages) for each in self.reads]),
            kind=self.kind,
            path=KINDS[self.kind].format(number),
            indent=self.indent,
            way=self.way,
            returned=several if self.kind == "DirectoryOut" else '{"v": value}',
            name=self.name or f"s{number}",
        )


def path_read(number: int, stages: list[Made]) -> str:
    if number < SOURCES:
        return f"in{number}.json"
    kind = stages[number - SOURCES].kind
    path = KINDS[kind].format(number - SOURCES)
    return f"{path}*.json" if kind == "DirectoryOut" else path


@define
class Repository:
    """A project in git, and what all its outputs were in each of its revisions.

    Attributes
    ----------
    is_untidy
        Whether there are locks of stages that are gone and whose files are not to come back.
    """

    root: Path
    stages: list[Made]
    factor: int = 1
    values: list[int] = Factory(lambda: [1] * SOURCES)
    known: dict[str, dict[str, bytes]] = Factory(dict)
    is_untidy: bool = False

    def write(self) -> None:
        for number, value in enumerate(self.values):
            (self.root / f"in{number}.json").write_text(json.dumps({"v": value}))
        (self.root / "helpers.py").write_text(
            f"def scale(value):\n    return {self.factor} * value\n"
        )
        texts = [one.text(number, self.stages) for number, one in enumerate(self.stages)]
        (self.root / "pipeline.py").write_text(HEAD + "".join(texts))

    def commit(self) -> None:
        """Bring all up to date, and commit it."""
        self.write()
        assert command("repro", "-q").exit_code == 0
        # what was written by hand where no stage writes any more is nobody's
        for path in [*self.root.glob("out/**/*.json"), *self.root.glob("m/*.json")]:
            if path.read_text() == SPOILED:
                path.unlink()
                self.is_untidy = True
        if self.is_untidy:
            assert command("gc", "--locks").exit_code == 0
            self.is_untidy = False
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "state")
        self.known[self.git("rev-parse", "HEAD").strip()] = self.outputs()

    def outputs(self) -> dict[str, bytes]:
        """Return what is in the outputs of the stages that there are."""
        found: dict[str, bytes] = {}
        for number, one in enumerate(self.stages):
            path = self.root / KINDS[one.kind].format(number)
            for each in filter(Path.is_file, sorted(path.rglob("*")) or [path]):
                found[each.relative_to(self.root).as_posix()] = each.read_bytes()
        return found

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *WHO, *words], cwd=self.root, check=True, capture_output=True, timeout=60
        )
        return done.stdout.decode()


def command(*words: str) -> click.testing.Result:
    result = click.testing.CliRunner().invoke(app, words)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


@st.composite
def stages_drawn(draw: st.DrawFn) -> list[Made]:
    count = draw(st.integers(1, 4))
    return [
        Made(
            reads_drawn(draw, number),
            draw(st.sampled_from(WAYS)),
            draw(st.sampled_from([*KINDS])),
        )
        for number in range(count)
    ]


def reads_drawn(draw: st.DrawFn, number: int) -> tuple[int, ...]:
    numbers = st.integers(0, SOURCES + number - 1)
    return tuple(draw(st.lists(numbers, min_size=1, max_size=3, unique=True)))


EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "helper", "way", "kind", "loader", "name", "reads", "less", "delete", "spoil"]
        ),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=4,
)


def edit(project: Repository, what: str, which: int, value: int) -> None:
    """Change the project as a person does between two commits."""
    number = which % len(project.stages)
    one, outputs = project.stages[number], [*project.outputs()]
    changes: dict[str, dict[str, Any]] = {
        "way": {"way": WAYS[value % 3]},
        "kind": {"kind": [*KINDS][value]},
        "loader": {"indent": value},
        "name": {"name": f"t{number}" if not one.name else ""},
        "reads": {"reads": (value % SOURCES, *(each for each in one.reads if each >= SOURCES))},
    }
    if what in changes:
        project.stages[number] = evolve(one, **changes[what])
    elif what == "write":
        project.values[which % SOURCES] = value
    elif what == "helper":
        project.factor = value
    elif what == "less" and len(project.stages) > 1:
        # git has its metric, and would have it no more if that was deleted
        project.is_untidy |= project.stages.pop().kind == "Metric"
    elif what in ("delete", "spoil") and outputs:
        path = project.root / outputs[which % len(outputs)]
        path.write_text(SPOILED) if what == "spoil" else path.unlink()


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(stages_drawn(), st.lists(EDITS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_going_back_runs_nothing(
    stages: list[Made], steps: list[list[tuple[str, int, int]]], random: Any
) -> None:
    """Whatever was edited in between, in whatever order one goes: all files are as they were.

    After ``git checkout`` and ``checkout`` nothing is planned, nothing is called, and verify finds
    no fault.
    """
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith("PYPEDREAM_")]:
            patch.delenv(name)
        project = Repository(Path(folder), stages)
        (project.root / "pyproject.toml").write_text("")
        (project.root / ".gitignore").write_text(IGNORED)
        project.git("init", "-q")
        project.commit()
        for step in steps:
            for one in step:
                edit(project, *one)
            project.commit()
        revisions = [*project.known]
        random.shuffle(revisions)

        for revision in [*revisions, *revisions[::-1]]:
            project.git("checkout", "-q", revision)
            check(project, revision)


def check(project: Repository, revision: str) -> None:
    result = command("checkout")
    assert result.exit_code == 0, result.output

    files = project.known[revision]
    assert {path: (project.root / path).read_bytes() for path in files} == files
    for path in files:
        inside = (project.root / path).parent
        if inside.parent.name == "out":  # the folder of a stage holds nothing else
            names = {
                (inside / each.name).relative_to(project.root).as_posix()
                for each in inside.iterdir()
            }
            assert names <= files.keys()
    planned = json.loads(command("repro", "--dry-run", "--json").stdout)
    assert {one["decision"] for one in planned["stages"]} == {"reuse"}
    assert command("verify").exit_code == 0
    run = json.loads(command("repro", "--json").stdout)
    assert {one["state"] for one in run["stages"].values()} == {"reused"}
    assert project.git("status", "--porcelain") == ""
