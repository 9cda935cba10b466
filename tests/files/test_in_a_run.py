"""Stages with files in a pipeline: their order, what they write, and when they are called again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from pypedream import Pipeline
from pypedream.errors import MissingFile, PlanError
from pypedream.files import Dep, DirectoryOut, IncrementalOut, Metric, Out
from pypedream.formats import JSON, PathOnly, Text
from pypedream.store import CorruptEntryWarning


class Counted(TypedDict):
    rows: Annotated[list[int], Out("out/rows.json", JSON())]
    metrics: Annotated[dict[str, int], Metric("metrics.json")]


def count(numbers: Annotated[list[int], Dep("in.json", JSON())]) -> Counted:
    print("counting", len(numbers))
    return {"rows": sorted(numbers), "metrics": {"count": len(numbers)}}


def shown(
    rows: Annotated[list[int], Dep("out/rows.json", JSON())],
) -> Annotated[str, Out("shown.txt", Text())]:
    return ", ".join(map(str, rows))


def grown(
    seen: Annotated[dict[str, int], IncrementalOut("seen.json", JSON())],
    rows: Annotated[list[int], Dep("out/rows.json", JSON())],
) -> Annotated[dict[str, int], IncrementalOut("seen.json", JSON())]:
    return {**seen, str(len(seen)): len(rows)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one file; the pipeline is at home where the test runs."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "in.json").write_text("[3, 1, 2]")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pypedream.files.project.root_of", lambda _: str(tmp_path))
    return tmp_path


def flow_of(*functions: Any) -> Pipeline:
    flow = Pipeline("files", progress=False, cache="cached")
    for function in functions:
        flow.register(function)
    return flow


def decisions(flow: Pipeline) -> dict[str, str]:
    return {key: stage.decision for key, stage in flow.plan().stages.items()}


def states(flow: Pipeline) -> dict[str, str]:
    return {key: stage.state for key, stage in flow.run().stages.items()}


def test_paths_say_what_comes_first(project: Path) -> None:
    """A stage that reads what another writes comes after it, wherever it is registered."""
    run = flow_of(shown, count).run()

    assert [*run] == ["count", "shown"]
    assert run["shown"] == "1, 2, 3"
    assert (project / "shown.txt").read_text() == "1, 2, 3"
    assert json.loads((project / "metrics.json").read_text()) == {"count": 3}


def test_a_value_is_what_is_in_the_file(project: Path) -> None:
    """A stage without files gets what was written, by field; so does who looks at the run."""
    flow = flow_of(count)

    @flow.stage
    def total(count: dict[str, Any]) -> int:
        return sum(count["rows"]) + count["metrics"]["count"]

    run = flow.run()

    assert run["total"] == 9
    assert run["count"] == {"rows": [1, 2, 3], "metrics": {"count": 3}}
    assert run.outputs["count"]["metrics"] == {"count": 3}


def test_nothing_is_called_again_while_files_are_the_same(project: Path) -> None:
    """Another process would find the same: only what is on the disk counts."""
    flow_of(count, shown).run()

    assert states(flow_of(count, shown)) == {"count": "reused", "shown": "reused"}


def test_a_file_that_changed_is_read_again_and_no_further_than_it_matters(project: Path) -> None:
    """The order of the numbers changes nothing in what is written, so no reader is called."""
    flow_of(count, shown).run()
    (project / "in.json").write_text("[1, 2, 3]")

    flow = flow_of(count, shown)

    assert flow.plan().stages["count"].reason == 'file "in.json" 649eda3a -> a36b1f2c'
    assert states(flow) == {"count": "ok", "shown": "reused"}


def test_an_output_that_is_gone_is_put_back(project: Path) -> None:
    """What the store has a copy of is not computed again; changed by hand, it is put back, too."""
    flow_of(count, shown).run()
    (project / "shown.txt").unlink()
    (project / "out" / "rows.json").write_text("[]")

    flow = flow_of(count, shown)

    assert decisions(flow) == {"count": "reuse", "shown": "reuse"}
    assert states(flow) == {"count": "reused", "shown": "reused"}
    assert (project / "shown.txt").read_text() == "1, 2, 3"
    assert json.loads((project / "out" / "rows.json").read_text()) == [1, 2, 3]


def test_a_metric_that_is_gone_is_put_back(project: Path) -> None:
    """Git keeps metrics, and of small ones there is a copy as well."""
    flow_of(count, shown).run()
    (project / "metrics.json").unlink()

    assert decisions(flow_of(count, shown)) == {"count": "reuse", "shown": "reuse"}
    assert states(flow_of(count, shown)) == {"count": "reused", "shown": "reused"}
    assert json.loads((project / "metrics.json").read_text()) == {"count": 3}


def many(
    numbers: Annotated[list[int], Dep("in.json", JSON())],
) -> Annotated[dict[str, int], Metric("metrics.json")]:
    return {f"number {number}": number for number in range(1000)}


def test_a_large_metric_that_is_gone_is_computed_again(project: Path) -> None:
    """There is no copy of it. It is said once that there is none."""
    flow_of(many).run()
    (project / "metrics.json").unlink()

    flow = flow_of(many)

    assert flow.plan().stages["many"].reason == (
        '"metrics.json" is not there as it wrote it, and no copy is kept'
    )
    run = flow.run()
    assert run.stages["many"].state == "ok"
    assert [one.event for one in run.events if one.level == "warning"] == [
        '"metrics.json" is not what was written, and no copy is kept; it is called again'
    ]


def long(
    rows: Annotated[list[int], Dep("in.json", JSON())],
) -> Annotated[str, Out("long.txt", Text())]:
    return "long" * 9999


def test_a_copy_that_is_damaged_after_the_plan_is_not_used(project: Path) -> None:
    """The stage is called, although there was nothing to do."""
    flow_of(long).run()
    (project / "long.txt").unlink()
    (copy,) = (project / ".pypedream" / "store" / "blobs").rglob("*/*")
    assert decisions(flow_of(long)) == {"long": "reuse"}

    def spoil(event: Any) -> None:
        if event.kind == "run.start":
            copy.chmod(0o600)
            copy.write_bytes(copy.read_bytes().replace(b"long", b"lung"))

    with pytest.warns(CorruptEntryWarning, match="is changed and is not used"):
        run = flow_of(long).run(sinks=[spoil])

    assert run.stages["long"].state == "ok"
    assert (project / "long.txt").read_text().startswith("long")


def test_content_that_was_there_before_is_found(project: Path) -> None:
    """Who goes back to an earlier input gets the earlier outputs without a call."""
    flow_of(count, shown).run()
    (project / "in.json").write_text("[7]")
    flow_of(count, shown).run()
    (project / "in.json").write_text("[3, 1, 2]")
    (project / "metrics.json").write_text('{\n  "count": 3\n}\n')

    assert states(flow_of(count, shown)) == {"count": "reused", "shown": "reused"}
    assert (project / "shown.txt").read_text() == "1, 2, 3"


def test_an_incremental_output_goes_on_from_what_was_there(project: Path) -> None:
    """The first time it is the empty value; what was there is no reason to call the stage."""
    run = flow_of(count, grown).run()

    assert run["grown"] == {"0": 3}
    assert states(flow_of(count, grown)) == {"count": "reused", "grown": "reused"}
    (project / "in.json").write_text("[1]")
    assert flow_of(count, grown).run()["grown"] == {"0": 3, "1": 1}


def test_two_stages_cannot_write_one_file(project: Path) -> None:
    """The plan names both."""
    flow = flow_of(count)
    flow.register(count, name="again")

    with pytest.raises(PlanError, match=r'"count" and "again" both write "metrics\.json"'):
        flow.plan()


def test_files_that_are_not_there_are_mistakes_of_the_plan(project: Path) -> None:
    """All of them at once, with the nearest name in the folder; nothing is called."""
    (project / "in.json").rename(project / "im.json")

    with pytest.raises(PlanError) as caught:
        flow_of(count, shown, lone, lost).run()

    told = [str(one).rpartition(" (")[0] for one in caught.value.problems]
    assert told == [
        'stage "count": there is no file "in.json" for "numbers"; did you mean "im.json"?',
        'stage "lone": there is no file "out/row.json" for "x"; did you mean "out/rows.json"?',
        'stage "lost": there is no file "deep/x.json" for "x"; there is no folder "deep"',
    ]


def test_a_file_that_is_not_there_is_near_to_none_by_its_ending_alone(project: Path) -> None:
    """All of a project may end alike."""
    (project / "in.json").rename(project / "other.json")

    with pytest.raises(PlanError, match=r'there is no file "in\.json" for "numbers" \('):
        flow_of(count).plan()


def test_a_file_that_is_to_be_written_has_to_be_asked_for(project: Path) -> None:
    """Unless it is there already."""
    with pytest.raises(PlanError, match='which is not there: select stage "count" too'):
        flow_of(count, shown).plan(only="shown")

    flow_of(count).run()
    (project / "in.json").write_text("[8]")
    plan = flow_of(count, shown).plan(only="shown")

    assert plan.stages["shown"].reason == "no result of it is kept"
    assert flow_of(count, shown).run(only="shown")["shown"] == "1, 2, 3"
    assert flow_of(count, shown).plan(only="shown").stages["shown"].decision == "reuse"


def lone(x: Annotated[Any, Dep("out/row.json", JSON())]) -> Annotated[Any, Out("1.json", JSON())]:
    return x


def lost(x: Annotated[Any, Dep("deep/x.json", JSON())]) -> Annotated[Any, Out("2.json", JSON())]:
    return x


def parts(
    x: Annotated[list[int], Dep("in.json", JSON())],
) -> Annotated[dict[str, Any], DirectoryOut("p/", JSON())]:
    return {"a.json": x}


def test_a_folder_in_the_place_of_a_file_is_a_mistake_of_the_plan(project: Path) -> None:
    """It is not replaced: no stage wrote it. A file in the place of a folder is another one."""
    (project / "in.json").unlink()
    for name in ("in.json", "out/rows.json"):
        (project / name).mkdir(parents=True)
        (project / name / "mine.txt").write_text("mine")
    (project / "p").write_text("mine")

    with pytest.raises(PlanError) as caught:
        flow_of(count, parts).run()

    told = [str(one).rpartition(" (")[0] for one in caught.value.problems]
    reads = 'is a folder, and JSON reads a file: ["in.json/*"] is a list of what is in it'
    move = "move that away, or give the output another path"
    assert told == [
        f'stage "count": "in.json" for "numbers" {reads}',
        f'stage "count": its output "out/rows.json" is a file, and there is a folder: {move}',
        f'stage "parts": "in.json" for "x" {reads}',
        f'stage "parts": its output "p/" is a folder, and there is a file: {move}',
    ]
    assert (project / "out" / "rows.json" / "mine.txt").read_text() == "mine"


def by_itself() -> Annotated[Any, Out("made", PathOnly())]:
    Path("made").write_text("1")
    return "made"


def test_a_folder_in_the_place_of_a_file_that_a_stage_writes_itself_is_a_mistake(
    project: Path,
) -> None:
    """Its loader may write folders, whose paths end with a slash; it is not replaced, either."""
    (project / "made").mkdir()
    (project / "made" / "mine.txt").write_text("mine")

    with pytest.raises(
        PlanError, match=r'"made" is a file, and there is a folder: write "made/" if'
    ):
        flow_of(by_itself).run()

    assert (project / "made" / "mine.txt").read_text() == "mine"


def own(
    x: Annotated[Any, Dep("in.json", JSON())],
) -> Annotated[Any, Out("test_in_a_run.py", JSON())]:
    return x


def test_a_stage_does_not_write_over_its_own_code(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not that is a loss: the next run could not load it."""
    monkeypatch.setattr("pypedream.files.project.root_of", lambda _: str(Path(__file__).parent))

    with pytest.raises(PlanError, match=r'"test_in_a_run\.py" is the file that defines it: give'):
        flow_of(own).plan(allow_missing=True)


