"""The mutation guard, in a run."""

from __future__ import annotations

from threading import Lock

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


def flaky(mode: str = "warn", **policy) -> tuple[Pipeline, list[str]]:
    """A stage that doubles its rows, fails once, and is tried again; and what it tells of."""
    flow = Pipeline("flaky", progress=False, mutation=mode)
    flow.stage(lambda: [1, 2], name="rows")
    calls = []

    @flow.stage(retries=1, retry_delay_s=0, **policy)
    def doubled(rows):
        calls.append(rows)
        rows[:] = [2 * row for row in rows]
        if len(calls) == 1:
            raise OSError("away")
        return sum(rows)

    return flow, calls


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_a_second_attempt_gets_no_changed_input_in_silence(executor):
    """Nobody else reads it, but the stage itself reads it twice."""
    flow, _ = flaky()

    run = flow.run(executor=executor)

    assert run["doubled"] == 12
    [told] = [event.event for event in run.events if event.kind == "warning"]
    assert told == (
        'stage "doubled": attempt 2 gets "rows" (stage "rows") as it was left by the one before,'
        ' which changed it in place: copy it first, or run with mutation="copy"'
    )


def test_a_second_attempt_gets_a_copy_of_its_own():
    """What the first one did to its copy is gone."""
    flow, _ = flaky("copy")

    run = flow.run()

    assert run["doubled"] == 6
    assert not [event for event in run.events if event.kind == "warning"]


def test_a_second_attempt_with_a_changed_input_is_refused_where_none_may_change():
    """With mutation="error" the stage fails, and is not called with what is left."""
    flow, calls = flaky("error")

    with pytest.raises(MutationError, match='attempt 2 gets "rows"'):
        flow.run()

    assert len(calls) == 1


def test_a_second_attempt_is_told_of_an_iterator_that_the_first_one_read():
    """It gets what is left of it."""
    flow = Pipeline("flaky", progress=False)
    flow.stage(lambda: iter([1, 2]), name="rows")
    calls = []

    @flow.stage(retries=1, retry_delay_s=0)
    def total(rows):
        calls.append(sum(rows))
        if len(calls) == 1:
            raise OSError("away")
        return calls[-1]

    run = flow.run()

    assert run["total"] == 0
    [said] = [event.event for event in run.events if event.kind == "warning"]
    assert said.startswith('stage "total": what stage "rows" gave is an iterator that was read')


def test_a_stage_that_is_tried_again_may_change_its_input_in_the_end():
    """Nothing is told if no attempt gets what another has changed."""
    flow = Pipeline("alone", progress=False)
    flow.stage(lambda: [1], name="rows")
    flow.stage(lambda rows: rows.append(2), name="changes", retries=1)

    assert not [event for event in flow.run().events if event.kind == "warning"]


def _failing(**options) -> Pipeline:
    """A stage that changes its rows and fails, and one that reads them after it."""
    flow = Pipeline("failing", progress=False, on_error="continue", **options)
    flow.stage(lambda: [1, 2], name="rows")

    @flow.stage
    def broken(rows):
        rows.append(3)
        raise ValueError(rows)

    @flow.stage
    def other(rows):
        return sum(rows)

    return flow


@pytest.mark.parametrize("mode", ["warn", "error"])
def test_a_failed_stage_is_blamed_for_what_it_changed(mode):
    """Not the one that reads it next; and its own exception stays."""
    run = _failing(mutation=mode).run()

    assert isinstance(run.failure.error, ValueError)
    assert run["other"] == 6
    [told] = [event.event for event in run.events if event.kind == "warning"]
    assert told.startswith(
        'stage "broken" changed its input "rows" (stage "rows") in place, and "other" reads it too'
    )


def test_what_was_computed_from_a_changed_input_is_not_taken_for_another(tmp_path):
    """A result is kept under what the stage got, also where a failed stage has changed that."""
    flow = _failing(workspace=tmp_path / ".pypedream", cache="cached")
    assert flow.run()["other"] == 6

    flow.remove("broken")

    assert flow.run()["other"] == 3


def _fanned(mode: str = "warn", *, is_async: bool = False, **policy) -> tuple[Pipeline, list[str]]:
    """A stage that doubles each of its items and fails once, and the names of its attempts."""
    flow = Pipeline("fanned", progress=False, mutation=mode)
    flow.stage(lambda: [[1, 2], [3]], name="rows")
    flow.stage(lambda: [["a"], ["b"]], name="names")
    calls = []

    def doubled(row, name):
        calls.append(name)
        row[:] = [2 * value for value in row]
        if calls.count(name) == 1 and name == ["a"]:
            raise OSError("away")
        return sum(row)

    async def doubled_async(row, name):
        return doubled(row, name)

    over = {"row": "rows", "name": "names"}
    policy = {"retries": 1, "retry_delay_s": 0, **policy}
    flow.stage(doubled_async if is_async else doubled, name="doubled", over=over, **policy)
    return flow, calls


HOW = pytest.mark.parametrize(
    "how",
    [{"executor": "serial"}, {"executor": "threads"}, {"is_async": True}],
    ids=["serial", "threads", "async"],
)


def _ran(mode: str, how: dict, **options):
    flow, calls = _fanned(mode, is_async="is_async" in how)
    return flow.run(executor=how.get("executor", "serial"), **options), calls


@HOW
def test_a_second_attempt_gets_no_changed_item_in_silence(how):
    """It is told which argument of which item is not as it was, in the log of that item."""
    run, _ = _ran("warn", how)

    assert run["doubled"] == [12, 6]
    [told] = [event for event in run.events if event.kind == "warning"]
    assert (told.stage, told.item, told.level) == ("doubled", 0, "warning")
    assert told.event == (
        'item 0 of stage "doubled": attempt 2 gets "row" as it was left by the one before,'
        ' which changed it in place: copy it first, or run with mutation="copy"'
    )


@HOW
def test_copy_gives_each_attempt_an_item_of_its_own(how):
    """What the first attempt has changed is gone."""
    run, calls = _ran("copy", how)

    assert run["doubled"] == [6, 6]
    assert calls.count(["a"]) == 2
    assert run["rows"] == [[1, 2], [3]]
    assert not [event for event in run.events if event.kind == "warning"]


@HOW
def test_error_lets_an_item_fail_that_was_changed(how):
    """The function is not called with it, and the other items are."""
    run, calls = _ran("error", how, on_error="collect")

    failed, other = run["doubled"]
    assert isinstance(failed.error, MutationError)
    assert other == 6
    assert calls.count(["a"]) == 1


def test_off_looks_at_no_item():
    """The change goes through without a word."""
    run, _ = _ran("off", {})

    assert run["doubled"] == [12, 6]
    assert not [event for event in run.events if event.kind == "warning"]


def test_an_item_that_fails_for_good_may_be_changed():
    """Nothing is told if no attempt gets what another has changed."""
    flow, _ = _fanned(retry_on=ValueError)

    run = flow.run(on_error="collect")

    assert run["doubled"][1] == 6
    assert not [event for event in run.events if event.kind == "warning"]


def test_an_item_that_cannot_be_copied_fails():
    """The others do not."""
    flow = Pipeline("locks", progress=False, mutation="copy", on_error="collect")
    flow.stage(lambda: [Lock(), [1]], name="rows")
    flow.stage(len, name="sizes", over={"obj": "rows"}, retries=1)

    failed, other = flow.run()["sizes"]

    assert isinstance(failed.error, MutationError)
    assert other == 1
