"""History: what can be known of runs from their records, however they ended."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

import pypedream
from pypedream import Parameters, Pipeline
from pypedream.engine.history import recorded_events, recorded_run, recorded_runs
from pypedream.errors import RunCancelled, StoreError

PACKAGE = str(Path(pypedream.__file__).parents[1])

WAITING = """
import time
from pathlib import Path
from pypedream import Pipeline

flow = Pipeline("waiting", workspace="ws", progress=False)

@flow.stage
def first():
    print("first has run")

@flow.stage
def wait(first):
    Path("waiting").touch()
    time.sleep(60)

flow.run()
"""


@pytest.fixture
def flow(tmp_path) -> Pipeline:
    """A pipeline with a record; its second stage fails for b=0."""
    flow = Pipeline(
        "ratios", Parameters.define(a=1, b=1), workspace=tmp_path / "ws", progress=False
    )

    @flow.stage
    def load(a):
        print("loaded", a)
        return a

    @flow.stage
    def ratio(load, b):
        print("dividing by", b)
        return load / b

    return flow


@pytest.fixture
def waiting(tmp_path):
    """A process whose run is in the middle of its second stage."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=tmp_path, env={**os.environ, "PYTHONPATH": PACKAGE}
    )
    while not (tmp_path / "waiting").exists() and process.poll() is None:
        time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


def test_a_run_that_ended_has_its_state_and_numbers(flow, tmp_path):
    """The record says what the run said."""
    run = flow.run(b=4)

    (recorded,) = recorded_runs(tmp_path / "ws")

    assert recorded.id == run.id
    assert (recorded.pipeline, recorded.state) == ("ratios", "ok")
    assert recorded.stages == ("load", "ratio")
    assert recorded.ended == {"ok": 2}
    assert recorded.parameters == {"a": 1, "b": 4}
    assert recorded.duration_s == pytest.approx(run.duration_s, abs=0.05)


def test_a_failed_run_is_failed(flow, tmp_path):
    """The counts say how far it came."""
    with pytest.raises(ZeroDivisionError):
        flow.run(b=0)

    recorded = recorded_run(tmp_path / "ws")

    assert recorded.state == "failed"
    assert recorded.ended == {"ok": 1, "failed": 1}


def test_a_cancelled_run_is_cancelled(flow, tmp_path):
    """A stage may cancel its own run."""
    flow.stage(lambda ratio: flow.last_run.cancel(), name="stop")
    flow.stage(lambda stop: 1, name="never")
    with pytest.raises(RunCancelled):
        flow.run()

    assert recorded_run(tmp_path / "ws").state == "cancelled"


def test_a_run_is_running_as_long_as_its_process_lives(tmp_path, waiting):
    """No poll takes it for anything else."""
    polls = {recorded_run(tmp_path / "ws").state for _ in range(300)}

    assert polls == {"running"}
    assert recorded_run(tmp_path / "ws").ended == {}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_whether_a_run_lives_is_not_guessed(flow, no_locks):
    """Where no file can be locked a dead run would look like one that lives, so none begins."""
    with pytest.raises(StoreError, match=r"cannot write the workspace .*: No locks available"):
        flow.run()


def test_whether_a_recorded_run_lives_is_not_guessed(flow, tmp_path, request):
    """It is said why nobody can tell."""
    run = flow.run()
    request.getfixturevalue("no_locks")

    with pytest.raises(StoreError, match=f"whether run {run.id} goes on: .*: No locks available"):
        recorded_runs(tmp_path / "ws")


def test_a_run_that_was_killed_has_crashed_at_once(tmp_path, waiting):
    """What it had said until then can be read."""
    waiting.send_signal(signal.SIGKILL)
    waiting.wait()

    recorded = recorded_run(tmp_path / "ws")

    assert recorded.state == "crashed"
    assert recorded.duration_s > 0
    events = recorded_events(recorded)
    assert [event.event for event in events if event.kind == "print"] == ["first has run"]
    assert events[-1].kind == "stage.start"


