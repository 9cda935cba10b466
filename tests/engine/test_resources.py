"""Stages that use the same resource take turns."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from pypedream import Parameters, Pipeline, context
from pypedream.errors import PlanError

WAIT_S = 20


class Gauge:
    """Counts how many are inside at a time, and who came when."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.order: list[object] = []
        self._lock = threading.Lock()

    def enter(self, name: str, who: object = None) -> None:
        with self._lock:
            self.inside[name] += 1
            self.most[name] = max(self.most[name], self.inside[name])
            self.order.append(who)

    def leave(self, name: str) -> None:
        with self._lock:
            self.inside[name] -= 1


@pytest.fixture
def gauge() -> Gauge:
    return Gauge()


def _use(gauge: Gauge, *names: str):
    """Return a stage's function that is inside each of *names* for a moment."""

    def use():
        for name in names:
            gauge.enter(name, context.STAGE.get().stage)
        threading.Event().wait(0.005)
        for name in names:
            gauge.leave(name)

    return use


def test_what_there_is_once_is_used_by_one_at_a_time(gauge):
    """Stages without it run beside them; who uses it comes in the order of definition."""
    flow = Pipeline("exclusive", progress=False, executor="threads", workers=8)
    free = threading.Event()
    for number in range(6):
        flow.stage(_use(gauge, "db"), name=f"s{number}", uses="db")
    flow.stage(lambda: free.wait(WAIT_S), name="beside")
    flow.stage(free.set, name="last", after=[f"s{number}" for number in range(6)])
    run = flow.run()

    assert gauge.most == {"db": 1}
    assert gauge.order == [f"s{number}" for number in range(6)]
    assert run["beside"] is True


def test_a_limit_says_how_many_there_are(gauge):
    """Exactly so many run at the same time when there are stages enough."""
    flow = Pipeline("counted", progress=False, executor="threads", workers=8, limits={"db": 3})
    barrier = threading.Barrier(3, timeout=WAIT_S)

    def use():
        gauge.enter("db")
        barrier.wait()  # only three that are inside together get past
        gauge.leave("db")
        barrier.wait()

    for number in range(6):
        flow.stage(use, name=f"s{number}", uses={"db"})
    flow.run()

    assert gauge.most == {"db": 3}


def test_who_waits_holds_no_worker():
    """Two workers are enough though ten stages wait for what one of them has."""
    flow = Pipeline("no worker", progress=False, executor="threads", workers=2)
    free = threading.Event()
    flow.stage(lambda: free.wait(WAIT_S), name="holder", uses="gpu:0")
    for number in range(10):
        flow.stage(lambda: None, name=f"waits{number}", uses="gpu:0")
    flow.stage(free.set, name="other")

    assert flow.run()["holder"] is True


def test_several_resources_are_claimed_together(gauge):
    """No two stages wait for each other, whatever they use and in which order they name it."""
    flow = Pipeline("several", progress=False, executor="threads", workers=6, limits={"c": 2})
    sets = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "a"), ("a", "b", "c"), ("c",)]
    for number in range(60):
        names = sets[number % len(sets)]
        flow.stage(_use(gauge, *names), name=f"s{number}", uses=names)
    run = flow.run()

    assert len(run) == 60
    assert gauge.most == {"a": 1, "b": 1, "c": 2}


def test_a_name_that_stands_twice_counts_once():
    """``uses=("db", "db")`` is ``uses="db"``."""
    flow = Pipeline("twice", progress=False, executor="threads")
    flow.stage(lambda: 1, name="one", uses=("db", "db"))
    flow.stage(lambda: 2, name="two", uses="db")

    assert flow.run() == {"one": 1, "two": 2}


def test_async_stages_take_turns(gauge):
    """What an async stage uses is used by no other, async or not, whatever the executor."""
    flow = Pipeline("async", progress=False, limits={"api": 2})

    async def use():
        gauge.enter("api")
        await asyncio.sleep(0.005)
        gauge.leave("api")

    for number in range(8):
        flow.stage(use, name=f"a{number}", uses="api")
        flow.stage(_use(gauge, "api"), name=f"s{number}", uses="api")
    flow.run()
    assert gauge.most["api"] <= 2

    flow.run(executor="threads", workers=8)
    assert gauge.most["api"] == 2


def test_an_executor_of_the_users_gets_who_can_run(gauge):
    """Who waits is not submitted."""
    flow = Pipeline("own", progress=False)
    for number in range(8):
        flow.stage(_use(gauge, "db"), name=f"s{number}", uses="db")
    with ThreadPoolExecutor(4) as pool:
        flow.run(executor=pool)

    assert gauge.most == {"db": 1}


