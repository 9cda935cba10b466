"""Runs of a sweep that go on at the same time write files of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pytest

from pypedream import Parameters, Pipeline
from pypedream.errors import PlanError
from pypedream.files import JSON, Dep, Out

POINTS = [{"rate": 1}, {"rate": 2}, {"rate": 1}]


def load() -> Annotated[list[int], Out("rows.json", JSON())]:
    return [1, 2]


def scale(
    rows: Annotated[list[int], Dep("rows.json", JSON())], rate: int
) -> Annotated[list[int], Out("scaled.json", JSON())]:
    return [rate * row for row in rows]


def apart(
    rows: Annotated[list[int], Dep("rows.json", JSON())], rate: int
) -> Annotated[list[int], Out("{rate}/scaled.json", JSON())]:
    return [rate * row for row in rows]


def total(
    rows: Annotated[list[int], Dep("scaled.json", JSON())],
) -> Annotated[int, Out("total.json", JSON())]:
    return sum(rows)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pypedream.files.project.root_of", lambda _: str(tmp_path))
    return tmp_path


def flow_of(*functions: Any) -> Pipeline:
    flow = Pipeline("sweep", Parameters.define(rate=1, other=0), progress=False)
    for function in functions:
        flow.register(function)
    return flow


def test_what_depends_on_what_differs_is_not_written_at_the_same_time(project: Path) -> None:
    """Stages that read what such a stage wrote are named as well; nothing is called."""
    with pytest.raises(PlanError) as caught:
        flow_of(load, scale, total).map_runs(POINTS, at_once=2)

    assert [str(each).partition(" (")[0] for each in caught.value.problems] == [
        (
            'points 1 and 2 of 3 would write "scaled.json" of stage "scale" at the same time:'
            ' write "{rate}/scaled.json", or leave at_once= out'
        ),
        (
            'points 1 and 2 of 3 would write "total.json" of stage "total" at the same time:'
            ' write "{rate}/total.json", or leave at_once= out'
        ),
    ]
    assert not (project / "rows.json").exists()


def test_files_that_are_alike_or_apart_may_be_written_at_the_same_time(project: Path) -> None:
    """What all runs have in common is the same, whoever writes it."""
    runs = flow_of(load, apart).map_runs(POINTS, at_once=2)

    assert [run["apart"] for run in runs] == [[1, 2], [2, 4], [1, 2]]
    assert json.loads((project / "2" / "scaled.json").read_text()) == [2, 4]


@pytest.mark.parametrize(
    "points, keywords",
    [
        (POINTS, {}),
        ([{"other": 1}, {"other": 2}], {"at_once": 2}),
        (POINTS, {"at_once": 2, "only": "load"}),
    ],
    ids=["one after the other", "read by no stage", "not selected"],
)
def test_nothing_else_is_refused(project: Path, points: list[Any], keywords: Any) -> None:
    """One run after the other may write one file, and so may runs that give the same."""
    runs = flow_of(load, scale, total).map_runs(points, **keywords)

    assert len(runs.ok) == len(points)
