"""Past runs: what a workspace records, as runs whose values are loaded when asked for."""

from __future__ import annotations

import shutil
from pathlib import Path
from warnings import catch_warnings, simplefilter

import pytest

from pypedream import Parameters, Pipeline, Secret, sweep
from pypedream.engine.past_run import PastRun
from pypedream.errors import NoResult, StoreError, UnreadableResult
from pypedream.store import CorruptEntryWarning


def numbered(value):
    return {"mean": value["m"] / 2, "top": value["m"]}


@pytest.fixture
def flow(tmp_path) -> Pipeline:
    """A pipeline with a workspace; its second stage fails for b=0."""
    parameters = Parameters.define(a=6, b=1, model={"depth": 1}, token=Secret("hunter2000"))
    flow = Pipeline("ratios", parameters, workspace=tmp_path / "ws", progress=False)

    @flow.stage
    def load(a):
        print("loaded", a)
        return a

    @flow.stage
    def ratio(load, b):
        return load / b

    @flow.stage(output_mapper=numbered)
    def statistics(ratio):
        return {"m": ratio}

    return flow


def test_history_is_every_recorded_run_the_newest_last(flow):
    """With states, times, batches, and the parameters that somebody set or that differ."""
    alone = flow.run(b=2)
    runs = flow.map_runs([{"model.depth": 2}, {"b": 0}])

    history = flow.history()

    assert [run.id for run in history] == [alone.id, *(run.id for run in runs)]
    rows = history.table()
    assert [row["state"] for row in rows] == ["ok", "ok", "failed"]
    assert [row["batch"] for row in rows] == [None, runs.id, runs.id]
    assert [(row["b"], row["model.depth"]) for row in rows] == [(2, 1), (1, 2), (0, 1)]
    assert list(rows[0]) == [
        *("run", "started", "batch", "b", "model.depth", "state", "duration_s", "error")
    ]
    assert str(history).startswith("ratios: 3 runs: 2 ok, 1 failed\n")


def test_history_is_of_this_pipeline_and_of_the_workspace_that_is_named(flow, tmp_path):
    """Runs of others are not in it."""
    other = Pipeline("other", workspace=tmp_path / "ws", progress=False)
    other.stage(lambda: 1, name="one")
    other.run()
    flow.run(workspace=tmp_path / "elsewhere")

    assert len(flow.history()) == 0
    assert len(flow.history(workspace=tmp_path / "elsewhere")) == 1
    assert len(flow.history(workspace=tmp_path / "nowhere")) == 0
    assert not (tmp_path / "nowhere").exists()


def test_history_without_a_workspace_is_one_line(monkeypatch, tmp_path):
    """The environment may name one."""
    flow = Pipeline("lost", progress=False)
    flow.stage(lambda: 1, name="one")
    with pytest.raises(StoreError, match='"lost" has no workspace, so no run is recorded: write '):
        flow.history()

    monkeypatch.setenv("PYPEDREAM_WORKSPACE", str(tmp_path / "ws"))
    flow.run()

    assert len(flow.history()) == 1


def test_values_are_loaded_when_they_are_asked_for(flow):
    """Also those of what a stage named, and for the table and the best run."""
    flow.map_runs(sweep.grid(b=[1, 2, 3]))

    history = flow.history()

    assert [run["ratio"] for run in history] == [6, 3, 2]
    assert dict(history[0]) == {"load": 6, "ratio": 6, "statistics": {"m": 6}}
    assert history[1].outputs["statistics"] == {"return": {"m": 3}, "mean": 1.5, "top": 3}
    assert [row["statistics.mean"] for row in history.table("statistics.mean")] == [3, 1.5, 1]
    assert history.best("ratio", minimize=True).id == history[2].id


