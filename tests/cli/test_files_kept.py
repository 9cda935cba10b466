"""Commands about files that are there and copies of them: commit, checkout, verify, list, dag."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pypedream.files.locks import Lock, Locks, OutLock
from pypedream.store import CorruptEntryWarning


def edit(project: Path, old: str, new: str) -> None:
    path = project / "pipeline.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def decisions(invoke) -> dict[str, str]:
    found = json.loads(invoke("status", "--json").stdout)
    return {stage["stage"]: stage["decision"] for stage in found["stages"]}


def stages_done(result) -> dict[str, str]:
    return {key: one["state"] for key, one in json.loads(result.stdout)["stages"].items()}


@pytest.fixture
def done(project, invoke) -> Path:
    """A project that is up to date."""
    assert invoke("repro", "-q").exit_code == 0
    return project


def test_commit_takes_code_that_changes_nothing(done, invoke):
    """The outputs count as those of the new code; nothing is called."""
    edit(done, "sorted(numbers)", "sorted(numbers, reverse=False)")
    assert decisions(invoke) == {"count": "run", "shown": "run"}

    result = invoke("commit")

    assert result.stdout == "committed count\n"
    assert decisions(invoke) == {"count": "reuse", "shown": "reuse"}
    assert invoke("commit").stdout.startswith("nothing to commit")


def test_commit_takes_a_file_that_was_made_by_hand(done, invoke):
    """It is what its stage gives from then on, for its readers as well."""
    (done / "out" / "rows.json").write_text("[9]")

    assert json.loads(invoke("commit", "count", "--json").stdout)["committed"] == ["count"]

    assert decisions(invoke) == {"count": "reuse", "shown": "run"}
    invoke("repro")
    assert (done / "shown.txt").read_text() == "9"
    assert (done / "out" / "rows.json").read_text() == "[9]"


def test_commit_keeps_nothing_if_an_output_is_missing(done, invoke):
    """Every stage of which nothing can be said is named."""
    edit(done, "sorted(numbers)", "sorted(numbers, reverse=False)")
    (done / "metrics.json").unlink()

    result = invoke("commit")

    assert result.exit_code == 2
    what = '"metrics.json" is not there: make it, or run "repro"'
    assert f'stage "count": {what} (pipeline.py:15)' in result.stderr
    (done / "out" / "rows.json").unlink()
    what = '"out/rows.json", "metrics.json" are not there: make them, or run "repro"'
    assert f'stage "count": {what} (pipeline.py:15)' in invoke("commit").stderr
    assert decisions(invoke) == {"count": "run", "shown": "run"}


def test_checkout_makes_outputs_again_without_the_code(done, invoke):
    """The locks say what they were; a file that is there as they say stays."""
    (done / "pipeline.py").unlink()
    (done / "shown.txt").unlink()

    result = invoke("checkout")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == "restored shown.txt\n1 restored, 2 unchanged, 0 left\n"
    assert (done / "shown.txt").read_text() == "1, 2, 3"


def test_checkout_replaces_no_content_that_is_kept_nowhere(done, invoke):
    """Unless it is asked to; what has a copy can be had again."""
    (done / "shown.txt").write_text("work of a day")

    result = invoke("checkout")

    assert result.exit_code == 1
    assert "shown.txt of shown: what is in it now is kept nowhere" in result.stderr
    assert (done / "shown.txt").read_text() == "work of a day"
    assert invoke("checkout", "--force").exit_code == 0
    assert (done / "shown.txt").read_text() == "1, 2, 3"


def test_checkout_may_leave_alone_what_is_there(done, invoke):
    """Then only what is missing is made."""
    (done / "shown.txt").unlink()
    (done / "out" / "rows.json").write_text("[9]")

    assert invoke("checkout", "--only-missing").exit_code == 0

    assert (done / "shown.txt").read_text() == "1, 2, 3"
    assert (done / "out" / "rows.json").read_text() == "[9]"


def test_checkout_says_what_the_store_does_not_have(done, invoke):
    """And what git has to bring back."""
    outs = {"gone.txt": OutLock("0" * 64, 3), "m.json": OutLock("1" * 64, 3, "metric", False)}
    Locks(done / ".pypedream").write(Lock("made", "key", outs=outs))

    result = invoke("checkout")

    assert result.exit_code == 1
    assert "gone.txt of made: the store has no copy of it" in result.stderr
    assert "m.json of made: git keeps it" in result.stderr


def test_checkout_needs_locks(project, invoke):
    """A stage that has none is named, and the nearest that has one."""
    assert invoke("checkout").exit_code == 2
    invoke("repro")
    assert 'no lock of a stage "shwn"; did you mean "shown"?' in invoke("checkout", "shwn").stderr


@pytest.mark.parametrize("command", ["repro", "status", "verify", "commit", "checkout"])
def test_a_file_in_the_place_of_a_stage_is_told_with_the_stage_that_writes_it(
    project, invoke, command
):
    """Other tools take files there."""
    invoke("repro", "-q")

    told = invoke(command, "out/rows.json").stderr

    assert told.endswith('stage "out/rows.json"; "count" is the stage that writes it\n')


def test_verify_is_content_when_all_is_as_it_was_written(done, invoke):
    """Nothing is written to find out."""
    result = invoke("verify")

    assert result.exit_code == 0
    assert result.stdout == "2 of 2 stages are up to date and whole\n"


def test_verify_names_every_fault(done, invoke):
    """A file that was changed, one that is gone, and a stage that would run."""
    (done / "out" / "rows.json").write_text("[9]")
    (done / "shown.txt").unlink()

    result = invoke("verify", "--json")

    assert result.exit_code == 1
    assert {fault["what"] for fault in json.loads(result.stdout)["faults"]} == {
        '"out/rows.json" is not what was written',
        '"shown.txt" is not there',
    }
    edit(done, '", "', '"; "')
    assert "shown: would run: " in invoke("verify").stderr


def test_checkout_replaces_a_metric_only_if_it_is_asked(done, invoke):
    """Git keeps it, and may have brought it. A small one is in the store as well."""
    before = (done / "metrics.json").read_text()
    (done / "metrics.json").write_text("{}")

    result = invoke("checkout")

    left = "left metrics.json of count: git keeps it: git checkout brings it back, or --force"
    assert result.stderr == f"{left} takes it from the store\n"
    assert invoke("checkout", "--force").exit_code == 0
    assert (done / "metrics.json").read_text() == before


def test_verify_may_do_without_files_that_the_store_has(done, invoke):
    """As on a machine that has the store and no checkout."""
    (done / "shown.txt").unlink()

    assert invoke("verify", "--allow-missing").exit_code == 0


def flip_a_bit_in_the_copy(done, invoke) -> None:
    """Spoil what the store has of "shown.txt", which is made too large for its index."""
    edit(done, 'return ", ".join(map(str, rows))', 'return ", ".join(map(str, rows)) * 9999')
    invoke("repro", "-q")
    blobs = [path for path in (done / ".pypedream" / "store").rglob("*") if path.is_file()]
    (large,) = [path for path in blobs if path.read_bytes().startswith(b"1, 2, 3")]
    large.chmod(0o600)
    data = bytearray(large.read_bytes())
    data[7] ^= 1
    large.write_bytes(data)


def test_verify_reads_the_copies(done, invoke, write):
    """A flipped bit in the store is found."""
    flip_a_bit_in_the_copy(done, invoke)

    result = invoke("verify")

    assert result.exit_code == 1
    assert 'shown: the copy of "shown.txt" in the store is changed' in result.stderr


@pytest.mark.parametrize(
    "gone", [("shown.txt",), ("shown.txt", "out/rows.json")], ids=["alone", "with what it reads"]
)
def test_an_output_whose_copy_is_damaged_is_made_again_at_once(done, invoke, gone):
    """As the plan says, which reads the copies that it needs."""
    flip_a_bit_in_the_copy(done, invoke)
    before = {name: (done / name).read_bytes() for name in gone}
    for name in gone:
        (done / name).unlink()

    assert decisions(invoke) == {"count": "reuse", "shown": "run"}
    with pytest.warns(CorruptEntryWarning, match="is changed and is not used"):
        result = invoke("repro", "--json")

    assert result.exit_code == 0
    assert stages_done(result) == {"count": "reused", "shown": "ok"}
    assert {name: (done / name).read_bytes() for name in gone} == before
    assert invoke("verify").exit_code == 0


def test_list_shows_stages_that_wait_for_each_other(project, invoke):
    """With what each reads of the other: a mistake is no reason to list nothing."""
    edit(project, 'Dep("in.json", JSON())', 'Dep("shown.txt", Text())')

    result = invoke("list")

    assert [line.split()[0] for line in result.stdout.splitlines()] == ["stage", "count", "shown"]
    assert '"count" reads file "shown.txt" of "shown" by "numbers"' in result.stderr


def test_list_shows_what_stages_read_and_write(project, invoke):
    """In the order of a run; what is no plain output says so."""
    lines = invoke("list").stdout.splitlines()

    assert [line.split() for line in lines[1:]] == [
        ["count", "in.json", "out/rows.json,", "metrics.json", "(metric)"],
        ["shown", "count", "out/rows.json", "shown.txt"],
    ]
    stages = json.loads(invoke("list", "--json").stdout)["stages"]
    assert stages[0]["outs"][1] == {
        "path": "metrics.json",
        "kind": "metric",
        "cached": False,
        "field": "metrics",
    }


def test_dag_shows_stages_or_files(project, invoke):
    """As text, and for two programs that draw."""
    assert "count" in invoke("dag").stdout
    assert invoke("dag", "--files").stdout.splitlines() == [
        "in.json -> count -> out/rows.json, metrics.json",
        "out/rows.json -> shown -> shown.txt",
    ]
    assert invoke("dag", "--files", "--mermaid").stdout.startswith("flowchart TD\n")
    assert '"in.json"' in invoke("dag", "--files", "--dot").stdout
    assert invoke("dag", "--mermaid").stdout.startswith("flowchart TD\n")
    assert invoke("dag", "--dot").stdout.startswith("digraph {\n")
    assert "exclude each other" in invoke("dag", "--dot", "--mermaid").stderr


FOLDER = """
    from typing import Annotated
    from pypedream import Pipeline
    from pypedream.files import Dep, DirectoryOut, Out
    from pypedream.formats import JSON, PathOnly, Text

    def split(
        numbers: Annotated[list, Dep("in.json", JSON())],
    ) -> Annotated[dict, DirectoryOut("parts/", JSON())]:
        return {f"{number}.json": number for number in numbers}

    def total(
        parts: Annotated[list, Dep(["parts/*.json"], JSON())],
    ) -> Annotated[str, Out("total.txt", Text())]:
        return str(sum(parts))

    def listed(
        folder: Annotated[object, Dep("parts/", PathOnly())],
    ) -> Annotated[str, Out("listed.txt", Text())]:
        return " ".join(sorted(path.name for path in folder.iterdir()))

    flow = Pipeline("folder")
    flow.register(split)
    flow.register(total)
    flow.register(listed)
