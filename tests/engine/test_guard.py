"""The mutation guard, in a run."""

from __future__ import annotations

import attrs
import pytest

from pypedream import Parameters, Pipeline, dependency, param
from pypedream.errors import MutationError


@attrs.define
class Box:
    rows: list[int]


def _list():
    return [1, 2], lambda value: value.append(100), sum


def _dict():
    return {"a": 1, "b": 2}, lambda value: value.update(a=100), lambda value: sum(value.values())


def _object():
    return Box([1, 2]), lambda value: value.rows.append(100), lambda value: sum(value.rows)


def _array():
    numpy = pytest.importorskip("numpy")
    return (
        numpy.array([1, 2]),
        lambda value: value.__setitem__(0, 100),
        lambda value: int(value.sum()),
    )


def _frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": [1, 2]})
    return frame, lambda value: value.insert(0, "y", 5), lambda value: int(value.to_numpy().sum())


KINDS = pytest.mark.parametrize(
    "kind",
    [_list, _dict, _object, _array, _frame],
    ids=["list", "dict", "object", "array", "frame"],
)


def _flow(kind, **options) -> Pipeline:
    value, change, read = kind()
    flow = Pipeline("shared", progress=False, **options)
    flow.stage(lambda: value, name="data")
    flow.stage(change, name="changes", inputs=[dependency("data", "value")])
    flow.stage(lambda data, changes: read(data), name="reads")
    return flow


@KINDS
def test_a_changed_input_is_reported_with_both_stages(kind):
    """The run says which stage changed which input, and who reads it too."""
    run = _flow(kind).run()

    warned = [event for event in run.events if event.kind == "warning"]
    assert len(warned) == 1
    said = 'stage "changes" changed its input "value" (stage "data") in place, and "reads" reads it'
    assert warned[0].event.startswith(said)
    assert warned[0].level == "warning"


@KINDS
def test_error_makes_the_stage_fail(kind):
    """With mutation="error" the stage that changes a shared input fails."""
    with pytest.raises(MutationError, match='"changes" changed its input "value"'):
        _flow(kind).run(mutation="error")


@KINDS
def test_copy_protects_the_other_readers(kind):
    """With mutation="copy" each reader has a copy, and nothing is reported."""
    run = _flow(kind).run(mutation="copy")

    assert run["reads"] == 3
    assert not [event for event in run.events if event.kind == "warning"]


def test_off_looks_at_nothing():
    """With mutation="off" the change goes through without a word."""
    run = _flow(_list).run(mutation="off")

    assert run["reads"] == 103
    assert not [event for event in run.events if event.kind == "warning"]


def test_one_reader_may_change_its_input():
    """A value that no other stage reads may be changed in place."""
    flow = Pipeline("alone", progress=False)
    flow.stage(lambda: [1], name="data")
    flow.stage(lambda data: data.append(2), name="changes")

    assert not [event for event in flow.run().events if event.kind == "warning"]


def test_a_shared_parameter_is_guarded_too():
    """Two stages that read one list parameter are told when one of them changes it."""
    flow = Pipeline("parameters", Parameters.define(rows=[1]), progress=False)
    flow.stage(lambda rows: rows.append(2), name="changes")
    flow.stage(len, name="reads", after="changes", inputs=[param("rows", "obj")])

    run = flow.run()

    warned = [event.event for event in run.events if event.kind == "warning"]
    assert len(warned) == 1
    assert '(parameter "rows") in place, and "reads" reads it too' in warned[0]


@pytest.mark.parametrize("mode, is_changed", [("warn", True), ("copy", False), ("off", False)])
def test_a_failed_stage_that_changed_its_input_is_found_out(mode, is_changed):
    """A failure says which of its values are not those that the stage got, if that is known."""
    flow = Pipeline("failing", Parameters.define(rate=1), progress=False)
    flow.stage(lambda: [1, 2], name="rows")
    flow.stage(lambda rows: sum(rows) + 1, name="other", after="broken")

    @flow.stage
    def broken(rows, rate):
        rows.append(3)
        raise ValueError(rate)

    failure = flow.run(on_error="continue", mutation=mode).failure

    assert failure.inputs["rows"].value == [1, 2, 3]
    assert failure.inputs["rows"].is_changed is is_changed
    assert not failure.inputs["rate"].is_changed