def below(x: Annotated[Any, Dep("in.json/x", JSON())]) -> Annotated[Any, Out("1.json", JSON())]:
    return x


def deep(x: Annotated[Any, Dep("link.json", JSON())]) -> Annotated[Any, Out("other/a/1", JSON())]:
    return x


def test_what_is_no_way_to_a_file_is_told(project: Path) -> None:
    """A file where a folder has to be, and a symbolic link to nothing."""
    (project / "link.json").symlink_to("gone.json")
    (project / "other").touch()

    with pytest.raises(PlanError) as caught:
        flow_of(below, deep).plan()

    nowhere = "it is a symbolic link to gone.json, which is not there"
    move = "give the output another path"
    assert [str(one).rpartition(" (")[0] for one in caught.value.problems] == [
        f'stage "deep": its output "other/a/1" is inside of "other", which is a file: {move}',
        'stage "below": there is no file "in.json/x" for "x"; "in.json" is a file',
        f'stage "deep": there is no file "link.json" for "x"; {nowhere}',
    ]


def test_a_file_that_disappears_before_its_stage_is_named(project: Path) -> None:
    """The error is also a FileNotFoundError."""
    flow = flow_of(count)
    plan = flow.plan()

    (project / "in.json").unlink()
    with pytest.raises(MissingFile, match=r'there is no file "in\.json"'):
        raise flow._launch(plan).carry_out().error


