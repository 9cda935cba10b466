"""Plan: what will happen to each stage and why, decided without calling anything."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from enum import Enum
from pathlib import Path
from textwrap import dedent

import pytest
from attrs import field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream import (
    DependencyInputMapper,
    Input,
    InputBinding,
    Parameter,
    Parameters,
    Pipeline,
    SequentialOutputMapper,
    Variables,
    context,
    dependency,
    immediate,
)
from pypedream.engine.planned import PlannedStage
from pypedream.errors import PlanError
from pypedream.executors import Processes


@pytest.fixture
def flow() -> Pipeline:
    """A chain load -> clean -> model -> plot (if the parameter show holds), and check."""
    flow = Pipeline("report", Parameters.define(rate=2, show=True), progress=False)
    flow.stage(lambda rate: rate, name="load", tags="io")
    flow.stage(lambda load: load + 1, name="clean")
    flow.stage(lambda load: load > 0, name="check")
    flow.stage(lambda clean: clean * 10, name="model", tags="slow")
    flow.stage(lambda model: f"<{model}>", name="plot", when="show")
    return flow


def decisions(plan) -> dict[str, tuple[str, str]]:
    return {one.key: (one.decision, one.reason) for one in plan.stages.values()}


# What it looks like


def text(lines: str) -> str:
    return dedent(lines).strip("\n")


def test_a_plan_reads_as_a_table(flow):
    """Printing a plan shows a line a stage: what happens to it, and why."""
    assert str(flow.plan()) == text(
        """
        report: 5 of 5 stages will run
          load   run    no earlier result is kept
          clean  run    no earlier result is kept
          check  run    no earlier result is kept
          model  run    no earlier result is kept
          plot   run    if parameter "show" holds
        """
    )


def test_a_plan_says_what_is_not_run(flow):
    """Stages that are given, not selected or skipped are there too, each with its reason."""
    plan = flow.plan(until=["plot", "model"], given={"clean": 3}, show=False)

    assert str(plan) == text(
        """
        report: 1 of 5 stages will run
          load   skip   not selected (until=plot, model)
          clean  reuse  given
          check  skip   not selected (until=plot, model)
          model  run    asked for
          plot   skip   parameter "show" is False
        """
    )


def test_a_plan_of_one_stage_counts_in_the_singular():
    """One stage is a stage."""
    plan = Pipeline("small", stages={"load": lambda: 1}).plan()

    assert str(plan).splitlines()[0] == "small: 1 of 1 stage will run"


def test_a_plan_is_shown_as_its_text(flow):
    """A notebook cell that ends with a plan shows the table."""
    plan = flow.plan()

    assert repr(plan) == str(plan)


def test_notes_stand_below_the_stages():
    """What a run will do otherwise than one might think is a note."""
    flow = Pipeline("slow", Parameters.define(workers=1))
    flow.stage(lambda: 1, name="load", timeout_s=0.5)

    assert str(flow.plan(workers=2)) == text(
        """
        slow: 1 of 1 stage will run
          load  run    no earlier result is kept
          note: timeout_s=0.5 of stage "load" cannot be enforced in this process: \
