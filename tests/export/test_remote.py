"""Stages that are called one by one, each in a task of its own, give what a run gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from pypedream import (
    Failure,
    Input,
    InputBinding,
    Parameters,
    Pipeline,
    context,
    patterns,
)
from pypedream.errors import ExitPipeline, ExportError, HandOverError
from pypedream.export.remote import Remote, chunks, load
from tests.export.hosted import TestHost


@frozen
class Model:
    rate: float
    names: tuple[str, ...]


class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"


def linear() -> Pipeline:
    flow = Pipeline("linear", Parameters.define(start=date(2026, 1, 2), mode=Mode.FAST))

    @flow.stage
    def model(start: date, mode: Mode) -> Model:
        return Model(start.day / 2, (mode.name, "b"))

    @flow.stage
    def fitted(model: Model) -> dict[int, tuple[float, ...]]:
        return {1: (model.rate, 2.0)}

    @flow.stage
    def nothing(fitted: Any) -> None:
        return None

    @flow.stage
    def last(nothing: Any, fitted: Any) -> list[Any]:
        return [nothing, fitted]

    return flow


def mapped() -> Pipeline:
    flow = Pipeline("mapped", Parameters.define(numbers=[3, 1, 2]))

    @flow.stage
    def offsets(numbers: list[int]) -> dict[str, int]:
        return {f"n{number}": number for number in numbers}

    @flow.stage(over="numbers")
    def square(numbers: int) -> int:
        return numbers * numbers

    @flow.stage(over="offsets")
    def named(offsets: int) -> tuple[int, str]:
        return offsets, "x"

    @flow.stage(over=patterns.cross("numbers", "offsets"))
    def pairs(numbers: int, offsets: int) -> int:
        return 10 * numbers + offsets

    @flow.stage
    def total(square: list[int], named: dict[str, Any], pairs: Any) -> Any:
        return sum(square), [*named], pairs

    return flow


def streamed() -> Pipeline:
    flow = Pipeline("streamed")

    @flow.stage
    def lines() -> Iterator[str]:
        return iter(["a", "b", "c"])

    @flow.stage(over="lines")
    def upper(lines: str) -> str:
        return lines.upper()

    return flow


def conditional() -> Pipeline:
    flow = Pipeline("conditional", Parameters.define(deep=False))

    @flow.stage
    def load(deep: bool) -> int:
        return int(deep)

    @flow.stage(when="deep")
    def train(load: int) -> int:
        return load + 1

    @flow.stage(when="load")
    def check(load: int) -> int:
        return load + 2

    @flow.stage
    def score(train: int) -> int:
        return train + 1

    @flow.stage
    def either(load: int, train: int = 7) -> int:
        return load + train

    return flow


def named_outputs() -> Pipeline:
    flow = Pipeline("named")

    @flow.stage(output_mapper=lambda pair: {"low": pair[0], "high": pair[1]})
    def limits() -> tuple[int, int]:
        return 1, 9

    @flow.stage(inputs=[Input("top", InputBinding.contextual(context.STAGES, _high))])
    def use(top: int) -> int:
        return top

    return flow


def _high(stages: Any) -> Any:
    return stages["limits"]["high"]


def included() -> Pipeline:
    inner = Pipeline("inner", Parameters.define(size=2))

    @inner.stage
    def load(size: int) -> list[int]:
        return list(range(size))

    @inner.stage(over="load")
    def double(load: int) -> int:
        return 2 * load

    outer = Pipeline("outer")
    outer.include(inner, prefix="bronze")

    @outer.stage(inputs=[Input("rows", InputBinding.contextual(context.STAGES, _doubled))])
    def total(rows: list[int]) -> int:
        return sum(rows)

    return outer


def _doubled(stages: Any) -> Any:
    return stages["bronze.double"]["return"]


FLOWS: list[tuple[Callable[[], Pipeline], dict[str, Any]]] = [
    (linear, {}),
    (linear, {"mode": Mode.SLOW}),
    (mapped, {}),
    (mapped, {"numbers": []}),
    (mapped, {"numbers": [5]}),
    (streamed, {}),
    (conditional, {}),
    (conditional, {"deep": True}),
    (named_outputs, {}),
    (included, {}),
    (included, {"bronze.size": 0}),
]
NAMES = [f"{flow.__name__} {values}" for flow, values in FLOWS]


@pytest.mark.parametrize("make, values", FLOWS, ids=NAMES)
@pytest.mark.parametrize("map_chunk", [None, 2])
def test_tasks_give_what_a_run_gives(
    make: Callable[[], Pipeline], values: dict[str, Any], map_chunk: int | None, tmp_path: Path
) -> None:
    """Every result is the same in value and type, and the same stages are skipped."""
    run = make().run(values, progress=False)

    outcome = TestHost(make(), str(tmp_path), map_chunk, values=values).carry_out()

    expected = {key: _listed(value) for key, value in run.items()}
    assert outcome.values == expected
    assert {key: type(value) for key, value in outcome.values.items()} == {
        key: type(value) for key, value in expected.items()
    }
    skipped = {key for key, stage in run.stages.items() if stage.state == "skipped"}
    assert outcome.skipped.keys() == skipped


def _listed(value: Any) -> Any:
    return ["a", "b", "c"] if isinstance(value, Iterator) else value


def test_a_group_is_one_task_and_gives_the_same(tmp_path: Path) -> None:
    """Stages that were included together can be called in one task."""
    run = included().run(progress=False)

    host = TestHost(included(), str(tmp_path), group_as_task=("bronze",))

    assert host.carry_out().values == dict(run)
    assert [*host.handles] == ["bronze", "total"]


def test_an_array_of_results_keeps_its_shape(tmp_path: Path) -> None:
    """A cross that is collected as an array is one where it is read."""
    numpy = pytest.importorskip("numpy")
    flow = Pipeline("grid", Parameters.define(a=[1, 2], b=[10, 20, 30]))
    flow.stage(_added, name="grid", over=patterns.cross("a", "b"), collect="numpy")

    outcome = TestHost(flow, str(tmp_path), 4).carry_out()

    assert isinstance(outcome.values["grid"], numpy.ndarray)
    assert outcome.values["grid"].tolist() == [[11, 21, 31], [12, 22, 32]]


def _added(a: int, b: int) -> int:
    return a + b


def test_an_item_that_failed_is_collected_as_here(tmp_path: Path) -> None:
    """With on_error="collect" what stands for an item comes to the reader."""
    flow = Pipeline("some", Parameters.define(numbers=[1, 0, 2]))
    flow.stage(_inverse, name="inverse", over="numbers", on_error="collect")

    found = TestHost(flow, str(tmp_path), 2).carry_out().values["inverse"]

    assert found[0] == 1.0
    assert found[2] == 0.5
    assert isinstance(found[1], Failure)
    assert isinstance(found[1].error, ZeroDivisionError)


def _inverse(numbers: int) -> float:
    return 1 / numbers


def test_a_stage_is_called_once_and_the_host_repeats_it() -> None:
    """Retries are the host's: what the stage raised comes out, and says which stage it was."""
    calls = []
    flow = Pipeline("flaky", Parameters.define(x=1))

    @flow.stage(retries=5, timeout_s=1.0)
    def fails(x: int) -> int:
        calls.append(x)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as raised:
        TestHost(flow).carry_out()

    assert calls == [1]
    assert raised.value.__notes__ == ['stage "fails" failed\n  x = 1   <- parameter "x" (default)']