def test_a_stage_that_is_tried_again_gives_back_meanwhile():
    """Between two attempts others use what it used."""
    flow = Pipeline("retries", progress=False, executor="threads", workers=2)
    used = threading.Event()

    @flow.stage(uses="db", retries=1)
    def flaky():
        if context.STAGE.get().number == 1:
            raise OSError("once")
        return used.is_set()

    flow.stage(used.set, name="other", uses="db")

    assert flow.run()["flaky"] is True


def test_a_failed_stage_gives_back():
    """With ``on_error="continue"`` those that waited go on."""
    flow = Pipeline("fails", progress=False, executor="threads", on_error="continue")
    flow.stage(lambda: 1 / 0, name="fails", uses="db")
    flow.stage(lambda: 1, name="other", uses="db")
    flow.stage(lambda: 2, name="skipped", uses="db", when=lambda: False)
    flow.stage(lambda: 3, name="last", uses="db")

    assert flow.run() == {"other": 1, "last": 3}


def test_who_waits_when_the_run_stops_is_not_called():
    """It is pending, like any other stage that had no turn."""
    flow = Pipeline("stops", progress=False, executor="threads", workers=4)
    flow.stage(lambda: 1 / 0, name="fails", uses="db")
    flow.stage(lambda: 1, name="waits", uses="db")

    with pytest.raises(ZeroDivisionError):
        flow.run()
    assert flow.last_run.stages["waits"].state == "pending"


def test_items_of_a_mapped_stage_count_each(gauge):
    """Of a counted resource as many items are called as there are, and no more."""
    flow = Pipeline("map", Parameters.define(numbers=[*range(30)]), progress=False)
    barrier = threading.Barrier(3, timeout=WAIT_S)

    @flow.stage(over={"n": "numbers"}, uses="api", chunk=1)
    def fetch(n):
        gauge.enter("api")
        if n < 3:
            barrier.wait()
        gauge.leave("api")
        return n

    run = flow.run(executor="threads", workers=8, limits={"api": 3})

    assert run["fetch"] == [*range(30)]
    assert gauge.most == {"api": 3}


def test_a_mapped_stage_has_what_there_is_once_for_itself(gauge):
    """Its items are called one at a time, and no other stage comes in between."""
    flow = Pipeline("map", Parameters.define(numbers=[*range(20)]), progress=False)

    @flow.stage(over={"n": "numbers"}, uses="file", chunk=1)
    def write(n):
        gauge.enter("file", "write")
        gauge.leave("file")

    flow.stage(_use(gauge, "file"), name="other", uses="file")
    flow.run(executor="threads", workers=4)

    assert gauge.most == {"file": 1}
    assert gauge.order == [*["write"] * 20, "other"]


def test_a_map_makes_room_for_a_stage_that_waits():
    """Its helpers give back what a stage waits for, before all items are called."""
    flow = Pipeline("room", Parameters.define(numbers=[*range(4000)]), progress=False)
    both, begun = threading.Barrier(2, timeout=WAIT_S), threading.Event()
    came = threading.Event()

    @flow.stage(over={"n": "numbers"}, uses="api", chunk=1)
    def fetch(n):
        if n >= 2:
            return came.wait(0.001)
        both.wait()  # leader and helper have all there is
        has_come = came.is_set()
        begun.set()
        return has_come

    flow.stage(lambda: begun.wait(WAIT_S), name="late")
    flow.stage(lambda late: came.set(), name="waits", uses="api")
    run = flow.run(executor="threads", workers=4, limits={"api": 2})

    assert run["fetch"][0] is False
    assert run["fetch"][-1] is True


def test_async_items_count_each(gauge):
    """Items of an async stage as well, beside a stage that uses the same."""
    flow = Pipeline("async map", Parameters.define(numbers=[*range(20)]), progress=False)

    @flow.stage(over={"n": "numbers"}, uses="api")
    async def fetch(n):
        gauge.enter("api")
        end = time.monotonic() + WAIT_S
        while gauge.most["api"] < 3 and time.monotonic() < end:  # until all there is was in use
            await asyncio.sleep(0.002)
        gauge.leave("api")
        return n

    flow.stage(_use(gauge, "api"), name="other", uses="api")
    run = flow.run(executor="threads", limits={"api": 3})

    assert run["fetch"] == [*range(20)]
    assert gauge.most == {"api": 3}


MEETING = """
def meet(folder, n=0):
    import os, time

    path = os.path.join(folder, "inside")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "met another"
    time.sleep(0.01)
    os.remove(path)
    return "alone"
"""


