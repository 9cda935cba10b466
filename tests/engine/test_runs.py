"""Runs as a table: what it shows, the best of them, and what is held in memory."""

from __future__ import annotations

import datetime
import gc
import math
import re
import weakref

import pytest

from pypedream import CHILL, KeyedOutputMapper, Parameters, Pipeline, sweep
from pypedream.engine.past_run import PastRun
from pypedream.engine.run import Run
from pypedream.errors import NoResult

ALIVE = weakref.WeakSet()


class Blob:
    """A value that says when it is let go of."""

    def __init__(self, number):
        self.number = number
        ALIVE.add(self)

    def __setstate__(self, state):
        self.__init__(state["number"])


def blobs(n):
    return Blob(n)


def number(blobs):
    if blobs.number == 2:
        raise ValueError("not two")
    return blobs.number


@pytest.fixture
def flow() -> Pipeline:
    """A pipeline that gives numbers, a dict of numbers, and something large."""
    flow = Pipeline("model", Parameters.define(rate=0.5, depth=1, seed=0), progress=False)

    @flow.stage
    def data(depth):
        return list(range(depth))

    @flow.stage
    def fit(data, rate):
        if rate == 0:
            raise ValueError("no rate")
        return {"auc": 1 - rate / len(data), "model": data, "kind": "tree"}

    @flow.stage
    def score(fit):
        return fit["auc"] * 2

    return flow


def test_a_row_has_what_was_changed_how_it_went_and_what_fits_into_a_cell(flow):
    """Numbers and short texts, also those in a small dict; every row has the same names."""
    runs = flow.map_runs(sweep.grid(rate=[0.5, 0], depth=[2]), seed=7)

    first, second = runs.table()

    assert first == {
        "run": runs[0].id,
        "rate": 0.5,
        "depth": 2,
        "state": "ok",
        "duration_s": runs[0].duration_s,
        "fit.auc": 0.75,
        "fit.kind": "tree",
        "score": 1.5,
        "error": None,
    }
    assert list(second) == list(first)
    assert second["state"] == "failed"
    assert second["score"] is None
    assert second["error"] == "ValueError: no rate"


def test_the_text_is_an_aligned_table(flow):
    """With a headline; a cell without a value is empty."""
    runs = flow.map_runs(sweep.grid(rate=[0.5, 0]), results="score")

    headline, heading, *lines = str(runs).splitlines()

    assert headline == f"model: 2 runs: 1 ok, 1 failed (sweep {runs.id})"
    assert heading.split() == ["run", "rate", "state", "took", "score", "error"]
    assert [line.index(state) for line, state in zip(lines, ("ok", "failed"), strict=True)] == [
        heading.index("state")
    ] * 2
    assert lines[0].endswith("  1")
    assert lines[1].endswith("  ValueError: no rate")
    assert repr(runs) == str(runs)
    assert str(runs[:0]) == "model: no runs"


def test_of_very_many_runs_the_text_has_the_first_and_the_last(flow):
    """And says how many are between."""
    lines = str(flow.map_runs(sweep.grid(seed=range(100)))).splitlines()

    assert len(lines) == 43
    assert lines[22] == "  ... 60 more"
    assert lines[-1].split()[1] == "99"


def test_results_are_shown_by_name(flow):
    """Of a stage, of what is within; those that were named first are the columns."""
    runs = flow.map_runs(sweep.grid(depth=[1, 2]), results=["fit.model", "score"])

    assert [row["fit.model"] for row in runs.table()] == [[0], [0, 1]]
    assert list(runs.table("data")[0])[-2:] == ["data", "error"]
    assert [row["data"] for row in runs.table("data")] == [[0], [0, 1]]
    with pytest.raises(NoResult, match=r'no run has a result "scroe"; did you mean "score"\?'):
        runs.table(["scroe"])


def test_named_outputs_attributes_and_numbers_of_numpy_are_results():
    """Each by its name; the numbers are plain."""
    np = pytest.importorskip("numpy")
    flow = Pipeline("named", Parameters.define(n=1), progress=False)

    @flow.stage(output_mapper=KeyedOutputMapper({"m": "mean", "t": "top"}, CHILL))
    def statistics(n):
        return {"m": np.float64(n), "t": 2 * n, "rest": [n]}

    flow.stage(lambda n: datetime.date(2026, 1, n), name="day")
    (row,) = flow.map_runs([{"n": 3}]).table(["statistics.mean", "statistics.t", "day.year"])

    assert (row["statistics.mean"], row["statistics.t"], row["day.year"]) == (3.0, 6, 2026)
    assert type(row["statistics.mean"]) is float
    (row,) = flow.map_runs([{"n": 3}]).table()
    assert {
        "statistics.mean": 3.0,
        "statistics.top": 6,
        "day": datetime.date(2026, 1, 3),
    }.items() <= (row.items())


