"""Laws of runs with files, over random pipelines and edits: what is planned, and what is called."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from sqlite3 import connect
from tempfile import TemporaryDirectory
from types import FunctionType
from typing import Annotated, Any

import pytest
from attrs import Factory, define
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pypedream import Pipeline
from pypedream.files import Dep, Metric, Out
from pypedream.formats import JSON

Several = Annotated[list[dict[str, int]], Dep(["in.json"], JSON())]
CALLED: list[str] = []


def highest(parts: Several) -> Annotated[dict[str, int], Out("out.json", JSON())]:
    return {"v": max(part["v"] for part in parts)}


# The very same function but for an option of its loader.
highest_wide = FunctionType(highest.__code__, highest.__globals__, "highest")
highest_wide.__module__ = highest.__module__
highest_wide.__annotations__ = {
    "parts": Several,
    "return": Annotated[dict[str, int], Out("out.json", JSON(indent=4))],
}


def total(parts: Several) -> Annotated[dict[str, int], Out("out.json", JSON())]:
    return {"v": sum(part["v"] for part in parts)}


def measured(parts: Several) -> Annotated[dict[str, int], Metric("out.json")]:
    return {"v": max(part["v"] for part in parts) % 2}


WAYS = {"highest": highest, "highest_wide": highest_wide, "total": total, "measured": measured}
INDENT = {"highest_wide": 4}
SOURCES = 3


def text_of(way: str, values: list[int]) -> str:
    """Return what a function writes; written once more here, to compare with."""
    value = {"highest": max, "highest_wide": max, "total": sum, "measured": lambda v: max(v) % 2}
    return json.dumps({"v": value[way](values)}, indent=INDENT.get(way, 2)) + "\n"


@define
class World:
    """A project with sources and stages, and what is to be expected of it.

    Attributes
    ----------
    reads
        For each stage the numbers of the files that it reads: sources first, then stages.
    ways
        For each stage the name of its function.
    known
        The calls whose outputs the store knows.
    copies
        The contents of which the store has copies.
    locked
        The call that each lock is of, by the name of its stage.
    renamed
        The stages that have another name than at first.
    """

    root: Path
    reads: list[list[int]]
    ways: list[str]
    known: set[Any] = Factory(set)
    copies: set[str] = Factory(set)
    locked: dict[str, Any] = Factory(dict)
    renamed: set[int] = Factory(set)

    def path(self, number: int) -> Path:
        return self.root / self.name(number)

    def name(self, number: int) -> str:
        return f"in{number}.json" if number < SOURCES else f"out/s{number - SOURCES}.json"

    def flow(self) -> Pipeline:
        flow = Pipeline("laws", progress=False, cache="cached")
        for number, (reads, way) in enumerate(zip(self.reads, self.ways, strict=True)):
            key = "out_path_overrides"
            paths = {key: {"return": self.name(number + SOURCES)}}
            flow.register(
                WAYS[way],
                name=self.key(number),
                dep_path_overrides={"parts": [self.name(each) for each in reads]},
                **paths,
            )
        return flow

    def expected(self) -> tuple[set[str], set[str], dict[str, str]]:
        """Return the stages that are to be planned and called, and what is in all outputs then."""
        texts = {self.name(number): self.path(number).read_text() for number in range(SOURCES)}
        planned: set[int] = set()
        called: set[int] = set()
        known: dict[int, bool] = {}
        calls: list[Any] = []
        for number, (reads, way) in enumerate(zip(self.reads, self.ways, strict=True)):
            name, parts = self.name(number + SOURCES), [self.name(each) for each in reads]
            call = (way, name, tuple((part, texts[part]) for part in parts))
            texts[name] = text_of(way, [json.loads(texts[part])["v"] for part in parts])
            known[number] = call in self.known or call in self.locked.values()
            needs = {each - SOURCES for each in reads}
            if needs & planned or not (known[number] and self.can_be_had(name, texts[name])):
                planned.add(number)
            calls.append(call)
        # what is taken over comes first, and copies of it are kept then if only a lock knew it
        for number, call in enumerate(calls):
            if number not in planned and call not in self.known:
                self.copies.add(texts[self.name(number + SOURCES)])
        for number, call in enumerate(calls):
            name = self.name(number + SOURCES)
            if not (known[number] and self.can_be_had(name, texts[name])):
                called.add(number)
            if number in called or call not in self.known:
                self.copies.add(texts[name])
        self.known.update(calls)
        for number, call in enumerate(calls):
            self.locked.pop(self.key_before(number), None)  # a name that is gone has no lock
            self.locked[self.key(number)] = call
        return {*map(self.key, planned)}, {*map(self.key, called)}, texts

    def key(self, number: int) -> str:
        return f"{'t' if number in self.renamed else 's'}{number}"

    def key_before(self, number: int) -> str:
        return f"{'s' if number in self.renamed else 't'}{number}"

    def can_be_had(self, name: str, text: str) -> bool:
        """Say whether an output is there, or can be put back."""
        is_there = self.exists(name) and (self.root / name).read_text() == text
        return is_there or text in self.copies

    def exists(self, name: str) -> bool:
        return (self.root / name).exists()

    def damage(self, which: int) -> None:
        """Spoil one of the copies, all of which are small enough for the index."""
        text = sorted(self.copies)[which % len(self.copies)]
        self.copies.remove(text)
        key = f"file/{sha256(text.encode()).hexdigest()}"
        with closing(connect(self.root / ".pypedream" / "store" / "index.db")) as index, index:
            index.execute("UPDATE entries SET inline = zeroblob(size) WHERE key = ?", [key])

    def revert(self, texts: list[str], ways: list[str]) -> None:
        """Set sources and functions as they were once."""
        self.ways[:] = ways
        for number, text in enumerate(texts):
            self.path(number).write_text(text)

    def forget(self) -> None:
        """Leave what a clone has that was given the outputs: no store, only locks."""
        for name in ("store", "runs", "hashes"):
            path = self.root / ".pypedream" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.known.clear()
        self.copies.clear()


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[list[int]], list[str]]:
    """Draw what each stage reads and does."""
    count = draw(st.integers(1, 5))
    reads = [
        draw(st.lists(st.integers(0, SOURCES + number - 1), min_size=1, max_size=3, unique=True))
        for number in range(count)
    ]
    return reads, [draw(st.sampled_from([*WAYS])) for _ in range(count)]


KINDS = ("write", "touch", "delete", "spoil", "damage", "way", "name", "forget", "revert")
EDITS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 4),
        st.integers(0, 3),
    ),
    max_size=6,
)


def edit(world: World, history: list[Any], what: str, which: int, value: int) -> None:
    """Change the project; to revert is to set sources and functions as they were once."""
    number = which % len(world.reads)
    output = world.path(number + SOURCES)
    if what == "write":
        world.path(which % SOURCES).write_text(json.dumps({"v": value}))
    elif what == "touch":
        os.utime(world.path(which % SOURCES))
    elif what == "delete":
        output.unlink(missing_ok=True)
    elif what == "spoil":
        output.write_text(f'{{"v": {value + 100}}}')
    elif what == "way":
        world.ways[number] = [*WAYS][value]
    elif what == "name":
        world.renamed ^= {number}
    elif what == "damage" and world.copies:
        world.damage(value)
    elif what == "forget":
        world.forget()
    elif what == "revert" and history:
        world.revert(*history[which % len(history)])


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@example(
    ([[2]], ["total"]),
    [[("way", 0, 0), ("name", 0, 0)], [("forget", 0, 0), ("revert", 0, 0), ("name", 0, 0)]],
)
@example(([[0], [3]], ["total", "total"]), [[("damage", 0, 0), ("delete", 0, 0)]])
@pytest.mark.filterwarnings("ignore::pypedream.store.CorruptEntryWarning")
@given(worlds(), st.lists(EDITS, min_size=1, max_size=4))
def test_what_is_planned_is_what_is_called(
    drawn: tuple[list[list[int]], list[str]], steps: list[list[tuple[str, int, int]]]
) -> None:
    """A stage is called exactly if it has not been called with this before; the plan knew it.

    It is planned if it is called, or if it needs one that is; whatever was done to the files, after
    the run all are what the functions make of the sources, and there is nothing to do. That is seen
    quickly then, and never where the plan finds anything.
    """
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder)
        patch.setattr("pypedream.files.project.root_of", lambda _: str(root))
        world, history = World(root, *drawn), []
        for number in range(SOURCES):
            world.path(number).write_text(json.dumps({"v": number}))
        (root / "out").mkdir()
        for step in [[], *steps]:
            for one in step:
                edit(world, history, *one)
            check(world)
            sources = [world.path(number).read_text() for number in range(SOURCES)]
            history.append((sources, [*world.ways]))


def check(world: World) -> None:
    planned, called, texts = world.expected()
    flow = world.flow()
    rest, before = flow.rest, files_of(world.root)
    is_at_rest = rest.holds()
    plan = flow.plan()

    assert {key for key, one in plan.stages.items() if one.decision == "run"} == planned
    run = flow.run()

    assert {key for key, stage in run.stages.items() if stage.state == "ok"} == called
    assert {name: (world.root / name).read_text() for name in texts} == texts
    if is_at_rest:  # then nothing was planned, nothing called, and nothing put back
        assert (planned, called, before) == (set(), set(), files_of(world.root))
    rest.remember(run)
    again = world.flow()
    assert {one.decision for one in again.plan().stages.values()} == {"reuse"}
    assert again.rest.holds()


def files_of(root: Path) -> dict[str, bytes]:
    """Return what is in all files but those of the workspace that no stage and no git knows."""
    paths = [path for path in root.rglob("*") if path.is_file()]
    kept = [
        path for path in paths if {".pypedream"}.isdisjoint(path.parts) or "locks" in path.parts
    ]
    return {str(path.relative_to(root)): path.read_bytes() for path in kept}
