"""Reuse: a stage is called only if its code or its inputs are not those of a kept result."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import Input, InputBinding, Parameters, Pipeline, context
from pypedream.errors import MissingEntry, PlanError, UnreadableResult
from pypedream.store import CorruptEntryWarning

# Python tells two versions of a file apart by size and time, and these are made too quickly.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
FLOW = """
import sys
from pathlib import Path
from pypedream import Parameters, Pipeline

RATE = 3
flow = Pipeline("sums", Parameters.define(last=3), workspace="w", cache="cached")

def called(name):
    with open("calls.txt", "a") as file:
        file.write(name + " ")

def scaled(rows):
    return [RATE * row for row in rows]

@flow.stage
def load(last):
    called("load")
    return list(range(last))

@flow.stage
def clean(load):
    called("clean")
    return scaled(load)

@flow.stage
def count(load):
    called("count")
    return len(load) > 0

@flow.stage
def report(count, clean):
    called("report")
    return f"{count} {sum(clean)}"
"""


class Script:
    """A pipeline in a file, each run of which is a process of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.text = FLOW

    def run(self, code="print(flow.run())"):
        """Run the script and *code* after it; return what it printed and what was called."""
        (self.folder / "calls.txt").write_text("")
        (self.folder / "flow.py").write_text(self.text)
        main = f"from flow import flow\n{textwrap.dedent(code)}"
        done = subprocess.run(
            [sys.executable, "-c", main],
            cwd=self.folder,
            env=os.environ | NO_BYTECODE,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr
        return done.stdout, (self.folder / "calls.txt").read_text().split()

    def reasons(self):
        """Return decision and reason of each stage of the plan."""
        code = """
        import json
        stages = flow.plan().stages.values()
        print(json.dumps({one.key: [one.decision, one.reason] for one in stages}))
        """
        import json

        printed, calls = self.run(code)
        assert not calls
        return json.loads(printed)


@pytest.fixture
def script(tmp_path):
    made = Script(tmp_path)
    _, calls = made.run()
    assert calls == ["load", "clean", "count", "report"]
    return made


def test_nothing_is_called_twice(script):
    """Another process takes over all results, and reads them when they are asked for."""
    printed, calls = script.run('run = flow.run()\nprint(dict(run), run.stages["load"].state)')

    assert calls == []
    assert "'report': 'True 9'" in printed
    assert "reused" in printed


def test_a_comment_is_no_change(script):
    """Comments, layout, docstrings and names of local variables call nothing."""
    script.text = script.text.replace(
        "    return [RATE * row for row in rows]",
        '    """Scale."""\n    # by the rate\n\n    return [RATE * one for one in rows]',
    )

    assert script.run()[1] == []


def test_a_helper_that_changed_calls_its_readers(script):
    """A helper runs exactly the stages that use it, and those whose inputs are other then."""
    script.text = script.text.replace("RATE * row for", "RATE * row + 1 for")

    assert script.reasons()["clean"] == ["run", "helper scaled (flow.py:13) changed"]
    assert script.reasons()["report"] == ["run", 'needs "clean", which runs']
    assert script.run()[1] == ["clean", "report"]


def test_a_constant_that_changed_is_named(script):
    """The constant behind a helper counts, and the plan says which it is."""
    script.text = script.text.replace("RATE = 3", "RATE = 4")

    assert script.reasons()["clean"] == ["run", "constant flow.RATE 3 -> 4"]
    assert script.run()[1] == ["clean", "report"]


def test_what_gives_the_same_stops_there(script):
    """A stage whose new result is the old one does not call those that read it."""
    script.text = script.text.replace("return scaled(load)", "return sorted(scaled(load))")

    _printed, calls = script.run()

    assert calls == ["clean"]
    assert script.run()[1] == []


def test_going_back_takes_over_the_old_results(script):
    """From A to B and back to A: the third run calls nothing."""
    before = script.text
    script.text = script.text.replace("RATE = 3", "RATE = 4")
    script.run()
    script.text = before

    assert script.run()[1] == []


def test_another_parameter_value_is_named(script):
    """A parameter calls the stages that read it, and both values are in the reason."""
    code = """
    stages = flow.plan(last=4).stages
    print(stages["load"].reason)
    run = flow.run(last=4)
    print([key for key, stage in run.stages.items() if stage.state == "reused"])
    """
    printed, calls = script.run(code)

    assert printed.splitlines() == ['parameter "last" 3 -> 4', "[]"]
    assert calls == ["load", "clean", "count", "report"]
    assert script.run("flow.run(last=4); flow.run(last=3)")[1] == []


def test_a_damaged_result_is_computed_again(script):
    """A result that is not what was kept is never handed out."""
    script.text = script.text.replace("return list(range(last))", "return list(range(last)) * 9000")
    big, calls = script.run('run = flow.run(); print(run["report"])')
    assert calls == ["load", "clean", "count", "report"]
    blobs = list((script.folder / "w" / "store" / "blobs").glob("*/*"))
    assert blobs
    for blob in blobs:
        blob.chmod(0o600)
        data = bytearray(blob.read_bytes())
        data[len(data) // 2] ^= 1
        blob.write_bytes(data)

    code = """
    import warnings
    warnings.simplefilter("ignore")
    run = flow.run(only="report", cache="force")
    print(run["report"])
    """
    again, calls = script.run(code)

    assert again == big
    assert calls == ["load", "clean", "report"]


def pipeline(tmp_path, **options):
    return Pipeline("here", Parameters.define(rate=2), workspace=tmp_path / "w", **options)


def test_a_list_that_stages_append_to_is_no_input(tmp_path):
    """Counting calls in a list does not make them other calls."""
    flow, calls = pipeline(tmp_path, cache="cached"), []

    @flow.stage
    def load(rate):
        calls.append("load")
        return rate

    flow.run()
    flow.run()

    assert calls == ["load"]


def test_modes(tmp_path):
    """Each mode says whether a stage is called and whether its result is kept."""
    flow = pipeline(tmp_path)
    calls = []

    @flow.stage
    def load(rate):
        calls.append(rate)
        return [rate]

    @flow.stage
    def double(load):
        calls.append("double")
        return load * 2

    flow.run(cache="cached")
    assert calls == [2, "double"]
    flow.run()
    assert calls == [2, "double"] * 2
    plan = flow.plan(cache="force")
    assert [one.reason for one in plan.stages.values()] == ['cache="force"'] * 2
    assert plan.overwrites[0].startswith('result of stage "load" (run ')
    flow.run(cache="force")
    assert calls == [2, "double"] * 3
    flow.run(cache="read-only")
    flow.run(cache="retry")
    assert calls == [2, "double"] * 3
    with pytest.raises(PlanError, match='stage "load": cache="read-only" and no result'):
        flow.run(cache="read-only", rate=3)
    assert calls == [2, "double"] * 3


def test_the_mode_of_a_stage_comes_first(tmp_path):
    """A stage that says "off" is called in every run; what it gives may stay the same."""
    flow, calls = pipeline(tmp_path, cache="cached"), []

    @flow.stage(cache="off")
    def clock():
        calls.append("clock")
        return 7

    @flow.stage
    def hand(clock):
        calls.append("hand")
        return clock

    flow.run()
    run = flow.run()

    assert calls == ["clock", "hand", "clock"]
    assert run.stages["hand"].state == "reused"
    assert run["hand"] == 7


def test_a_mode_needs_a_workspace():
    """Without a place for results the plan says so, and how to give one."""
    flow = Pipeline("nowhere", cache="cached")
    flow.stage(lambda: 1, name="one", cache="force")

    with pytest.raises(PlanError) as caught:
        flow.run()

    text = str(caught.value)
    assert 'cache="cached" needs a workspace: say where: Pipeline(workspace=".pypedream")' in text
    assert 'cache="force" of stage "one" needs a workspace' in text


def test_read_only_in_the_middle_of_a_run(tmp_path):
    """Where the inputs are known only in the run, the stage fails and is not called."""
    flow, calls = pipeline(tmp_path, cache="cached"), []

    @flow.stage
    def load(rate):
        return rate

    @flow.stage(cache="read-only")
    def double(load):
        calls.append(load)

    with pytest.raises(MissingEntry, match='stage "double": cache="read-only"'):
        flow.run()
    assert calls == []


def test_version_and_depends_on_and_env(tmp_path, monkeypatch):
    """What the user says that a result depends on counts; a version stands for the code."""
    flow, calls, file = pipeline(tmp_path, cache="cached"), [], tmp_path / "data.csv"
    file.write_text("1")
    monkeypatch.setenv("REGION", "eu")

    def add(text):
        flow.stage(
            eval(f"lambda: calls.append({text!r})", {"calls": calls}), name="pinned", version="1"
        )

    flow.stage(lambda: calls.append("file"), name="file", depends_on=file)
    flow.stage(lambda: calls.append("env"), name="env", env="REGION")
    add("one")
    flow.run()
    flow.remove("pinned")
    add("two")
    flow.run()
    assert calls == ["file", "env", "one"]
    file.write_text("2")
    monkeypatch.setenv("REGION", "us")
    plan = flow.plan()
    assert plan.stages["env"].reason == "environment REGION changed"
    assert "data.csv changed" in plan.stages["file"].reason
    flow.run()
    assert calls == ["file", "env", "one", "file", "env"]


def test_what_is_read_through_the_context_is_not_taken_over(tmp_path):
    """A stage that reads what its inputs do not say is called again each time."""
    flow, calls = pipeline(tmp_path, cache="cached"), []

    @flow.stage
    def load():
        calls.append(context.PARAMETERS.get()["rate"])

    flow.run()
    flow.run(rate=5)

    assert calls == [2, 5]


def test_a_stage_does_not_notice_that_it_is_watched(tmp_path):
    """Parameters and variables behave in a run that keeps results as in any other."""
    from collections.abc import Mapping, MutableMapping
    from copy import copy

    from pypedream import Variables

    flow = Pipeline(
        "watched",
        Parameters.define(rate=2, name="x"),
        variables=Variables.define(rows=1),
        workspace=tmp_path,
    )

    @flow.stage
    def look():
        parameters, variables = context.PARAMETERS.get(), context.VARIABLES.get()
        variables.rows += 4
        variables["rows"] *= 2
        variables.change("rows", lambda rows: rows + 1)
        with variables.lock:
            variables.update(rows=variables.rows + 1)
        return [
            isinstance(parameters, Parameters),
            isinstance(parameters, Mapping),
            isinstance(variables, MutableMapping),
            dict(parameters),
            dict(**parameters),
            parameters.rate,
            "rate" in parameters,
            len(parameters),
            sorted(parameters),
            copy(parameters)["name"],
            parameters == {"rate": 2, "name": "x"},
            dict(variables),
        ]

    kept, plain = flow.run(), flow.run(workspace=None)

    assert kept["look"] == plain["look"]
    assert kept["look"][-1] == {"rows": 12}


def test_opaque_bindings(tmp_path):
    """What may read anything is asked in every run."""
    flow, calls = pipeline(tmp_path, cache="cached"), []

    def load(first):
        calls.append("load")
        return first

    flow.stage(
        load,
        inputs=[
            Input("first", InputBinding.deferred(context.PARAMETERS, lambda all_: all_["rate"]))
        ],
    )
    flow.stage(
        lambda now: calls.append("clock"),
        name="clock",
        inputs=[Input("now", InputBinding.callback(lambda: 5))],
    )
    flow.run()
    run = flow.run()
    assert calls == ["load", "clock"] * 2
    assert run.plan.stages["clock"].reason == "it reads a callback"
    assert run.plan.stages["load"].reason == "it reads context.PARAMETERS"


def test_a_value_that_cannot_be_kept_is_said(tmp_path):
    """A result that no format holds is used, not kept, and the run says so."""
    flow, calls = pipeline(tmp_path, cache="cached"), []

    @flow.stage
    def stream(rate):
        calls.append("stream")
        return (number for number in range(rate))

    @flow.stage
    def lock(rate):
        import threading

        calls.append("lock")
        return threading.Lock()

    run = flow.run()
    assert run.state == "ok"
    said = [event.event for event in run.events if event.level == "warning"]
    assert any(text.startswith("its result cannot be kept: ") for text in said)
    flow.run()
    assert calls.count("lock") == 2
    assert flow.plan().stages["lock"].reason == "its result could not be kept"


@pytest.mark.parametrize("executor", ["serial", "threads"])
def test_all_kinds_of_stages(tmp_path, executor):
    """Async stages, generators, mappers, conditions and retries are taken over like others."""
    from pypedream import SequentialOutputMapper, dependency

    flow, calls = pipeline(tmp_path, cache="cached", executor=executor), []

    @flow.stage
    async def wait(rate):
        calls.append("wait")
        return rate

    @flow.stage
    def many(wait):
        calls.append("many")
        yield from range(wait)

    @flow.stage(output_mapper=SequentialOutputMapper(["low", "high"]))
    def both(many):
        calls.append("both")
        return min(many), max(many)

    @flow.stage(inputs=[dependency("both", "x", "high")], retries=1)
    def last(x):
        calls.append("last")
        return x

    @flow.stage(when="rate")
    def maybe(last):
        calls.append("maybe")
        return -last

    first = flow.run()
    second = flow.run()

    assert sorted(calls) == ["both", "last", "many", "maybe", "wait"]
    assert (
        dict(first)
        == dict(second)
        == {"wait": 2, "many": [0, 1], "both": (0, 1), "last": 1, "maybe": -1}
    )
    assert second.outputs["both"]["high"] == 1
    assert {second.plan.stages[key].decision for key in second} == {"reuse"}


def test_only_takes_over_what_it_needs(tmp_path):
    """A selection takes kept results of stages that are not selected."""
    flow, calls = pipeline(tmp_path, cache="cached"), []
    flow.stage(lambda rate: calls.append("a") or rate, name="a")
    flow.stage(lambda a: calls.append("b") or a + 1, name="b")
    flow.stage(lambda b: calls.append("c") or b + 1, name="c")
    flow.run()

    run = flow.run(only="c", cache="force")

    assert calls == ["a", "b", "c", "c"]
    assert run["c"] == 4


def test_a_kept_result_is_read_when_somebody_asks(tmp_path):
    """To take over a result loads nothing, and to read it leaves no file open."""
    flow = pipeline(tmp_path, cache="cached")
    flow.stage(lambda rate: list(range(9000 * rate)), name="long")
    flow.run()
    blobs = list((tmp_path / "w" / "store" / "blobs").glob("*/*"))
    run = flow.run()
    assert "unchanged since run" in repr(run)
    assert "long" in run
    assert len(run) == 1
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()

    assert len(run["long"]) == 18000
    if before:
        assert len(os.listdir("/proc/self/fd")) <= len(before)

    again = flow.run()
    blobs[0].unlink()
    with pytest.warns(CorruptEntryWarning), pytest.raises(UnreadableResult, match="is missing"):
        again["long"]


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_index_costs_no_more_than_its_results(tmp_path, seed):
    """The plan says that nothing can be read, and the run begins a new one."""
    import random

    flow, calls = pipeline(tmp_path, cache="cached"), []
    for number in range(30):
        flow.stage(lambda rate, number=number: calls.append(number) or number, name=f"s{number}")
    flow.run()
    index, chance = tmp_path / "w" / "store" / "index.db", random.Random(seed)
    data = bytearray(index.read_bytes())
    for _ in range(200):
        data[chance.randrange(100, len(data))] ^= chance.randrange(1, 256)
    index.write_bytes(data)

    plan = flow.plan()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CorruptEntryWarning)
        run = flow.run()

    assert dict(run) == {f"s{number}": number for number in range(30)}
    assert set(plan.stages) == set(run)


def test_resume_takes_a_run(tmp_path):
    """Anything else is one line."""
    flow = pipeline(tmp_path)
    flow.stage(lambda rate: rate, name="one")
    with pytest.raises(PlanError, match=r"resume\(\) takes a run or the id of one, not 3"):
        flow.resume(3)


def test_threads_plan_one_pipeline_for_the_first_time(tmp_path):
    """None of them spoils it for the others."""
    import sys
    from concurrent.futures import ThreadPoolExecutor

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(40):
            flow = Pipeline(f"p{number}", workspace=tmp_path, cache="cached")
            flow.stage(lambda: 1, name="one")
            with ThreadPoolExecutor(4) as pool:
                plans = list(pool.map(lambda _, flow=flow: flow.plan(), range(4)))
            assert len(plans) == 4
    finally:
        sys.setswitchinterval(before)


@given(data=st.data())
def test_what_is_planned_is_what_is_called(data, tmp_path_factory):
    """Over random graphs and edits, the plan names exactly the stages that the run calls.

    A stage that is planned because one before it runs may be left out when that gave the same.
    """
    size = data.draw(st.integers(2, 7))
    needs = {
        f"s{n}": data.draw(
            st.lists(st.sampled_from([f"s{m}" for m in range(n)]), unique=True, max_size=3)
        )
        if n
        else []
        for n in range(size)
    }
    codes = dict.fromkeys(needs, 0)
    workspace = tmp_path_factory.mktemp("w")
    rate = 1
    seen: dict[tuple, object] = {}
    for _ in range(data.draw(st.integers(2, 5))):
        calls: list[str] = []
        flow = Pipeline("random", Parameters.define(rate=1), workspace=workspace, cache="cached")
        for key, before in needs.items():
            arguments = ", ".join([*before, *(["rate"] if not before else [])])
            body = {
                0: f"hash(({arguments},)) % 1009",
                1: f"hash(({arguments},)) % 1009 + 1",
                2: f"0 * hash(({arguments},))",
            }[codes[key]]
            text = f"def {key}({arguments}):\n    calls.append('{key}')\n    return {body}\n"
            space = {"calls": calls}
            exec(text, space)
            flow.stage(space[key])
        plan = flow.plan(rate=rate)
        planned = {key for key, one in plan.stages.items() if one.decision == "run"}
        run = flow.run(rate=rate)

        left_out = planned - set(calls)
        assert set(calls) <= planned
        assert all(plan.stages[key].reason.startswith("needs ") for key in left_out)
        assert all(run.stages[key].state == "reused" for key in needs if key not in calls)
        expected = flow.run(rate=rate, cache="off", workspace=None)
        assert dict(run) == dict(expected)
        state = (tuple(codes.items()), rate)
        if state in seen:
            assert not planned
        seen[state] = True
        edited = data.draw(st.sampled_from(sorted(needs)))
        codes[edited] = data.draw(st.integers(0, 2))
        rate = data.draw(st.integers(1, 2))


def test_adopt_keeps_a_result_after_a_rename(script):
    """What a renamed stage gave goes on to count, and what depends on it is not called."""
    script.text = (
        script.text.replace("def clean(load):", "def scaling(load):")
        .replace('called("clean")', 'called("scaling")')
        .replace("def report(count, clean):", "def report(count, scaling):")
        .replace("sum(clean)", "sum(scaling)")
    )
    assert script.reasons()["scaling"] == ["run", "no result of it is kept"]

    printed, calls = script.run('print(len(flow.adopt("scaling", was="clean")))')
    assert printed == "26\n"
    assert calls == []
    assert script.reasons()["scaling"][0] == "reuse"
    script.run('flow.adopt("report")')

    assert script.run()[1] == []


def test_adopt_refuses_what_was_computed_from_other_inputs(script):
    """Only code may differ: a result of other inputs is not taken over."""
    code = """
    from pypedream.errors import PlanError
    for asked in ({"last": 9}, {"was": "cleen"}, {}):
        try:
            flow.adopt("load" if "last" in asked else "clean", **asked)
        except PlanError as error:
            print(error.problems[0])
    try:
        flow.adopt("clan")
    except PlanError as error:
        print(error.problems[0])
    """
    printed, calls = script.run(code)

    assert printed.splitlines() == [
        'the result of "load" is not of the inputs that "load" has: parameter "last" 3 -> 9',
        'no result of a stage "cleen" is recorded in w',
        'no stage "clan"; did you mean "clean"?',
    ]
    assert calls == []
