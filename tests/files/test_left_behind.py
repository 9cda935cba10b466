"""Files that a stage wrote under another name than it has for them now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest

from pypedream import Parameters, Pipeline
from pypedream.files import Dep, DirectoryOut, Out
from pypedream.files.locks import Locks
from pypedream.formats import JSON, Text
from tests.files.test_in_a_run import count, flow_of, project, shown

__all__ = ["project"]


def kept_as(path: str, *others: Any) -> Pipeline:
    """The pipeline with another path for what is shown."""
    flow = flow_of(count, *others)
    flow.register(shown, out_path_overrides={"return": path})
    return flow


def about(path: str, stage: str) -> str:
    what = f'"{path}", which "{stage}" wrote the last time, is written by no stage now'
    return f"{what}: delete it, unless you need it"


def showing_more(
    rows: Annotated[list[int], Dep("out/rows.json", JSON())],
) -> Annotated[str, Out("shown.txt", Text())]:
    return str(rows)


def reading(text: Annotated[str, Dep("shown.txt", Text())]) -> int:
    return len(text)


def gathering(texts: Annotated[list[str], Dep(["*.txt"], Text())]) -> int:
    return len(texts)


def by_year(year: int) -> Annotated[int, Out("{year}.json", JSON())]:
    return year


def parts(year: int) -> Annotated[dict[str, int], DirectoryOut("parts/", JSON())]:
    return {f"{year}.json": year}


def test_an_output_that_has_another_path_leaves_its_old_file(project: Path) -> None:
    """Who looks at the plan reads so, until the stage has written the other; it stays."""
    flow_of(count, shown).run()
    assert kept_as("shown.txt").plan().notes == []

    run = kept_as("other.txt", gathering).run()

    assert run.plan.notes == [about("shown.txt", "shown")]
    assert run["gathering"] == 2
    assert (project / "shown.txt").read_text() == "1, 2, 3"
    assert kept_as("other.txt").plan().notes == []
    assert kept_as("shown.txt").plan().notes == [about("other.txt", "shown")]


@pytest.mark.parametrize("taken", [showing_more, reading], ids=["written", "read"])
def test_a_file_that_another_stage_has_to_do_with_is_none_of_them(project: Path, taken: Any):
    """It is the output of that one now, or what that one reads."""
    flow_of(count, shown).run()

    assert kept_as("other.txt", taken).plan().notes == []


def test_a_file_that_is_gone_is_not_spoken_of(project: Path) -> None:
    """There is nothing to be done about it."""
    flow_of(count, shown).run()
    (project / "shown.txt").unlink()

    assert kept_as("other.txt").plan().notes == []


def test_a_file_of_other_values_is_right_as_it_is(project: Path) -> None:
    """Where a parameter is in the path; and a folder is replaced as a whole."""
    flow = Pipeline("files", Parameters.define(year=1), progress=False, cache="cached")
    flow.register(by_year)
    flow.register(parts)
    flow.run()

    assert flow.run(year=2).plan.notes == []
    assert [path.name for path in (project / "parts").iterdir()] == ["2.json"]


def in_folder(folder: str, many: int) -> Pipeline:
    """Stages each of which writes a file of its own."""
    flow = Pipeline("numbers", workspace=".pypedream", cache="cached")
    for number in range(many):
        path = {"return": f"{folder}/{number}.txt"}
        flow.register(numbered, name=f"n{number}", out_path_overrides=path)
    return flow


def numbered() -> Annotated[str, Out("n.txt", Text())]:
    return "1"


def test_locks_are_not_read_again_for_each_file_that_has_moved(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that got another name moves all of them."""
    asked: list[Locks] = []
    readable = Locks.readable
    monkeypatch.setattr(Locks, "readable", lambda self: asked.append(self) or readable(self))
    counts = []
    for many in (2, 5):
        in_folder(f"old{many}", many).run()
        asked.clear()

        notes = in_folder(f"new{many}", many).plan().notes

        assert notes == [about(f"old{many}/{number}.txt", f"n{number}") for number in range(many)]
        counts.append(len(asked))
    assert counts[0] == counts[1]
