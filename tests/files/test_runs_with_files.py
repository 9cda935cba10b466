"""Runs with files: executors, failures, sweeps, what is left of a run, and values in its place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any

import pytest
from attrs import frozen

from pypedream import Parameters, Pipeline
from pypedream.errors import FormatError, PlanError, StoreError
from pypedream.files import Dep, DirectoryOut, Metric, Out
from pypedream.files.blobs import key_of
from pypedream.files.hashes import Digest
from pypedream.files.saving import save
from pypedream.formats import JSON, Loader, PathOnly, Text, Writer
from pypedream.store import CacheStore
from tests.files.test_in_a_run import count, decisions, flow_of, project, shown, states

__all__ = ["project"]

Numbers = Annotated[list[int], Dep("in.json", JSON())]


def by_item(number: int, numbers: Numbers) -> int:
    numbers.append(0)
    return number + sum(numbers)


def each(numbers: Numbers) -> int:
    return 10 * numbers  # type: ignore[return-value, operator]


def each_out(numbers: Numbers) -> Annotated[int, Out("each.json", JSON())]:
    return 0


def test_a_mapped_stage_reads_files(project: Path) -> None:
    """It is mapped over what is in one, or beside one; its value is in no file."""
    flow = Pipeline("mapped", Parameters.define(number=[1, 2]), progress=False, cache="cached")
    flow.stage(by_item, over="number")
    flow.stage(each, over="numbers")

    run = flow.run()

    assert run["each"] == [30, 10, 20]
    assert [stage.state for stage in flow.run().stages.values()] == ["reused", "reused"]
    (project / "in.json").write_text("[4]")
    assert flow.run()["each"] == [40]


def test_a_mapped_stage_writes_no_files(project: Path) -> None:
    """Each item would write the same one: the plan says how to do without."""
    flow = Pipeline("mapped")
    flow.stage(each_out, over="numbers")

    with pytest.raises(PlanError, match=r'each item would write "each\.json" anew: return the val'):
        flow.plan()


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_executors(project: Path, executor: str) -> None:
    """Files are loaded and saved where the function is called."""
    flow = flow_of(count, shown)

    run = flow.run(executor=executor)

    assert run["count"]["metrics"] == {"count": 3}
    assert (project / "shown.txt").read_text() == "1, 2, 3"
    assert states(flow_of(count, shown)) == {"count": "reused", "shown": "reused"}


async def slow(numbers: Numbers) -> Annotated[list[int], Out("slow.json", JSON())]:
    return numbers[:2]


def yielding(numbers: Numbers) -> Iterator[int]:
    yield from numbers


async def yielding_slowly(numbers: Numbers) -> AsyncIterator[int]:
    for number in numbers:
        yield number


def test_async_stages_and_generators(project: Path) -> None:
    """As without files."""
    flow = flow_of(slow, yielding, yielding_slowly)

    run = flow.run()

    assert dict(run) == {
        "slow": [3, 1],
        "yielding": [3, 1, 2],
        "yielding_slowly": [3, 1, 2],
    }


@frozen
class Failing(Loader[Any, Any]):
    """Fails while a file ``bad`` is there."""

    def load(self, path: Path) -> Any:
        return path.read_text()

    def save(self, data: Any, path: Path) -> None:
        path.write_text("half of it")
        if Path("bad").exists():
            how = Path("bad").read_text()
            Path("bad").unlink()
            raise KeyboardInterrupt if how == "interrupt" else OSError(how)
        path.write_text(data)


class Two(dict[str, Any]):
    pass


from typing import TypedDict  # noqa: E402


class Both(TypedDict):
    first: Annotated[str, Out("first.txt", Text())]
    second: Annotated[str, Out("second.txt", Failing())]


def both(numbers: Numbers) -> Both:
    return {"first": str(numbers), "second": str(numbers)}


def test_a_stage_is_tried_again_when_an_output_cannot_be_saved(project: Path) -> None:
    """With `retries`; nothing of the first try is left."""
    (project / "bad").write_text("full")
    flow = Pipeline("again", progress=False)
    flow.register(both, retries=1)

    run = flow.run()

    assert run["both"] == {"first": "[3, 1, 2]", "second": "[3, 1, 2]"}
    assert not [*project.glob(".tmp-*")]


class Undecodable(Mapping[str, Any]):
    """Outputs that are decoded when they are asked for."""

    def __getitem__(self, name: str) -> Any:
        return b"\xff".decode("ascii")

    def __iter__(self) -> Iterator[str]:
        return iter(("first", "second"))

    def __len__(self) -> int:
        return 2


class Unwritable(FormatError):
    pass


@frozen
class Refusing(Writer[Any]):
    error: Exception

    def save(self, data: Any, path: Path) -> None:
        if isinstance(self.error, FormatError):
            self.error.args = (f"{path} cannot be",)
        raise self.error


@dataclass(frozen=True)
class Frozen(Exception):
    """Takes no note."""


def frozen_error() -> Annotated[str, Out("a/b.txt", Refusing(Frozen()))]:
    return ""


def undecodable() -> Both:
    return Undecodable()  # type: ignore[return-value]


def unencodable() -> Annotated[
    str, Out("a/b.txt", Refusing(UnicodeEncodeError("x", "", 0, 1, "y")))
]:
    return ""


def unwritable() -> Annotated[str, Out("a/b.txt", Refusing(Unwritable("")))]:
    return ""


@frozen
class Unpacking(Writer[Any]):
    def save(self, data: Any, path: Path) -> None:
        path.mkdir(exist_ok=True)
        (path / "part").write_text(data)


def unpacked() -> Annotated[str, Out("parts", Unpacking())]:
    return "one"


def test_a_loader_that_writes_a_folder_has_to_say_so(project: Path) -> None:
    """The path does; nothing is put in its place before that is found out."""
    with pytest.raises(StoreError, match=r'^Unpacking wrote a folder for .* parts: write "parts/"'):
        flow_of(unpacked).run()
    assert not (project / "parts").exists()

    flow = Pipeline("files", progress=False, cache="cached")
    flow.register(unpacked, out_path_overrides={"return": "parts/"})

    assert flow.run().state == "ok"
    assert (project / "parts" / "part").read_text() == "one"


def a_file() -> Annotated[Path, Out("parts/", PathOnly())]:
    return Path(__file__)


def test_a_folder_that_was_promised_is_no_file(project: Path) -> None:
    """A file in the place of it would keep the stage from ever running again."""
    with pytest.raises(StoreError, match=r'^PathOnly wrote a file for .* parts/: write "parts"'):
        flow_of(a_file).run()
    assert not (project / "parts").exists()


RAISED = {
    undecodable: (UnicodeDecodeError, "__getitem__", r"codec can't decode", "what was returned"),
    unencodable: (
        UnicodeEncodeError,
        "save",
        r"^'x' codec",
        'while the output "a/b.txt" was written',
    ),
    unwritable: (Unwritable, "save", r"(?m)^a/b.txt cannot be \(.*:\d+\)$", ""),
}


@pytest.mark.parametrize("function", RAISED)
def test_what_is_raised_while_outputs_are_saved_stays_what_it_is(
    project: Path, function: Any
) -> None:
    """Its class and where it was raised; which output it was of is told besides."""
    kind, where, said, noted = RAISED[function]

    with pytest.raises(kind, match=said) as caught:
        flow_of(function).run()

    assert type(caught.value) is kind
    assert caught.traceback[-1].name == where
    assert noted in "\n".join(caught.value.__notes__)


def test_what_takes_no_note_is_raised_as_it_is(project: Path) -> None:
    """A loader's own exception is not replaced by one of its class."""
    stage = flow_of(frozen_error).stages["frozen_error"]

    with pytest.raises(Frozen):
        save(stage.files, "")