def test_a_past_run_is_read_like_a_run(flow):
    """Its parameters without secrets, its stages, its events, what failed."""
    with pytest.raises(ZeroDivisionError):
        flow.run(b=0)
    run, past = flow.last_run, flow.history()[0]

    assert isinstance(past, PastRun)
    assert (past.id, past.pipeline, past.state) == (run.id, "ratios", "failed")
    assert past.duration_s == pytest.approx(run.duration_s, abs=0.05)
    assert past.parameters == {"a": 6, "b": 0, "model": {"depth": 1}, "token": "***"}
    assert {key: stage.state for key, stage in past.stages.items()} == {
        key: stage.state for key, stage in run.stages.items()
    }
    assert [event.event for event in past.events] == [event.event for event in run.events]
    assert str(past.failure) == 'stage "ratio" failed: ZeroDivisionError: division by zero'
    assert past.failure.stage == run.failure.stage
    assert past.error == "ZeroDivisionError: division by zero"
    assert past.batch is None
    assert repr(past).splitlines()[0].startswith("ratios: failed in ")
    assert repr(past).splitlines()[2].split(maxsplit=2) == ["ratio", "failed", "division by zero"]
    assert list(past) == ["load"]
    assert "ratio" not in past


def test_a_past_run_says_why_it_has_no_result(flow):
    """As a run does."""
    flow.run(b=0, on_error="continue")
    flow.run(checkpoint=False)
    failed, unkept = flow.history()

    with pytest.raises(NoResult, match='stage "statistics" has no result, it is blocked: needs'):
        failed["statistics"]
    with pytest.raises(NoResult, match=r'no stage "raito"; did you mean "ratio"\?'):
        failed["raito"]
    with pytest.raises(NoResult, match='no stage "xyz": there are load, '):
        failed["xyz"]
    with pytest.raises(NoResult, match=f'result of stage "load" was not kept in run {unkept.id}'):
        unkept["load"]


def largest_file(folder: Path) -> Path:
    return max(folder.rglob("*"), key=lambda path: path.stat().st_size)


def test_a_result_that_is_damaged_is_said_to_be(flow, tmp_path):
    """By an exception where it is asked for, by a warning where a table shows the others."""
    flow.stage(lambda load: "x" * 100_000 * load, name="text")
    flow.map_runs(sweep.grid(a=[1, 2, 3]))
    first, second, third = flow.history()

    largest_file(tmp_path / "ws" / "store").write_bytes(b"damaged")
    with (
        pytest.warns(CorruptEntryWarning, match="is truncated"),
        pytest.raises(UnreadableResult, match='the kept result of stage "text" is truncated'),
    ):
        third["text"]
    with catch_warnings(record=True) as warned:
        simplefilter("always")
        rows = flow.history().table("text")

    assert [row["text"] for row in rows] == [first["text"], second["text"], None]
    assert str(warned[-1].message).startswith(f"run {third.id}: the kept result of stage")
    assert warned[-1].filename == __file__


def test_a_result_that_is_gone_is_none_any_more(flow, tmp_path):
    """As after a clean-up of the store."""
    flow.run()
    (past,) = flow.history()
    shutil.rmtree(tmp_path / "ws" / "store")

    with pytest.raises(NoResult, match='the result of stage "load" is kept no more'):
        past["load"]


def test_a_past_run_can_be_resumed_and_compared(flow):
    """By itself, from any run of the same workspace."""
    flow.map_runs([{"b": 3}, {"b": 0}, {"b": 0}])
    ok, first, second = flow.history()

    resumed = flow.resume(second, b=2)

    assert resumed["ratio"] == 3
    assert resumed.stages["load"].state == "reused"
    assert [change.name for change in ok.diff(resumed).parameters] == ["b"]
    assert [change.name for change in resumed.diff(ok).parameters] == ["b"]
    assert ok.diff(ok.id).is_empty
    assert first != second
    assert first == flow.history()[1]
    with pytest.raises(TypeError, match="diff takes a Run or the id of one, not 3"):
        ok.diff(3)


def test_a_damaged_record_of_a_batch_is_a_run_all_the_same(flow, tmp_path):
    """What the batch is cannot be told then."""
    (run,) = flow.map_runs([{}])
    record = tmp_path / "ws" / "runs" / run.id / "run.json"
    record.write_text(record.read_text().replace('"index": 0', '"index": "x"'))

    (past,) = flow.history()

    assert past.batch is None
    assert past.state == "ok"
