"""Locks of stages that are gone, and of stages of other pipelines in the same project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

OTHER = """
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import Dep, Out
from pypedream.formats import JSON

def {name}(
    numbers: Annotated[list[int], Dep("in.json", JSON())],
) -> Annotated[int, Out("{out}", JSON())]:
    return len(numbers)

flow = Pipeline("other")
flow.register({name})
"""


def locks_in(project: Path) -> list[str]:
    return sorted(path.stem for path in (project / ".pypedream" / "locks").iterdir())


def edit(project: Path, old: str, new: str) -> None:
    path = project / "pipeline.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def done(project, invoke) -> Path:
    """A project that is up to date."""
    assert invoke("repro", "-q").exit_code == 0
    return project


@pytest.fixture
def shorter(done) -> Path:
    """The same, with a stage less than it has locks."""
    edit(done, "flow.register(shown)\n", "")
    return done


def test_a_stage_that_was_renamed_leaves_no_lock(done, invoke):
    """What it writes has one lock, and the run says that the other one is gone."""
    edit(done, "flow.register(shown)", 'flow.register(shown, name="seen")')

    result = invoke("repro")

    assert 'it writes what "shown" wrote, whose lock is removed' in result.stderr + result.stdout
    assert locks_in(done) == ["count", "seen"]
    assert invoke("checkout").exit_code == 0


def test_a_stage_that_is_gone_is_told_by_its_lock(shorter, invoke):
    """By each command that knows the pipeline; its lock stays until somebody says so."""
    line = 'lock of "shown": the pipeline has no such stage; gc --locks removes it'

    assert f"  {line}\n" in invoke("status").stdout
    assert invoke("verify").stderr == f"note: {line}\n"
    assert invoke("verify").exit_code == 0
    assert invoke("commit").stderr == f"note: {line}\n"
    for command in ("status", "verify", "commit"):
        assert json.loads(invoke(command, "--json").stdout)["gone"] == ["shown"]
    invoke("repro", "-q")
    assert locks_in(shorter) == ["count", "shown"]


def test_gc_removes_the_locks_of_stages_that_are_gone(shorter, invoke):
    """And no copies: those of its output go with the next gc."""
    assert invoke("gc", "--locks", "--dry-run").stdout == 'would remove the lock of "shown"\n'
    assert locks_in(shorter) == ["count", "shown"]

    assert invoke("gc", "--locks").stdout == 'removed the lock of "shown"\n'

    assert locks_in(shorter) == ["count"]
    assert "gc --locks" not in invoke("status").stdout
    assert "each lock" in invoke("gc", "--locks").stdout
    assert json.loads(invoke("gc", "--here", "--dry-run", "--json").stdout)["keys"]


@pytest.mark.parametrize(
    "words, said",
    [
        (("--locks", "--here"), "--locks deletes no copies"),
        (("--pipeline", "pipeline.py"), "--pipeline is for --locks"),
    ],
    ids=["here", "pipeline"],
)
def test_options_that_say_nothing_together_are_refused(done, invoke, words, said):
    """With what to write instead."""
    result = invoke("gc", *words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_locks_of_another_pipeline_are_its_own(done, write, invoke):
    """Neither tells those of the other, and neither removes them."""
    write("other.py", OTHER.format(name="size", out="out/size.json"))
    assert invoke("repro", "other.py", "-q").exit_code == 0

    for file in ("pipeline.py", "other.py"):
        assert "gc --locks" not in invoke("status", file).stdout
        assert "each lock" in invoke("gc", "--locks", "--pipeline", file).stdout
    assert locks_in(done) == ["count", "shown", "size"]


def test_stages_of_two_pipelines_do_not_share_a_lock(done, write, invoke):
    """The second one is told of the first, and how to go on."""
    path = write("other.py", OTHER.format(name="shown", out="out/size.json"))

    result = invoke("repro", "other.py")

    assert result.exit_code == 2
    assert (
        'stage "shown": the pipeline "files" of this project has one of this name, which writes'
        ' "shown.txt": give this one another name=, or delete .pypedream/locks/shown.json if that'
        " is there no more"
    ) in result.stderr
    assert not (done / "out" / "size.json").exists()
    path.write_text(path.read_text().replace("register(shown)", 'register(shown, name="size")'))
    assert invoke("repro", "other.py", "-q").exit_code == 0
    assert invoke("verify").exit_code == 0


def test_a_pipeline_may_be_renamed(done, invoke):
    """Its stages write what they wrote, so the locks are theirs."""
    edit(done, 'Pipeline("files")', 'Pipeline("renamed")')

    states = json.loads(invoke("repro", "--json").stdout)["stages"]

    assert {one["state"] for one in states.values()} == {"reused"}


def test_a_pipeline_that_is_included_keeps_its_locks(done, write, invoke):
    """Under a prefix its stages have locks of their own, and none is gone for either."""
    write(
        "whole.py",
        """
        from pypedream import Pipeline
        from pipeline import flow as part

        flow = Pipeline("whole")
        flow.include(part, prefix="a")
        """,
    )

    assert invoke("repro", "whole.py", "-q").exit_code == 0

    assert locks_in(done) == ["a.count", "a.shown", "count", "shown"]
    for file in ("pipeline.py", "whole.py"):
        assert "gc --locks" not in invoke("status", file).stdout
        assert invoke("repro", file, "-q").exit_code == 0
    assert locks_in(done) == ["a.count", "a.shown", "count", "shown"]


def test_checkout_does_not_choose_between_locks(done, invoke):
    """Of two that say different things of a file it takes the one that is named."""
    folder = done / ".pypedream" / "locks"
    lock = json.loads((folder / "shown.json").read_text())
    (done / "in.json").write_text("[7]")
    invoke("repro", "-q")
    (folder / "seen.json").write_text(json.dumps({**lock, "stage": "seen"}))
    assert invoke("checkout").exit_code == 0
    (done / "shown.txt").unlink()

    result = invoke("checkout")

    assert result.exit_code == 1
    assert result.stderr == (
        'left shown.txt of seen: the locks of "seen" and "shown" say different things: repro,'
        " or remove one with gc --locks\n"
    )
    assert invoke("checkout", "shown").exit_code == 0
    assert (done / "shown.txt").read_text() == "7"