def test_others_go_on(project: Path) -> None:
    """With ``on_error="continue"``; the failure is told with the file that it read."""
    (project / "bad").write_text("full")
    flow = flow_of(both, count)

    run = flow.run(on_error="continue")

    assert (run.state, run.stages["both"].state, run["count"]["metrics"]) == (
        "failed",
        "failed",
        {"count": 3},
    )
    assert 'file "in.json"' in str(run.failure)
    assert run.failure.replay()["first"] == "[3, 1, 2]"
    assert not (project / "first.txt").exists()


def test_a_failed_call_becomes_a_test(project: Path) -> None:
    """With what was in the files."""
    (project / "bad").touch()
    flow = flow_of(count, shown, last)
    with pytest.raises(ValueError, match="bad"):
        flow.run()
    failure = flow.last_run.failure if flow.last_run is not None else None
    assert failure is not None

    written = failure.to_test(project / "test_last.py")

    assert "'1, 2, 3'" in written.read_text().replace('"', "'")


def test_ctrl_c_while_an_output_is_saved(project: Path) -> None:
    """The old ones stay, and the next run does it again."""
    flow_of(both).run()
    (project / "in.json").write_text("[1]")
    (project / "bad").write_text("interrupt")
    flow = flow_of(both)

    with pytest.raises(KeyboardInterrupt):
        flow.run()

    assert (project / "first.txt").read_text() == "[3, 1, 2]"
    assert flow.resume()["both"]["first"] == "[1]"