executor="processes" would; the run says when it is over its time
          note: workers= is the option; the parameter "workers" is set by run({"workers": ...})
        """
    )


async def awaited(): ...


async def yielding():
    yield 1


@pytest.mark.parametrize("function", [awaited, yielding], ids=["coroutine", "generator"])
def test_a_time_limit_that_holds_needs_no_note(function):
    """An async stage can be stopped, so its time limit is what it says."""
    flow = Pipeline("fast")
    flow.stage(function, name="it", timeout_s=1)

    assert flow.plan().notes == []


NOTHING_RESERVED = (
    'mem_gb=, gpus= of stages "fit", "score": nothing is reserved, as only Dask, Ray and Slurm give'
    " out such things; uses= and limits= keep stages from having one at the same time"
)


@pytest.mark.parametrize(
    "executor",
    ["serial", "threads", "processes", Processes(1)],
    ids=["serial", "threads", "processes", "a pool"],
)
def test_resources_that_nobody_gives_out_are_a_note(executor):
    """One for all stages that ask for some; those that do not run ask for nothing."""
    flow = Pipeline("gpus")
    flow.stage(lambda: 1, name="fit", gpus=1)
    flow.stage(lambda: 1, name="score", gpus=1, mem_gb=4)
    flow.stage(lambda: 1, name="other", cpus=2)
    flow.stage(lambda: 1, name="usual")

    plan = flow.plan(only=["fit", "score", "usual"], executor=executor)

    assert plan.notes == [NOTHING_RESERVED]


def test_a_stage_that_does_not_run_needs_no_note():
    """A time limit is of interest only for a stage that is called."""
    flow = Pipeline("slow", stages={"load": lambda: 1})
    flow.stage(lambda: 1, name="wait", timeout_s=1)

    assert flow.plan(only="load").notes == []


# Decisions and reasons


@pytest.mark.parametrize(
    "asked, expected",
    [
        ({"only": "load"}, {"load": "asked for", "clean": "not selected (only=load)"}),
        ({"until": "clean"}, {"load": "needed by clean", "clean": "asked for"}),
        (
            {"from_": "clean", "given": {"load": 1}},
            {"load": "given", "clean": "asked for", "model": "needs clean"},
        ),
        ({"tags": "io"}, {"load": "tagged io", "clean": "not selected (tags=io)"}),
        ({"given": {"load": 1}}, {"load": "given", "clean": "no earlier result is kept"}),
        ({"show": False}, {"plot": 'parameter "show" is False'}),
        ({"show": 0}, {"plot": 'parameter "show" is 0'}),
        ({"show": ""}, {"plot": "parameter \"show\" is ''"}),
        ({"show": None}, {"plot": 'parameter "show" is None'}),
        ({"show": []}, {"plot": 'if parameter "show" holds'}),
        (
            {"until": "model", "tags": "io"},
            {"load": "needed by model", "clean": "not selected (until=model; tags=io)"},
        ),
    ],
    ids=lambda value: repr(value) if "load" not in str(list(value)) else "",
)
def test_every_decision_has_its_reason(flow, asked, expected):
    """The reason says which part of what was asked decided."""
    stages = flow.plan(**asked).stages

    assert {key: stages[key].reason for key in expected} == expected


def test_what_needs_a_skipped_stage_is_skipped(flow):
    """A condition that is known not to hold is followed to all that need the stage."""
    flow.stage(lambda plot: plot, name="paper")
    flow.stage(lambda paper: paper, name="post")
    flow.stage(lambda plot="none": plot, name="optional")

    plan = flow.plan(show=False)

    assert decisions(plan)["paper"] == ("skip", 'needs "plot", which is skipped')
    assert decisions(plan)["post"] == ("skip", 'needs "paper", which is skipped')
    assert decisions(plan)["optional"] == ("run", "no earlier result is kept")


def is_late(load, rate=1): ...


@pytest.mark.parametrize(
    "when, reason",
    [
        ("show", 'if parameter "show" holds'),
        ("count", 'if variable "count" holds'),
        ("load", 'if stage "load" holds'),
        (is_late, 'if is_late(stage "load", parameter "rate") holds'),
        (lambda load: load, 'if its condition on stage "load" holds'),
        (lambda: True, "if its condition holds"),
        (
            InputBinding.deferred(context.STAGES, DependencyInputMapper("load")),
            'if stage "load" holds',
        ),
        (InputBinding.deferred(context.RUN, bool), "if context.RUN holds"),
        (InputBinding.callback(is_late), "if callback is_late holds"),
    ],
    ids=range(9),
)
def test_a_condition_that_is_not_known_yet_is_told(when, reason):
    """The plan says on what a stage will be called."""
    flow = Pipeline(
        "when", Parameters.define(rate=2, show=True), variables=Variables.define(count=0)
    )
    flow.stage(lambda: 1, name="load")
    flow.stage(lambda: 1, name="it", when=when)

    assert flow.plan().stages["it"].reason == reason


def test_a_planned_stage_says_what_it_waits_for(flow):
    """Keys in the order of the arguments, each once; those of after= come last."""
    flow.stage(
        lambda model, load, again: 0,
        name="all",
        after=["check", "load"],
        inputs=[dependency("load", "again")],
    )

    assert flow.plan().stages["all"] == PlannedStage(
        "all", "run", "no earlier result is kept", ("model", "load", "check")
    )


def test_a_resumed_run_is_planned_with_what_it_takes_over(flow):
    """What had finished is reused, and what runs says why."""
    flow.stage(lambda clean: 1 / (clean - 3), name="broken")
    with pytest.raises(ZeroDivisionError):
        flow.run()

    plan = flow.resume(rate=5).plan

    assert decisions(plan)["load"] == ("run", 'parameter "rate" 2 -> 5')
    assert decisions(plan)["clean"] == ("run", 'needs "load", which runs')
    assert decisions(plan)["broken"][0] == "run"


def test_the_order_of_a_plan_is_the_order_of_the_run():
    """A plan lists its stages as a run calls them, one after the other."""
    called = []
    flow = Pipeline("order", progress=False)
    for key, needs in {"d": "c", "a": "", "c": "a", "b": ""}.items():
        flow.stage(eval(f"lambda {needs}: called.append({key!r})", {"called": called}), name=key)

    planned = list(flow.plan().stages)
    run = flow.run()

    assert called == planned == list(run) == ["a", "c", "d", "b"]


# The plan is what the run does


def random_flow(seed: int) -> tuple[Pipeline, list[str]]:
    """A pipeline of random edges, tags and conditions that notes which stages are called."""
    source = random.Random(seed)
    called: list[str] = []
    flow = Pipeline("random", Parameters.define(yes=True, no=False), progress=False)
    for number in range(source.randint(1, 9)):
        read = [f"s{below}" for below in range(number) if source.random() < 0.3]
        optional = [f"{name}=0" if source.random() < 0.3 else name for name in read]
        arguments = ", ".join(sorted(optional, key=lambda name: "=" in name))
        function = eval(f"lambda {arguments}: called.append('s{number}')", {"called": called})
        when = source.choice([None, None, None, "yes", "no"])
        tags = source.choice([(), "red", ["red", "blue"]])
        flow.stage(function, name=f"s{number}", when=when, tags=tags)
    return flow, called


def random_request(seed: int, keys: list[str]) -> dict[str, object]:
    source = random.Random(-seed)
    asked: dict[str, object] = {}
    for option in ("only", "until", "from_"):
        if source.random() < 0.3:
            asked[option] = source.sample(keys, source.randint(1, len(keys)))
    if source.random() < 0.2:
        asked["tags"] = "red"
    if source.random() < 0.6:
        asked["given"] = dict.fromkeys(source.sample(keys, source.randint(0, len(keys))), 1)
    if source.random() < 0.3:
        asked["no"] = True
    return asked


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_what_is_planned_is_what_is_called(seed):
    """For any graph and any request, the stages that the plan runs are those that are called."""
    flow, called = random_flow(seed)
    asked = random_request(seed, list(flow.stages))

    try:
        planned = [one.key for one in flow.plan(**asked).stages.values() if one.decision == "run"]
    except PlanError:
        with pytest.raises(PlanError, match="cannot run"):
            flow.run(**asked)
        assert called == []
        return
    assert called == []
    run = flow.run(**asked)

    assert called == planned
    for key, (decision, _) in decisions(run.plan).items():
        state = {"run": ("ok",), "reuse": ("reused",), "skip": ("skipped", "pending")}[decision]
        assert run.stages[key].state in state


# Nothing of the user's is called, nothing is written


class Touched(AssertionError):
    """Something of the user's was called by a plan."""