def test_the_newest_run_comes_first(flow, tmp_path):
    """Ids sort by time, also several in one second."""
    ids = []
    for _ in range(3):
        ids.append(flow.run().id)
        time.sleep(0.002)

    assert [run.id for run in recorded_runs(tmp_path / "ws")] == ids[::-1]
    assert recorded_run(tmp_path / "ws").id == ids[-1]
    assert recorded_run(tmp_path / "ws", "last").id == ids[-1]


def test_a_run_is_found_by_the_beginning_of_its_id(flow, tmp_path):
    """As long as no other run begins so."""
    first, second = flow.run().id, flow.run().id
    differ = next(place for place in range(26) if first[place] != second[place])
    common = first[:differ]

    assert recorded_run(tmp_path / "ws", first[: differ + 1]).id == first
    with pytest.raises(StoreError, match=f'2 runs begin with "{common}": '):
        recorded_run(tmp_path / "ws", common)


def test_a_run_is_found_by_how_many_came_after_it(flow, tmp_path):
    """As many steps back as there are."""
    first, second = flow.run().id, flow.run().id

    assert recorded_run(tmp_path / "ws", "last~0").id == second
    assert recorded_run(tmp_path / "ws", "last~1").id == first
    with pytest.raises(StoreError, match='no run "last~2": there are only 2 in '):
        recorded_run(tmp_path / "ws", "last~2")


def test_a_record_has_the_environment_of_the_run(flow, tmp_path):
    """Python, the machine, and what pypedream needs; its own version is the installed one."""
    flow.run()

    found = recorded_run(tmp_path / "ws").environment

    assert found["python"] == platform.python_version()
    assert found["host"] == platform.node()
    assert found["platform"].endswith(platform.machine())
    for name in ("attrs", "click", "structlog", "toolz"):
        assert found[f"package {name}"] == version(name)
    assert "package pypedream" in found


def test_a_journal_of_which_nothing_can_be_read_is_named(flow, tmp_path):
    """One that is empty is a run that has just begun."""
    run = flow.run()
    journal = tmp_path / "ws" / "runs" / run.id / "journal.jsonl"

    journal.write_bytes(b"\xff\n")
    assert recorded_run(tmp_path / "ws").unreadable == ("journal.jsonl",)
    journal.write_bytes(b"")
    assert recorded_run(tmp_path / "ws").unreadable == ()


def test_an_unknown_run_is_refused_with_those_that_there_are(flow, tmp_path):
    """The text helps on."""
    run = flow.run()

    with pytest.raises(StoreError, match=f'no run "zzz" in .*ws; the last are {run.id}'):
        recorded_run(tmp_path / "ws", "zzz")


def test_a_workspace_that_is_not_there_has_no_runs(tmp_path):
    """Looking makes nothing."""
    assert recorded_runs(tmp_path / "ws") == []
    with pytest.raises(StoreError, match="no run is recorded in "):
        recorded_run(tmp_path / "ws")
    assert not (tmp_path / "ws").exists()


def test_events_are_those_of_the_run_in_order(flow, tmp_path):
    """Journal and logs make one list again."""
    run = flow.run()

    assert recorded_events(recorded_run(tmp_path / "ws")) == list(run.events)


@pytest.mark.parametrize(
    "wanted, texts",
    [
        ({"stage": "load"}, ["stage.start", "loaded 1", "stage.end"]),
        ({"grep": "divid.ng"}, ["dividing by 0"]),
        ({"level": "error"}, ["stage.end", "run.end"]),
        ({"stage": "ratio", "level": "error"}, ["stage.end"]),
        ({"grep": "ZeroDivision"}, ["stage.end"]),
    ],
    ids=["stage", "grep", "level", "both", "values"],
)
def test_events_are_chosen_by_stage_level_and_pattern(flow, tmp_path, wanted, texts):
    """All that is asked for must hold; a pattern is also looked for in the values."""
    with pytest.raises(ZeroDivisionError):
        flow.run(b=0)

    events = recorded_events(recorded_run(tmp_path / "ws"), **wanted)

    assert [event.event for event in events] == texts


def test_an_unknown_stage_is_refused(flow, tmp_path):
    """With the nearest name."""
    flow.run()

    with pytest.raises(StoreError, match='has no stage "laod"; did you mean "load"'):
        recorded_events(recorded_run(tmp_path / "ws"), stage="laod")


def say(n):
    print(n)