def test_stages_in_processes_take_turns(tmp_path):
    """No two of them are in the same folder at a time."""
    pytest.importorskip("cloudpickle")
    flow = Pipeline("processes", Parameters.define(folder=str(tmp_path)), progress=False)
    names: dict = {}
    exec(MEETING, names)
    for number in range(6):
        flow.stage(names["meet"], name=f"s{number}", uses="folder")
    run = flow.run(executor="processes", workers=3)

    assert {*run.values()} == {"alone"}


def test_items_in_processes_take_turns(tmp_path):
    """So do the items of a mapped stage."""
    pytest.importorskip("cloudpickle")
    flow = Pipeline("processes", Parameters.define(folder=str(tmp_path)), progress=False)
    names: dict = {}
    exec(MEETING, names)
    flow.stage(names["meet"], name="meet", over={"n": "numbers"}, uses="folder", chunk=1)
    flow.stage(lambda: [*range(8)], name="numbers")
    run = flow.run(executor="processes", workers=3)

    assert run["meet"] == ["alone"] * 8


def test_one_at_a_time_needs_no_turns():
    """In a serial run the limits do not matter."""
    flow = Pipeline("serial", progress=False, limits={"db": 2})
    flow.stage(os.getpid, name="one", uses="db")
    flow.stage(lambda one: one, name="two", uses=("db", "gpu"))

    assert flow.run().state == "ok"


def _planned(uses, **options):
    flow = Pipeline("planned", progress=False)
    for number, name in enumerate(uses):
        flow.stage(lambda: None, name=f"s{number}", uses=name)
    return flow.plan(**options).notes


def test_the_plan_notes_a_limit_that_nothing_uses():
    """With the name that it may be."""
    assert _planned(["db"], limits={"dbb": 2}) == [
        'limits: no stage uses "dbb"; did you mean "db"?'
    ]
    assert _planned([()], limits={"db": 2}) == ['limits: no stage uses "db"']


def test_the_plan_notes_what_may_be_another_name_of_a_limit():
    """Of two names that differ in numbers only, neither is a mistake for the other."""
    uses = ["database", "databse", "gpu:0", "gpu:1"]

    assert _planned(uses, limits={"database": 2, "gpu:1": 2}) == [
        'stage "s1" uses "databse", of which there is one; did you mean "database"?'
    ]
    assert _planned(uses) == []


@pytest.mark.parametrize("uses", [{"gpu": 2}, "", [3], 3], ids=str)
def test_what_names_no_resource_is_a_mistake(uses):
    """A mapping too: how many a stage needs of a thing cannot be said."""
    flow = Pipeline("wrong", progress=False)
    flow.stage(lambda: 1, name="wrong", uses=uses)

    with pytest.raises(PlanError, match="is not the name of a resource or a list of names"):
        flow.plan()


@pytest.mark.parametrize("limits", [{"db": 0}, {"db": "2"}, {"db": None}, {3: 1}, ["db"], "db=2"])
def test_limits_that_are_none_are_a_mistake(limits):
    """The message shows what they look like."""
    flow = Pipeline("wrong", stages={"one": lambda: 1})

    with pytest.raises(PlanError, match=r"is not a mapping .* from 1 up: \{\"db\": 4\}"):
        flow.plan(limits=limits)


def test_each_limit_has_a_precedence_of_its_own(monkeypatch):
    """Run, pipeline, environment: who names one resource says nothing of the others."""
    monkeypatch.setenv("PYPEDREAM_LIMITS", "db=4, gpu = 2,file:a=b=3")
    flow = Pipeline("layers", stages={"one": lambda: 1}, limits={"db": 3, "api": 5})

    plan = flow.plan(limits={"api": 6})

    assert plan.options.limits == {"db": 3, "gpu": 2, "file:a=b": 3, "api": 6}


@pytest.mark.parametrize("text", ["db", "db=", "=3", "db=0", "db=two", "db=2,", "db=-1"])
def test_a_mistake_in_the_environment_names_the_variable(monkeypatch, text):
    """As of any option."""
    monkeypatch.setenv("PYPEDREAM_LIMITS", text)

    with pytest.raises(PlanError, match="environment PYPEDREAM_LIMITS: limits='"):
        Pipeline("wrong", stages={"one": lambda: 1}).plan()


def test_another_process_resumes_with_the_same_limits(tmp_path):
    """They are in the record of the run."""
    flow = Pipeline("recorded", workspace=tmp_path, progress=False)
    flow.stage(lambda: 1 / 0, name="fails", uses="db")
    with pytest.raises(ZeroDivisionError):
        flow.run(limits={"db": 3})
    first, flow.last_run = flow.last_run.id, None

    with pytest.raises(ZeroDivisionError):
        flow.resume(first)
    assert flow.last_run.plan.options.limits == {"db": 3}