def test_names_of_the_table_itself_are_not_taken():
    """A parameter called "state" and a stage called "error" keep a column of their own."""
    flow = Pipeline("clash", Parameters.define(state=1), progress=False)
    flow.stage(lambda state: 2 * state, name="error")

    (row,) = flow.map_runs([{"state": 4}]).table()

    assert (row["parameters.state"], row["state"]) == (4, "ok")
    assert (row["results.error"], row["error"]) == (8, None)


def test_the_table_is_a_frame_of_pandas(flow):
    """With the same columns; without runs it is empty."""
    pytest.importorskip("pandas")
    runs = flow.map_runs(sweep.grid(depth=[1, 2]))

    frame = runs.to_pandas()

    assert list(frame.columns) == list(runs.table()[0])
    assert list(frame["score"]) == [1.0, 1.5]
    assert runs[:0].to_pandas().empty


def test_the_best_run_has_the_largest_value_or_the_smallest(flow):
    """The first of equal ones; failed runs are passed over."""
    runs = flow.map_runs(sweep.grid(rate=[0.5, 0, 0.2, 0.2]))

    assert runs.best("score") is runs[2]
    assert runs.best("fit.auc", minimize=True) is runs[0]
    assert runs.failed[0] is runs[1]
    assert list(runs.ok) == [runs[0], runs[2], runs[3]]


def test_the_best_run_is_not_one_without_a_value():
    """None and NaN are none; an array has no order."""
    flow = Pipeline("values", Parameters.define(n=0), progress=False)
    flow.stage(lambda n: [math.nan, None, 3, 1][n], name="value")
    flow.stage(lambda n: {"a": n}, name="table")
    runs = flow.map_runs(sweep.grid(n=range(4)))

    assert runs.best("value") is runs[2]
    assert runs.best("value", minimize=True) is runs[3]
    with pytest.raises(TypeError, match=r'the results of "table" have no order: .*"table\.key"'):
        runs.best("table")
    with pytest.raises(NoResult, match=r'no run has a result "vlaue"; did you mean "value"\?'):
        runs.best("vlaue")
    with pytest.raises(NoResult, match='there are no runs, and no result "value"'):
        runs[:0].best("value")


def test_runs_are_a_sequence(flow):
    """From either end, by slices; a name is no place in it."""
    runs = flow.map_runs(sweep.grid(depth=[1, 2, 3]))

    assert runs[-1] is runs[2] is list(runs)[2]
    assert [run.id for run in runs[1:]] == [runs[1].id, runs[2].id]
    assert next(reversed(runs)) is runs[2]
    assert runs[1] in runs
    said = "runs are numbered from 0, and 'a' is no number: .table(results=[\"a\"]) has that of all"
    with pytest.raises(TypeError, match=re.escape(said)):
        runs["a"]
    with pytest.raises(IndexError):
        runs[3]


def test_without_a_workspace_runs_are_held(flow):
    """There is nowhere else that their values could come from."""
    runs = flow.map_runs(sweep.grid(depth=[1, 2]))

    assert all(isinstance(run, Run) for run in runs)
    assert runs[1]["data"] == [0, 1]


def test_with_a_workspace_values_are_not_held_but_loaded_when_asked_for(tmp_path):
    """All but the last run and the first that failed, which are there to look into."""
    flow = Pipeline(
        "blobs", Parameters.define(n=0), {"blobs": blobs, "number": number}, progress=False
    )

    runs = flow.map_runs(sweep.grid(n=range(12)), workspace=tmp_path / "ws")
    gc.collect()

    assert sorted(blob.number for blob in ALIVE) == [2, 11]
    assert isinstance(runs.failed[0], Run)
    assert isinstance(runs[5], PastRun)
    assert runs[5]["blobs"].number == 5
    assert runs.best("number")["blobs"].number == 11


def test_a_value_that_the_store_cannot_have_is_held(tmp_path):
    """Nothing is lost when a run is let go of."""
    flow = Pipeline("opaque", Parameters.define(n=0), progress=False)
    flow.stage(lambda n: (each for each in range(n)), name="opaque")
    flow.stage(lambda n: lambda: n, name="function")
    flow.stage(lambda n: n, name="plain")

    runs = flow.map_runs([{"n": 3}, {"n": 4}], workspace=tmp_path / "ws")

    assert isinstance(runs[0], PastRun)
    assert runs[0]["function"]() == 3
    assert set(runs[0]) == {"opaque", "function", "plain"}


def test_without_checkpoints_runs_are_held(flow, tmp_path):
    """The workspace has their records only."""
    runs = flow.map_runs([{"depth": 3}] * 2, workspace=tmp_path / "ws", checkpoint=False)

    assert runs[0]["data"] == [0, 1, 2]
    assert isinstance(runs[0], Run)