def test_outputs_that_were_changed_by_hand_are_named(project: Path) -> None:
    """Whether they are put back or written anew; what the store has a copy of is not."""
    (project / "shown.txt").write_text("mine")
    first = flow_of(count, shown).plan()
    flow_of(count, shown).run()
    (project / "in.json").write_text("[5]")
    flow_of(count, shown).run()
    (project / "out" / "rows.json").write_text("[0]")
    (project / "shown.txt").write_text("1, 2, 3")

    kept = flow_of(count, shown).plan()
    (project / "in.json").write_text("[6]")
    called = flow_of(count, shown).plan()

    assert first.overwrites == ('"shown.txt", which "shown" did not write (it will be replaced)',)
    assert kept.overwrites == ('"out/rows.json", which was changed by hand (it will be put back)',)
    assert called.overwrites == ('"out/rows.json", which was changed by hand (it will be written)',)


def test_braces_in_a_path(project: Path) -> None:
    """Two of them stand for one."""
    flow = flow_of(count)
    flow.register(shown, out_path_overrides={"return": "{{shown}}.txt"})

    flow.run()

    assert (project / "{shown}.txt").read_text() == "1, 2, 3"


def test_a_path_that_cannot_be_made_is_the_one_mistake(project: Path) -> None:
    """Its argument is one of a file all the same, and needs no parameter or stage of its name."""
    flow = flow_of(count)
    flow.register(shown, dep_path_overrides={"rows": "{kind}.json"})

    with pytest.raises(PlanError) as caught:
        flow.plan()

    (mistake,) = caught.value.problems
    assert str(mistake).startswith('stage "shown": argument "rows": "{kind}.json": no parameter "k')


