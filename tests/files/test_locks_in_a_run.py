"""Locks of stages: what a run writes, and what one takes over that another computer wrote."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from pypedream.files import Dep, Out
from pypedream.files.locks import Locks
from pypedream.formats import JSON, Text
from tests.files.test_in_a_run import count, decisions, flow_of, grown, project, shown, states

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["project"]


def clone(project: Path, *, keep: tuple[str, ...] = ("pyproject.toml", "in.json")) -> None:
    """Leave in the project what another person has: what git tracks, and *keep*."""
    locks = project / ".pypedream" / "locks"
    saved = project.parent / f"{project.name}-locks"
    shutil.move(locks, saved)
    shutil.rmtree(project / ".pypedream")
    for path in project.iterdir():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (project / ".pypedream").mkdir()
    shutil.move(saved, locks)


def test_a_run_writes_what_each_stage_was_called_with(project: Path) -> None:
    """Code, loaders and files by their digests; git shows what changed."""
    flow_of(count, shown).run()

    lock = Locks(project / ".pypedream").read("count")

    assert lock is not None
    assert [*lock.deps] == ["in.json"]
    assert {path: (out.kind, out.cached) for path, out in lock.outs.items()} == {
        "out/rows.json": ("out", True),
        "metrics.json": ("metric", False),
    }
    assert sorted(lock.loaders) == ["metrics", "numbers", "rows"]
    assert any("count" in name for name in lock.code)


def test_a_lock_that_says_the_same_is_not_written_again(project: Path) -> None:
    """Also where the result is taken over."""
    flow_of(count, shown).run()
    path = Locks(project / ".pypedream").path("count")
    before = path.stat().st_mtime_ns

    assert states(flow_of(count, shown)) == {"count": "reused", "shown": "reused"}
    assert path.stat().st_mtime_ns == before


def test_a_clone_with_its_outputs_computes_nothing(project: Path) -> None:
    """Neither store nor records are there: the locks are enough, and the store has copies then."""
    flow_of(count, shown).run()
    clone(project, keep=("pyproject.toml", "in.json", "out", "metrics.json", "shown.txt"))

    assert decisions(flow_of(count, shown)) == {"count": "reuse", "shown": "reuse"}
    assert not (project / ".pypedream" / "store").exists()
    run = flow_of(count, shown).run()

    assert {key: stage.state for key, stage in run.stages.items()} == {
        "count": "reused",
        "shown": "reused",
    }
    assert run["shown"] == "1, 2, 3"
    (project / "shown.txt").unlink()
    assert states(flow_of(count, shown)) == {"count": "reused", "shown": "reused"}
    assert (project / "shown.txt").read_text() == "1, 2, 3"


def test_a_clone_with_a_store_puts_outputs_back(project: Path) -> None:
    """As after a pull: the copies are there under their digests, and nothing else is."""
    flow_of(count, shown).run()
    shutil.move(project / ".pypedream" / "store", project.parent / "store")
    clone(project, keep=("pyproject.toml", "in.json", "metrics.json"))
    shutil.move(project.parent / "store", project / ".pypedream" / "store")

    assert states(flow_of(count, shown)) == {"count": "reused", "shown": "reused"}
    assert json.loads((project / "out" / "rows.json").read_text()) == [1, 2, 3]


def test_a_clone_without_outputs_computes_them(project: Path) -> None:
    """The plan says which one is missing."""
    flow_of(count, shown).run()
    clone(project)

    plan = flow_of(count, shown).plan()

    assert plan.stages["count"].decision == "run"
    assert "is not there as it wrote it, and no copy is kept" in plan.stages["count"].reason
    assert states(flow_of(count, shown)) == {"count": "ok", "shown": "ok"}


def test_a_stage_that_was_renamed_is_not_called_again(project: Path) -> None:
    """It has the lock of its old name in a clone, and the result in the store elsewhere."""
    flow_of(count, shown).run()
    flow = flow_of(count)
    flow.register(shown, name="told")
    assert decisions(flow) == {"count": "reuse", "told": "reuse"}
    clone(project, keep=("pyproject.toml", "in.json", "out", "metrics.json", "shown.txt"))

    assert states(flow) == {"count": "reused", "told": "reused"}
    assert Locks(project / ".pypedream").read("told") is not None


def test_a_lock_tells_why_a_stage_has_to_be_called(project: Path) -> None:
    """Where no run is recorded here."""
    flow_of(count).run()
    clone(project, keep=("pyproject.toml",))
    (project / "in.json").write_text("[9]")

    reason = flow_of(count).plan().stages["count"].reason

    assert reason.startswith('file "in.json" ')
    assert " -> " in reason


def test_a_lock_with_a_conflict_is_named_and_written_anew(project: Path) -> None:
    """The stage is found in the store, or called again."""
    flow_of(count).run()
    path = Locks(project / ".pypedream").path("count")
    path.write_text(f"<<<<<<< HEAD\n{path.read_text()}=======\n>>>>>>> other\n")

    plan = flow_of(count).plan()

    assert any("conflict" in note for note in plan.notes)
    assert states(flow_of(count)) == {"count": "reused"}
    assert "<<<" not in path.read_text()


def test_the_lock_is_right_where_the_store_says_otherwise(project: Path) -> None:
    """A function that does not give the same each time: the lock is that of the revision."""
    (project / "salt.txt").write_text("a")
    flow_of(salted).run()
    lock = Locks(project / ".pypedream").path("salted").read_text()
    (project / "salt.txt").write_text("b")
    flow_of(salted).run(cache="force")
    assert (project / "salted.txt").read_text() == "b"

    Locks(project / ".pypedream").path("salted").write_text(lock)

    assert states(flow_of(salted)) == {"salted": "reused"}
    assert (project / "salted.txt").read_text() == "a"


def salted(
    numbers: Annotated[Any, Dep("in.json", JSON())],
) -> Annotated[str, Out("salted.txt", Text())]:
    with open("salt.txt") as file:
        return file.read()


def test_an_incremental_output_is_put_back_before_its_stage(project: Path) -> None:
    """What somebody did to the file meanwhile is not gone on from."""
    flow_of(count, grown).run()
    (project / "seen.json").write_text('{"no": 1}')
    (project / "in.json").write_text("[1]")

    assert flow_of(count, grown).run()["grown"] == {"0": 3, "1": 1}


@pytest.mark.parametrize(
    "options",
    [{"checkpoint": False}, {"workspace": None, "checkpoint": False}],
    ids=["no results", "no workspace"],
)
def test_what_a_run_adds_that_keeps_nothing_is_not_lost(
    project: Path, options: dict[str, Any]
) -> None:
    """The next one goes on from it, and not from an older lock."""
    flow_of(count, grown).run()
    flow_of(count, grown).run(cache="off", **options)

    assert [*flow_of(count, grown).run(cache="force")["grown"]] == ["0", "1", "2"]


def careless(
    numbers: Annotated[Any, Dep("in.json", JSON())],
) -> Annotated[int, Out("n.json", JSON())]:
    with open("in.json", "w") as file:
        file.write("[7]")
    return len(numbers)


def test_a_file_that_changes_while_it_is_read_is_read_again(project: Path) -> None:
    """What was made of the old content is not taken for what the new one gives."""
    run = flow_of(careless).run()

    assert "changed while the stage ran" in str([event.event for event in run.events])
    assert decisions(flow_of(careless)) == {"careless": "run"}
    flow_of(careless).run()
    assert decisions(flow_of(careless)) == {"careless": "reuse"}


def first(rows: Annotated[list[int], Dep("out/rows.json", JSON())]) -> int:
    return rows[0]


def test_a_stage_that_only_reads_has_a_lock_and_is_found_in_the_store(project: Path) -> None:
    """Its value is in no file, so its lock alone is no result."""
    flow_of(count, first).run()

    lock = Locks(project / ".pypedream").read("first")
    assert lock is not None
    assert (list(lock.deps), lock.outs) == (["out/rows.json"], {})
    assert states(flow_of(count, first)) == {"count": "reused", "first": "reused"}
