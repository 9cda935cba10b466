"""The record of results: what each stage was called with and gave, also when calls failed."""

from __future__ import annotations

import json

import pytest

from pypedream import Parameters, Pipeline
from pypedream.engine.result_log import FILE, RecordedResults, recorded_results


@pytest.fixture
def flow(tmp_path) -> Pipeline:
    """A pipeline whose second stage fails for b=0."""
    flow = Pipeline("r", Parameters.define(a=1, b=0), workspace=tmp_path / "ws", progress=False)
    flow.stage(lambda a: a, name="load")
    flow.stage(lambda load, b: load / b, name="ratio")
    return flow


def folder_of(flow: Pipeline, tmp_path):
    return tmp_path / "ws" / "runs" / flow.last_run.id


def test_a_call_that_failed_is_recorded(flow, tmp_path):
    """With its inputs, and with no result."""
    with pytest.raises(ZeroDivisionError):
        flow.run()

    found = recorded_results(folder_of(flow, tmp_path))

    assert set(found.lines) == {"load"}
    assert set(found.failed) == {"ratio"}
    call = found.failed["ratio"]
    assert {name: told.shown for name, told in call.inputs.items()} == {"load": "", "b": "0"}
    assert call.key


def test_an_async_call_that_failed_is_recorded(tmp_path):
    """Each attempt is; the last one counts."""
    flow = Pipeline("r", Parameters.define(b=0), workspace=tmp_path / "ws", progress=False)

    @flow.stage(retries=1)
    async def ratio(b):
        return 1 / b

    with pytest.raises(ZeroDivisionError):
        flow.run()

    text = (folder_of(flow, tmp_path) / FILE).read_text(encoding="utf-8")
    kinds = [json.loads(line)["kind"] for line in text.splitlines()]
    assert kinds == ["call", "call"]


def test_a_call_that_failed_does_not_stand_for_a_result(flow, tmp_path):
    """The run is resumed from it as before, in another process too."""
    with pytest.raises(ZeroDivisionError):
        flow.run()
    run = flow.last_run.id

    resumed = flow.resume(run, b=2)

    assert resumed["ratio"] == 0.5
    assert resumed.stages["load"].state == "reused"


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind": "res',
        b"\xff\xfe",
        b"[1]",
        b"[" * 100_000,
        b'{"kind": "call", "stage": "load", "call": {"key": "", "code": [], "inputs": {}}}',
        b'{"kind": "call", "stage": "load", "call": {"key": "", "code": {"digest": ""}}}',
        b'{"kind": "result", "stage": [], "call": null}',
        b'{"kind": "result", "stage": "load", "duration_s": {}}',
    ],
    ids=["torn", "no text", "a list", "too deep", "no code", "no inputs", "no call", "no time"],
)
def test_a_line_that_cannot_be_read_is_counted(flow, tmp_path, line):
    """All others are still there."""
    flow.run(b=2)
    folder = folder_of(flow, tmp_path)
    whole = recorded_results(folder)
    with (folder / FILE).open("ab") as file:
        file.write(line + b"\n")

    found = recorded_results(folder)

    assert found.lines == whole.lines
    assert found.failed == {}
    assert (whole.unreadable, found.unreadable) == ("", f"1 line of {FILE} cannot be read")


def test_a_record_without_results_has_none(tmp_path):
    """Nothing was kept; a file that may not be read is another thing."""
    assert recorded_results(tmp_path) == RecordedResults()
    (tmp_path / FILE).mkdir()

    assert recorded_results(tmp_path).unreadable.startswith(f"{FILE} cannot be read: ")