def test_items_of_one_task_are_repeated_by_themselves() -> None:
    """A host repeats a whole task, so items that share one are repeated within it."""
    calls: list[int] = []
    flow = Pipeline("flaky", Parameters.define(numbers=[1, 2]))

    @flow.stage(over="numbers", retries=1)
    def once(numbers: int) -> int:
        calls.append(numbers)
        if calls.count(numbers) == 1:
            raise ValueError(numbers)
        return numbers

    assert TestHost(flow, map_chunk=2).carry_out().values == {"once": [1, 2]}
    assert sorted(calls) == [1, 1, 2, 2]


def test_a_stage_that_ends_the_run_gives_nothing() -> None:
    """What needs a stage that raised ExitPipeline is passed over."""
    flow = Pipeline("early")

    @flow.stage
    def look() -> int:
        raise ExitPipeline("nothing new")

    @flow.stage
    def use(look: int) -> int:
        return look

    outcome = TestHost(flow).carry_out()

    assert outcome.values == {}
    assert outcome.skipped == {
        "look": "it ended the run: nothing new",
        "use": 'needs "look", which is skipped',
    }


def test_what_a_group_gave_before_it_ended_the_run_is_kept() -> None:
    """As in a run here: the results of the stages that had ended are there."""
    inner = Pipeline("inner")

    @inner.stage
    def load() -> int:
        return 1

    @inner.stage
    def look(load: int) -> int:
        raise ExitPipeline("nothing new")

    outer = Pipeline("outer")
    outer.include(inner, prefix="bronze")

    outcome = TestHost(outer, group_as_task=("bronze",)).carry_out()

    assert outcome.values == {"bronze.load": 1} == dict(outer.run(progress=False))


def test_stages_see_the_run_of_the_host() -> None:
    """Id, times and attempt are the host's, the same for every stage."""
    flow = Pipeline("facts")

    @flow.stage
    def facts() -> list[Any]:
        run = context.RUN.get()
        return [run.id, run.attempt, run.logical_date == run.started_at]

    assert TestHost(flow).carry_out().values["facts"] == [
        "manual__2026-11-01T00:00:00+00:00",
        1,
        True,
    ]


def test_a_mapper_of_all_stages_reads_those_that_it_comes_after() -> None:
    """Where a mapper says nothing of what it reads, ``after=`` does."""
    flow = Pipeline("flow", Parameters.define(n=1))

    @flow.stage
    def low(n):
        return n

    @flow.stage
    def high(n):
        return n + 9

    pair = InputBinding.contextual(
        context.STAGES, lambda each: [each["low"], each["high"]["return"]]
    )
    flow.stage(lambda both: both, name="both", inputs=[Input("both", pair)], after=["low", "high"])

    assert TestHost(flow).carry_out().values["both"] == flow.run()["both"]