def touch(*_args, **_kwargs):
    raise Touched


class Canary:
    """A value that cannot be looked at: every question about it fails."""

    __bool__ = __eq__ = __lt__ = __len__ = __iter__ = __contains__ = __repr__ = __str__ = touch
    __getitem__ = __call__ = __float__ = __int__ = __format__ = __copy__ = __deepcopy__ = touch
    __hash__ = object.__hash__


class Meta(type):
    """A class that cannot be asked for its instances or children."""

    __instancecheck__ = __subclasscheck__ = __call__ = touch


class Strange(metaclass=Meta):
    pass


def annotated(rows: Strange, times: "touch()") -> "touch()":  # noqa: UP037
    raise Touched


def strange() -> Strange:
    raise Touched


class Kind(Enum):
    """Choices of a parameter."""

    RED = 1


@pytest.fixture
def canaries() -> Pipeline:
    """A pipeline in which everything that could be called raises when it is."""

    def bound(argument, source, mapper=None, **more):
        return Input(argument, InputBinding.contextual(source, mapper or touch, **more))

    flow = Pipeline(
        "canaries",
        Parameters.define(value=Canary(), flag=Canary(), kind=Parameter(Kind, Kind.RED)),
        variables=Variables.define(state=Canary()),
        sinks=[touch],
    )
    flow.stage(touch, name="load", output_mapper=touch, inputs=[immediate(Canary(), "x")])
    flow.stage(strange, name="rows", output_mapper=SequentialOutputMapper(["a", "b"]))
    flow.stage(annotated, name="annotated", inputs=[immediate(Canary(), "times")], when=touch)
    flow.stage(
        lambda a, b, c, d, e, f, value, state, other=Canary(): touch(),  # noqa: B008
        name="everything",
        inputs=[
            bound("a", context.PARAMETERS),
            bound("b", context.STAGES),
            bound("c", context.VARIABLES, get_first=False),
            Input("d", InputBinding.callback(touch, Canary())),
            Input("e", InputBinding.callback(touch, mapper=touch, call_first=False)),
            Input("f", InputBinding.now(Canary(), mapper=touch), logged=True),
        ],
        when="flag",
        retries=3,
        retry_on=touch,
    )
    flow.stage(touch, name="conditional", when=InputBinding.callback(touch), inputs=[])
    flow.stage(Canary(), name="object", inputs=[dependency("rows", "x", "a")])
    return flow


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"until": "everything"},
        {"from_": "rows", "given": {"load": Canary()}},
        {"only": "object", "given": {"rows": Canary(), "load": Canary()}},
        {"value": Canary(), "flag": Canary()},
        {"executor": "threads", "keep": "ends", "mutation": "copy"},
    ],
    ids=["all", "until", "from", "only", "values", "options"],
)
def test_a_plan_calls_nothing_of_the_users(canaries, asked):
    """Functions, mappers, callbacks, conditions, annotations and values are left alone."""
    plan = canaries.plan(**asked)

    assert "will run" in str(plan)
    assert len(plan.stages) == len(list(canaries.stages)) == 6