def test_the_events_of_an_item_are_chosen_by_its_key(tmp_path):
    """With the stage or without; a key may have brackets, and so may a stage."""
    flow = Pipeline(
        "mapped", Parameters.define(files={"a[0]": 1, "b": 2}), workspace=tmp_path, progress=False
    )
    flow.stage(say, over={"n": "files"}, name="load")
    flow.stage(lambda: print("both"), name="load[b]")
    flow.run()
    recorded = recorded_run(tmp_path)

    def printed(**wanted):
        events = recorded_events(recorded, **wanted)
        return [event.event for event in events if event.kind == "print"]

    assert printed(item="b") == printed(stage="load", item="b") == ["2"]
    assert printed(stage="load[a[0]]") == ["1"]
    assert printed(stage="load[b]") == ["both"]
    with pytest.raises(StoreError, match='stage "load" says nothing of an item "c": there are a'):
        recorded_events(recorded, stage="load[c]")


@pytest.mark.parametrize(
    "damage",
    [
        b'{"seq": 3, "ki',
        b"\xff\xfe\x00\n",
        b"[]\n",
        b'{"kind": 3}\n',
        b"[" * 100_000 + b"\n",
    ],
    ids=["torn", "no text", "no event", "no kind", "too deep"],
)
def test_a_line_that_cannot_be_read_is_counted(flow, tmp_path, damage):
    """All others are still there; the last event says how many are not."""
    run = flow.run()
    with (tmp_path / "ws" / "runs" / run.id / "logs.jsonl").open("ab") as file:
        file.write(damage)

    *events, last = recorded_events(recorded_run(tmp_path / "ws"))

    assert events == list(run.events)
    assert (last.kind, last.level, last.data["count"]) == ("dropped", "warning", 1)
    assert last.event == "1 line of the record cannot be read"


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "print"},
        {"kind": "print", "seq": "x", "dt": None, "pid": 1e999, "level": [], "data": "no"},
        {"kind": "print", "seq": 10**400, "stage": 3, "event": {"a": 1}, "stream": 5},
    ],
    ids=["empty", "wrong types", "huge"],
)
def test_a_forged_line_has_the_types_of_an_event(flow, tmp_path, line):
    """Whoever reads events needs not look at what they are made of."""
    run = flow.run()
    text = json.dumps({**line, "run": run.id})
    with (tmp_path / "ws" / "runs" / run.id / "logs.jsonl").open("a") as file:
        file.write(text + "\n")

    events = recorded_events(recorded_run(tmp_path / "ws"))

    assert len(events) == len(run.events) + 1
    for event in events:
        assert isinstance(event.event, str)
        assert isinstance(event.level, str)
        assert isinstance(event.seq, int)
        assert isinstance(event.stage, str | None)
        assert isinstance(event.data, dict | None)


def test_a_record_without_its_description_is_still_a_run(flow, tmp_path):
    """A broken run.json costs the names, not the run."""
    run = flow.run()
    (tmp_path / "ws" / "runs" / run.id / "run.json").write_text("{", encoding="utf-8")

    recorded = recorded_run(tmp_path / "ws")

    assert (recorded.pipeline, recorded.state, recorded.stages) == ("?", "ok", ())
    assert recorded.unreadable == ("run.json",)
    assert len(recorded_events(recorded, stage="load")) == 3


def test_reading_changes_nothing(flow, tmp_path):
    """No file is written, made or touched."""
    flow.run()
    folder = tmp_path / "ws"

    def state():
        return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    before = state()
    recorded_events(recorded_run(folder))
    recorded_runs(folder)

    assert state() == before


def states_seen(workspace: Path) -> set[str]:
    """Look at the newest run from eight threads at once, a thousand times."""

    def look(_: int) -> str:
        return recorded_run(workspace).state

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(look, range(1000)))


@pytest.mark.skipif(sys.platform == "win32", reason="a lock of Windows cannot be shared")
def test_many_who_look_do_not_mistake_each_other_for_the_run(tmp_path, waiting):
    """A run that lives is running for all of them, and one that is dead has crashed."""
    seen = states_seen(tmp_path / "ws")
    waiting.kill()
    waiting.wait()

    assert seen == {"running"}
    assert states_seen(tmp_path / "ws") == {"crashed"}