def test_the_workers_environment_sets_no_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker serves many pipelines: what its environment says for one is not another's."""
    monkeypatch.setenv("PYPEDREAM_PARAM_N", "7")
    monkeypatch.setenv("PYPEDREAM_PARAM_TOKEN_OF_ANOTHER", "abcd")
    flow = Pipeline("flow", Parameters.define(n=1))

    @flow.stage
    def double(n):
        return 2 * n

    assert TestHost(flow).carry_out().values == {"double": 2}


def test_what_a_stage_prints_is_an_event_of_that_stage() -> None:
    """The log of a task has the stage's own lines."""
    flow = Pipeline("said")

    @flow.stage
    def talk() -> int:
        print("hello")
        return 1

    host = TestHost(flow)
    host.carry_out()

    assert [(each.stage, each.event) for each in host.events if each.kind == "print"] == [
        ("talk", "hello")
    ]


def test_a_value_that_no_json_has_needs_a_store() -> None:
    """The error names stage, type and both ways to give a store."""
    flow = Pipeline("big")
    flow.stage(lambda: (1, 2), name="pair")
    flow.stage(lambda pair: pair, name="use")

    with pytest.raises(HandOverError) as raised:
        TestHost(flow).carry_out()

    assert str(raised.value) == (
        'stage "pair" gives a value of type tuple, which only a store can hand over: export with'
        " --store URL, or set PYPEDREAM_STORE where the tasks run"
    )


def test_a_value_that_nobody_reads_is_not_missed() -> None:
    """A stage whose result cannot be handed over is no failure if no stage reads it."""
    flow = Pipeline("end")
    flow.stage(lambda: (1, 2), name="pair")

    host = TestHost(flow)

    with pytest.raises(HandOverError, match='result of stage "pair" was not handed over'):
        host.carry_out()
    assert host.skipped == {}


def test_another_value_under_the_key_is_found(tmp_path: Path) -> None:
    """A handle has the digest of its value, and nothing else is taken for it."""
    host = TestHost(linear(), str(tmp_path))
    host.carry_out()
    handle = {**host.handles["model"], "sha256": "0" * 64}

    with pytest.raises(HandOverError, match="is another value than it"):
        host._remote().carrier.take(handle, "it")


def test_runs_of_the_same_id_do_not_meet(tmp_path: Path) -> None:
    """Runs of a schedule have the same id in two DAGs, and pipelines may have the same name."""
    hosts = []
    for owner in ("one", "two"):
        flow = Pipeline("same")
        flow.stage(lambda owner=owner: (owner,), name="pair")
        flow.stage(lambda pair: pair, name="use")
        hosts.append(TestHost(flow, str(tmp_path), owner=owner))

    for host in hosts:
        host.carry_out()

    taken = [host._remote().carrier.take(host.handles["pair"], "it") for host in hosts]
    assert taken == [("one",), ("two",)]


def test_an_iterator_does_not_come_to_a_stage_that_takes_it_whole() -> None:
    """It could be read once; the message says what to return instead."""
    flow = Pipeline("once")
    flow.stage(lambda: iter([1]), name="numbers")
    flow.stage(_total, name="total")

    with pytest.raises(HandOverError, match=r'"numbers" gives an iterator.*"total".*return a list'):
        TestHost(flow).carry_out()


def _total(numbers: Iterator[int]) -> int:
    return sum(numbers)


def test_there_are_no_more_tasks_than_the_host_makes() -> None:
    """Without a size the pieces are as large as that needs; one that is too small is refused."""
    assert len(chunks(3000, None, 1024)) == 1000
    assert chunks(0, None) == []
    with pytest.raises(ExportError, match=r"1,500 tasks.*--map-chunk 3 or more"):
        chunks(3000, 2, 1024)


def test_a_target_that_is_not_there_names_the_nearest() -> None:
    """A file that was written for an older module says what the module has."""
    with pytest.raises(ExportError, match=r'module "tests.export.test_remote" has no "linaer"'):
        load("tests.export.test_remote:linaer")
    assert load("tests.export.test_remote:linear()").name == "linear"


def _broken(error: Exception) -> bool:
    raise RuntimeError("the rule is wrong")


def test_a_rule_for_retries_that_raises_leaves_the_stages_own_error() -> None:
    """The stage is not tried again, and its exception says why, as in a run here."""
    flow = Pipeline("ruled")
    flow.stage(lambda: 1, name="load", retries=2, retry_on=_broken)
    flow.stage(lambda: 1, name="other", retries=2, retry_on=KeyError)
    remote, error = Remote({}, flow), ValueError("no")

    assert not remote.is_worth_a_retry("load", error)
    assert not remote.is_worth_a_retry("other", error)
    assert remote.is_worth_a_retry("other", KeyError("yes"))
    assert error.__notes__ == ['retry_on of stage "load" raised RuntimeError: the rule is wrong']
