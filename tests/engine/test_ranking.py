"""Which of the stages that could start does first, where several run side by side."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from pypedream import Parameters, Pipeline
from pypedream.engine.ranking import insert

WAIT_S = 20


def _called(flow: Pipeline, **options) -> list[str]:
    """Run *flow* in one thread beside the scheduler; return the stages as they were called."""
    run = flow.run(**{"executor": "threads", "workers": 1, **options})
    return [event.stage for event in run.events if event.kind == "stage.start"]


def _flow(*names: str, **policies) -> Pipeline:
    flow = Pipeline("ranked", progress=False)
    for name in names:
        flow.stage(lambda: None, name=name, **policies.get(name, {}))
    return flow


def test_the_highest_priority_is_first():
    """Of those that are ready; equal ones come in the order of definition."""
    flow = _flow("a", "b", "c", "d", b={"priority": 1}, d={"priority": 2.5}, a={"priority": -1})

    assert _called(flow) == ["d", "b", "c", "a"]


def test_serial_runs_keep_the_order_of_the_plan():
    """There the order says all."""
    flow = _flow("a", "b", b={"priority": 1})

    assert _called(flow, executor="serial") == ["a", "b"]


def test_the_longest_way_is_first():
    """Among equal priorities the stage that most others wait for in a row."""
    flow = Pipeline("ways", progress=False)
    flow.stage(lambda: 1, name="short")
    flow.stage(lambda: 1, name="long1")
    flow.stage(lambda long1: 1, name="long2")
    flow.stage(lambda: 1, name="middle1")
    flow.stage(lambda middle1: 1, name="middle2")
    flow.stage(lambda long2: 1, name="long3")

    order = [key for key in _called(flow) if key in ("short", "middle1", "long1")]
    assert order == ["long1", "middle1", "short"]


def test_a_stage_that_becomes_ready_overtakes_those_that_wait():
    """It need not wait for all that was queued before it."""
    flow = Pipeline("overtakes", progress=False)
    flow.stage(lambda: 1, name="first", priority=1)
    for number in range(200):
        flow.stage(lambda: threading.Event().wait(0.001), name=f"s{number}")
    flow.stage(lambda first: 1, name="urgent", priority=1)

    assert _called(flow).index("urgent") < 190


def test_priority_counts_for_async_stages_and_for_those_beside():
    """Also where the scheduler itself calls stages between two coroutines."""
    flow = _flow("a", "b", b={"priority": 1})

    @flow.stage(priority=2)
    async def coroutine():
        return 1

    assert _called(flow, executor="serial")[:2] != ["a", "b"]
    order = [key for key in _called(flow, executor="serial") if key != "coroutine"]
    assert order == ["b", "a"]


def test_priority_decides_who_gets_a_resource():
    """Of those that wait for it the highest is served first, and equal ones in their order."""
    flow = Pipeline("resource", progress=False, executor="threads", workers=8)
    order, queued = [], threading.Event()
    flow.stage(lambda: queued.wait(WAIT_S), name="holder", uses="db", priority=9)
    for name, priority in {"a": 0, "b": 2, "c": 0, "d": 2}.items():
        flow.stage(lambda name=name: order.append(name), name=name, uses="db", priority=priority)
    flow.stage(queued.set, name="last", priority=-1)
    flow.run()

    assert order == ["b", "d", "a", "c"]


def test_earlier_runs_say_what_takes_long(tmp_path):
    """With a workspace the longest way is that of seconds, not of stages."""
    flow = Pipeline("history", Parameters.define(wait_s=0.05), progress=False, workspace=tmp_path)
    flow.stage(lambda: 1, name="one")
    flow.stage(lambda one: 1, name="two")
    flow.stage(lambda two: 1, name="three")
    flow.stage(lambda wait_s: threading.Event().wait(wait_s), name="slow")
    assert _called(flow)[0] == "one"

    assert _called(flow)[0] == "slow"
    assert flow.plan().expected["slow"] >= 0.05


def test_only_chosen_stages_count():
    """The way to the end is that of the stages which run."""
    flow = Pipeline("chosen", progress=False)
    flow.stage(lambda: 1, name="a")
    flow.stage(lambda a: 1, name="a2")
    flow.stage(lambda a2: 1, name="a3")
    flow.stage(lambda: 1, name="b")
    flow.stage(lambda b: 1, name="b2")

    assert _called(flow, only=["a", "b", "b2"])[0] == "b"


def test_nothing_to_choose_costs_nothing():
    """Stages that are all alike have no ranks."""
    assert _flow("a", "b", "c").blueprint.ranks is None
    assert _flow("a", "b", b={"priority": 1}).blueprint.ranks == {"b": 0, "a": 1}


@frozen
class One:
    key: str
    number: int


@pytest.mark.parametrize("is_ranked", [True, False])
@given(batches=st.lists(st.lists(st.sampled_from("abc"))))
def test_a_queue_is_in_order_of_ranks(batches, is_ranked):
    """Whatever comes when; equal ones stay in the order in which they came."""
    ranks = {"a": 0, "b": 1, "c": 2} if is_ranked else None
    queue: deque[One] = deque()
    came: list[One] = []
    for batch in batches:
        ones = [One(key, len(came) + place) for place, key in enumerate(batch)]
        came += ones
        insert(queue, ones, ranks)

    assert [*queue] == sorted(came, key=lambda one: ranks[one.key] if ranks else 0)