"""


def test_a_folder_that_comes_back_holds_nothing_else(project, write, invoke):
    """What an earlier call left in it does not count for readers, and is taken away."""
    write("pipeline.py", FOLDER)
    seen = {}
    for numbers in ("[1, 2]", "[1]", "[1, 2]", "[1]"):
        write("in.json", numbers)
        if numbers in seen:
            status = json.loads(invoke("status", "--json").stdout)
            assert {one["decision"] for one in status["stages"]} == {"reuse"}
            assert status["takes_away"] == (["parts/2.json"] if numbers == "[1]" else [])
        assert invoke("repro", "-q").exit_code == 0
        found = [(project / name).read_text() for name in ("total.txt", "listed.txt")]
        assert seen.setdefault(numbers, found) == found
        assert invoke("verify").exit_code == 0

    assert seen == {"[1, 2]": ["3", "1.json 2.json"], "[1]": ["1", "1.json"]}


def test_what_somebody_put_into_a_folder_of_a_stage_is_named(project, write, invoke):
    """It is no output of the stage, and goes when its outputs are put back."""
    write("pipeline.py", FOLDER)
    invoke("repro", "-q")
    (project / "parts" / "9.json").write_text("9")

    assert 'split: "parts/9.json" was not written by it' in invoke("verify").stderr
    assert "takes away: parts/9.json" in invoke("status").stdout
    invoke("repro", "-q")
    assert not (project / "parts" / "9.json").exists()
    assert (project / "total.txt").read_text() == "6"


@pytest.fixture
def two(project, write, invoke, git, commit):
    """A project whose folder of outputs has a file more in its second version."""
    write("pipeline.py", FOLDER)
    for numbers in ("[1]", "[1, 2]"):
        write("in.json", numbers)
        assert invoke("repro", "-q").exit_code == 0
        with (project / ".gitignore").open("a") as file:
            file.write("/parts/\n")
        commit()
    git("checkout", "-q", "HEAD~1")
    return project


def test_checkout_leaves_nothing_of_another_version_in_a_folder(two, invoke, git):
    """What is removed is said, and the store has it: it comes back with its version."""
    result = invoke("checkout")

    assert result.exit_code == 0, result.stderr
    assert "removed parts/2.json\n" in result.stdout
    assert [path.name for path in (two / "parts").iterdir()] == ["1.json"]
    assert invoke("verify").exit_code == 0
    git("checkout", "-q", "-")
    assert "restored parts/2.json\n" in invoke("checkout").stdout


def test_checkout_removes_no_file_that_is_kept_nowhere(two, invoke):
    """It is named, and goes if that is wanted."""
    (two / "parts" / "mine.json").write_text("[7]")

    result = invoke("checkout")

    assert result.exit_code == 1
    assert "left parts/mine.json of split: it is not its own, and kept nowhere" in result.stderr
    assert (two / "parts" / "mine.json").exists()
    assert json.loads(invoke("checkout", "--force", "--json").stdout)["removed"] == [
        "parts/mine.json"
    ]
    assert not (two / "parts" / "mine.json").exists()


def test_checkout_of_what_is_missing_removes_nothing(two, invoke):
    """Files that are there stay as they are."""
    assert invoke("checkout", "--only-missing").exit_code == 0
    assert (two / "parts" / "2.json").exists()