def test_a_process_that_is_killed_while_it_saves(project: Path) -> None:
    """What it had begun is removed by the next run."""
    script = dedent("""
        import os, signal
        from pathlib import Path
        from tests.files import test_runs_with_files as stages

        class Killed(type(stages.Failing())): ...
        def save(self, data, path):
            path.write_text("half of it")
            os.kill(os.getpid(), signal.SIGKILL)
        stages.Failing.save = save
        import pypedream.files.project as home
        home.root_of = lambda _: str(Path.cwd())
        stages.flow_of(stages.both).run()
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, timeout=60, check=False)

    assert done.returncode == -signal.SIGKILL
    assert [*project.glob(".tmp-*")]
    run = flow_of(both).run()
    assert run["both"]["second"] == "[3, 1, 2]"
    assert not [*project.glob(".tmp-*")]


def last(text: Annotated[str, Dep("shown.txt", Text())]) -> Annotated[str, Out("last.txt", Text())]:
    if Path("bad").exists():
        raise ValueError("bad")
    return text[-1]


@pytest.mark.parametrize("is_named", [False, True])
def test_resume(project: Path, is_named: bool) -> None:
    """What was written is taken over, unless what it was made of has changed since."""
    (project / "bad").touch()
    flow = flow_of(count, shown, last)
    with pytest.raises(ValueError, match="bad"):
        flow.run()
    assert flow.last_run is not None
    run = flow.last_run.id if is_named else flow.last_run
    (project / "bad").unlink()

    resumed = flow.resume(run)
    (project / "in.json").write_text("[5]")
    again = flow.resume(run)

    assert [stage.state for stage in resumed.stages.values()] == ["reused", "reused", "ok"]
    assert resumed["last"] == "3"
    assert [stage.state for stage in again.stages.values()] == ["ok", "ok", "ok"]
    assert again["last"] == "5"


def test_runs_of_the_past(project: Path) -> None:
    """Their values come from the copies that the store has, those of metrics as well."""
    first = flow_of(count, shown).run()
    (project / "in.json").write_text("[5]")
    second = flow_of(count, shown).run()
    history = flow_of(count, shown).history()

    assert [run["shown"] for run in history] == ["1, 2, 3", "5"]
    assert first["shown"] == "1, 2, 3"
    assert second.outputs["count"]["rows"] == [5]
    assert first["count"]["metrics"] == {"count": 3}
    changed = second.diff(first)
    assert "in.json" in str(changed)


def test_which_results_are_held(project: Path) -> None:
    """Released and taken over again."""
    run = flow_of(count, shown).run(keep="ends")

    assert run["shown"] == "1, 2, 3"


def scaled(
    numbers: Numbers, factor: int
) -> Annotated[list[int], Out("scaled/{factor}.json", JSON())]:
    return [factor * number for number in numbers]


def score(numbers: Numbers, factor: int) -> Annotated[dict[str, int], Metric("score.json")]:
    return {"score": factor * len(numbers)}


def test_a_sweep_over_a_parameter_in_a_path(project: Path) -> None:
    """Each point writes its own file; the table shows metrics, also those overwritten since."""
    flow = Pipeline("sweep", Parameters.define(factor=1), progress=False, cache="cached")
    flow.register(scaled)
    flow.register(score)

    runs = flow.map_runs([{"factor": factor} for factor in (1, 2, 3)])

    assert [run["scaled"] for run in runs] == [[3, 1, 2], [6, 2, 4], [9, 3, 6]]
    assert [row["score.score"] for row in runs.table()] == [3, 6, 9]
    assert sorted(path.name for path in (project / "scaled").iterdir()) == [
        "1.json",
        "2.json",
        "3.json",
    ]
    again = flow.map_runs(
        [{"factor": factor} for factor in (4, 5, 6)], at_once=3, only="scaled", results="scaled"
    )
    assert [row["scaled"] for row in again.table()] == [[12, 4, 8], [15, 5, 10], [18, 6, 12]]


def total(count: dict[str, Any]) -> int:
    return sum(count["rows"])


@pytest.mark.parametrize("is_there", [True, False], ids=["in place of others", "at first"])
def test_a_value_in_place_of_a_stage_is_written_to_its_files(project: Path, is_there: bool) -> None:
    """So those who read the files get it as well; the next run without it puts the old back."""
    flow = flow_of(count, shown)
    flow.stage(total)
    if is_there:
        flow.run()

    run = flow.run(given={"count": {"rows": [7, 8], "metrics": {"count": 0}}})

    assert (run["shown"], run["total"]) == ("7, 8", 15)
    assert json.loads((project / "out" / "rows.json").read_text()) == [7, 8]
    run = flow.run()
    assert (run["shown"], run["total"]) == ("1, 2, 3", 6)


def popping(rows: Annotated[list[int], Dep("out/rows.json", JSON())]) -> int:
    return rows.pop()


def popping_too(rows: Annotated[list[int], Dep("out/rows.json", JSON())]) -> int:
    return rows.pop()


def dropping(count: dict[str, Any]) -> int:
    return int(count["rows"].pop())


def dropping_too(count: dict[str, Any]) -> int:
    return int(count["rows"].pop())


def test_each_reader_has_its_own_value(project: Path) -> None:
    """To change it in place is nobody else's concern, and is not warned of."""
    flow = flow_of(count, popping, popping_too)
    flow.stage(dropping)
    flow.stage(dropping_too)

    run = flow.run(mutation="error")

    assert {run[key] for key in ("popping", "popping_too", "dropping", "dropping_too")} == {3}


def tasks(numbers: Numbers) -> Annotated[dict[str, Any], DirectoryOut("tasks/", JSON())]:
    return {f"{number}.json": number for number in numbers}


def gathered(
    parts: Annotated[list[int], Dep(["tasks/*.json"], JSON())],
) -> Annotated[int, Out("gathered.json", JSON())]:
    return sum(parts)


def test_a_folder_of_files_is_put_back_before_it_is_read(project: Path) -> None:
    """A pattern matches what will be there; nobody is called for nothing."""
    flow_of(tasks, gathered).run()
    for path in (project / "tasks").iterdir():
        path.unlink()
    (project / "gathered.json").unlink()

    assert decisions(flow_of(tasks, gathered)) == {"tasks": "reuse", "gathered": "reuse"}
    run = flow_of(tasks, gathered).run()

    assert run["gathered"] == 6
    assert run["tasks"] == {"1.json": 1, "2.json": 2, "3.json": 3}
    (project / "in.json").write_text("[4]")
    assert flow_of(tasks, gathered).run()["gathered"] == 4
    assert [path.name for path in (project / "tasks").iterdir()] == ["4.json"]
    (project / "tasks" / "mine.json").write_text("100")
    (project / "in.json").write_text("[3, 1, 2]")
    plan = flow_of(tasks, gathered).plan()

    assert {one.decision for one in plan.stages.values()} == {"reuse"}
    assert plan.overwrites == (
        '"tasks/mine.json", which "tasks" did not write (it will be removed)',
    )
    assert flow_of(tasks, gathered).run()["gathered"] == 6
    assert sorted(path.name for path in (project / "tasks").iterdir()) == [
        "1.json",
        "2.json",
        "3.json",
    ]


def warnings_of(run: Any) -> list[str]:
    return [event.event for event in run.events if event.kind == "warning"]


@pytest.mark.parametrize("cache", ["cached", "off", "force"])
def test_a_file_of_the_users_in_a_folder_of_a_stage_is_kept(project: Path, cache: str) -> None:
    """The folder is the stage's; what it did not write is told with its copy, each time."""
    flow_of(tasks).run()
    mine = project / "tasks" / "my notes.txt"

    for time in ("", " the last time"):
        mine.write_text("the only copy")
        run = flow_of(tasks).run(cache=cache)

        (told,) = warnings_of(run)
        key = key_of(Digest(sha256(b"the only copy").hexdigest(), 13))
        assert told == (
            f'"tasks/my notes.txt", which "tasks" did not write{time}, will be removed;'
            f" a copy is kept: cache get {key} 'tasks/my notes.txt' brings it back"
        )
        assert not mine.exists()
        assert CacheStore(project / ".pypedream" / "store")[key] == b"the only copy"
    assert warnings_of(flow_of(tasks).run(cache=cache)) == []


def test_an_output_that_was_changed_by_hand_is_kept(project: Path) -> None:
    """Also where the stage is called again, and where what is there is no output of it."""
    (project / "tasks").mkdir()
    (project / "tasks" / "1.json").write_text("mine")
    first = warnings_of(flow_of(tasks, gathered).run())
    (project / "gathered.json").write_text("-1")
    (project / "in.json").write_text("[4]")

    (changed,) = warnings_of(flow_of(tasks, gathered).run())

    assert [told.partition(";")[0] for told in first] == [
        '"tasks/1.json", which "tasks" did not write, will be removed'
    ]
    assert changed.startswith('"gathered.json", which was changed by hand, will be written; a cop')
    store = CacheStore(project / ".pypedream" / "store")
    assert {b"mine", b"-1"} <= {store[key] for key in store if key[:5] == "file/"}


def test_what_cannot_be_kept_is_not_removed(project: Path) -> None:
    """The run does not begin, and none is recorded."""
    flow_of(tasks).run()
    mine = project / "tasks" / "mine.bin"
    mine.write_bytes(bytes(20_000))
    blobs = project / ".pypedream" / "store" / "blobs"
    blobs.rmdir()
    blobs.write_text("a file in the place of a folder")

    with pytest.raises(StoreError, match=r"cannot write"):
        flow_of(tasks).run()

    assert mine.read_bytes() == bytes(20_000)
    assert len(list((project / ".pypedream" / "runs").iterdir())) == 1


def test_where_no_copy_may_be_kept_nothing_is_removed(project: Path) -> None:
    """What a run has kept a copy of before may go."""
    flow_of(tasks).run()
    mine = project / "tasks" / "mine.json"
    mine.write_text("100")

    with pytest.raises(StoreError, match=r'^"tasks/mine\.json", .* would be removed, .*: move it$'):
        flow_of(tasks).run(cache="read-only", checkpoint=False)
    assert mine.exists()
    flow_of(tasks).run()
    mine.write_text("100")

    run = flow_of(tasks).run(cache="read-only", checkpoint=False)

    assert len(warnings_of(run)) == 1
    assert not mine.exists()


def test_a_pattern_that_matches_nothing_is_noted(project: Path) -> None:
    """It is an empty list, which may be right."""
    flow = flow_of(gathered)

    assert flow.plan().notes == ['stage "gathered": no file matches "tasks/*.json" for "parts"']
    assert flow.run()["gathered"] == 0