def test_a_stage_that_fails_leaves_its_outputs_as_they_were(project: Path) -> None:
    """Nothing is replaced when a function raises, or one of its outputs cannot be saved."""
    flow_of(count).run()
    (project / "in.json").write_text('["a", 1]')

    with pytest.raises(TypeError):
        flow_of(count).run()

    assert json.loads((project / "metrics.json").read_text()) == {"count": 3}


def test_the_function_can_be_called_with_values() -> None:
    """Annotations bind nothing outside a pipeline."""
    assert count([2, 1]) == {"rows": [1, 2], "metrics": {"count": 2}}


def test_a_run_that_takes_nothing_over_leaves_all_up_to_date(project: Path) -> None:
    """By default every stage is called, and what it wrote is kept and locked all the same."""
    flow = Pipeline("plain", progress=False)
    flow.register(count)
    flow.register(shown)

    for _ in range(2):
        assert {key: stage.state for key, stage in flow.run().stages.items()} == {
            "count": "ok",
            "shown": "ok",
        }

    assert (project / ".pypedream" / "locks" / "count.json").exists()
    plan = flow.plan(cache="cached")
    assert {one.decision for one in plan.stages.values()} == {"reuse"}


def listed_wide(
    numbers: Annotated[list[int], Dep("in.json", JSON())],
) -> Annotated[list[int], Out("out.json", JSON(indent=4))]:
    return numbers


def listed_so(
    numbers: Annotated[list[int], Dep("in.json", JSON())],
) -> Annotated[list[int], Out("out.json", JSON())]:
    return numbers


def test_an_option_of_a_loader_is_a_reason_that_is_named(project: Path) -> None:
    """As it was, and as it is; so is another path."""
    listed_so.__name__ = listed_so.__qualname__ = "listed_wide"
    flow_of(listed_so).run()

    (planned,) = flow_of(listed_wide).plan().stages.values()

    assert "outputs out.json JSON() -> out.json JSON(indent=4)" in planned.reason