def test_settings_are_made_when_they_are_defined_and_not_again():
    """Default factories of a class are called by the definition, not by a plan."""
    made = []

    @frozen
    class Settings:
        rows: list[int] = field(factory=lambda: made.append(1) or [])

    flow = Pipeline("settings", Settings, {"it": lambda rows: rows})
    before = list(made)

    flow.plan()
    flow.plan()

    assert made == before


def test_the_canaries_sing(canaries):
    """The same pipeline raises as soon as it is run: the canaries are alive."""
    with pytest.raises(Touched):
        canaries.run(sinks=[], progress=False)


def test_a_plan_writes_nothing_and_starts_nothing(flow, tmp_path, monkeypatch):
    """No file, no folder, no thread: not even with a workspace."""
    monkeypatch.chdir(tmp_path)
    threads = threading.active_count()

    flow.plan(workspace=tmp_path / "runs", executor="threads", workers=2, progress=True)

    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads
    assert flow.last_run is None


def test_a_plan_prints_nothing(flow, capsys):
    """What a plan has to say is in the plan."""
    flow.plan(progress=True)

    assert capsys.readouterr() == ("", "")


def test_a_plan_opens_no_file_at_all(tmp_path):
    """In a fresh interpreter, planning opens nothing for writing and imports no engine for runs."""
    script = dedent(
        """
        import os, sys
        from pypedream import Parameters, Pipeline

        flow = Pipeline("fresh", Parameters.define(rate=2))
        flow.stage(lambda rate: rate, name="load")
        flow.stage(lambda load: load, name="plot", when="rate")
        opened = []

        def watch(event, arguments):
            if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                opened.append(arguments[0])
            if event.startswith(("socket", "subprocess", "os.mkdir", "os.remove", "shutil")):
                opened.append(event)

        sys.dont_write_bytecode = True
        sys.addaudithook(watch)
        flow.plan()
        print(opened, "asyncio" in sys.modules, "structlog" in sys.modules)
        """
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, map(Path, sys.path)))},
    )

    assert done.stdout.split("\n")[0] == "[] False False"
