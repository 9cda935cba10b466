"""Sweeps: many runs as one batch, one by one or several at a time."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

import pypedream
from pypedream import Parameter, Parameters, Pipeline, Secret, context, sweep
from pypedream.engine.history import recorded_runs
from pypedream.errors import PlanError, RunCancelled

PACKAGE = str(Path(pypedream.__file__).parents[1])


def make_flow(**options) -> Pipeline:
    """A pipeline of two stages; the second fails for rate=0."""
    flow = Pipeline("rates", Parameters.define(base=6, rate=1), progress=False, **options)

    @flow.stage
    def load(base):
        return base

    @flow.stage
    def ratio(load, rate):
        print("dividing by", rate)
        return load / rate

    @flow.stage
    def double(load):
        return 2 * load

    return flow


def printed(run) -> list[str]:
    return [event.event for event in run.events if event.kind == "print"]


def problems(error) -> list[str]:
    """What a PlanError lists, without the places."""
    return [line.strip().rpartition(" (")[0] for line in str(error.value).splitlines()[1:]]


@pytest.mark.parametrize("at_once", [1, 3])
def test_each_point_is_a_run_of_its_own_in_the_order_of_the_points(at_once):
    """With its own id, parameters, results and log, however many go on at once."""
    runs = make_flow().map_runs(sweep.grid(base=[6, 12], rate=[1, 2, 3]), at_once=at_once)

    assert len({run.id for run in runs}) == len(runs) == 6
    assert [run["ratio"] for run in runs] == [6, 3, 2, 12, 6, 4]
    assert [run.batch.index for run in runs] == list(range(6))
    assert {run.batch.id for run in runs} == {runs.id}
    assert [printed(run) for run in runs] == [[f"dividing by {n}"] for n in (1, 2, 3, 1, 2, 3)]


def test_runs_that_go_on_at_once_do():
    """Three runs that wait for each other come to their end; a fourth waits for its turn."""
    barrier, under_way, most = threading.Barrier(3), [], []
    flow = Pipeline("meeting", Parameters.define(n=0), progress=False)

    @flow.stage
    def meet(n):
        under_way.append(n)
        most.append(len(under_way))
        if n < 3:
            barrier.wait(timeout=30)
        under_way.remove(n)
        return threading.current_thread().name

    runs = flow.map_runs(sweep.grid(n=range(4)), at_once=3)

    assert [run.state for run in runs] == ["ok"] * 4
    assert max(most) == 3
    assert threading.current_thread().name not in {run["meet"] for run in runs}


def test_points_may_come_from_anywhere():
    """A list, a generator, mappings of the user's; what they do not set keeps its value."""
    flow = make_flow()

    runs = flow.map_runs(({"rate": n} for n in (1, 2)), base=20)

    assert [run["ratio"] for run in runs] == [20, 10]
    assert [run.parameters["base"] for run in flow.map_runs([{}, {"base": 3}])] == [6, 3]


def test_a_nested_point_sets_a_group():
    """By dotted name or by a dict; the table has a column for each part that is set."""
    flow = Pipeline("nested", Parameters.define(model={"depth": 1, "rate": 0.5}), progress=False)
    flow.stage(lambda model: model["depth"], name="depth")

    runs = flow.map_runs([{"model.depth": 2}, {"model": {"depth": 3}}])

    assert [run["depth"] for run in runs] == [2, 3]
    assert [row["model.depth"] for row in runs.table()] == [2, 3]
    assert "model.rate" not in runs.table()[0]


def test_a_failed_run_keeps_the_others_and_what_does_not_depend_on_it():
    """The sweep is returned, with every run."""
    runs = make_flow().map_runs(sweep.grid(rate=[1, 0, 2]))

    assert [run.state for run in runs] == ["ok", "failed", "ok"]
    assert isinstance(runs[1].error, ZeroDivisionError)
    assert runs[1]["double"] == 12


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("who", ["call", "pipeline", "environment"])
def test_a_sweep_may_stop_at_the_first_failure(monkeypatch, who, at_once):
    """The stage's own exception is raised; the runs until then can be had."""
    if who == "environment":
        monkeypatch.setenv("PYPEDREAM_ON_ERROR", "stop")
    flow = make_flow(**({"on_error": "stop"} if who == "pipeline" else {}))
    asked = {"on_error": "stop"} if who == "call" else {}

    with pytest.raises(ZeroDivisionError) as raised:
        flow.map_runs(sweep.grid(rate=[1, 0, *range(1, 20)]), at_once=at_once, **asked)

    assert len(flow.last_runs) < 10
    assert [run.state for run in flow.last_runs[:2]] == ["ok", "failed"]
    assert flow.last_run is flow.last_runs[1]
    assert "see pipeline.last_runs" in raised.value.__notes__[-1]
    assert f"{len(flow.last_runs)} of 21 runs" in str(flow.last_runs)


def test_a_sweep_that_stopped_says_how_to_go_on(tmp_path):
    """With a workspace nothing that was done is done again."""
    calls, broken = [], [2]
    flow = Pipeline("go on", Parameters.define(n=0), workspace=tmp_path / "ws", progress=False)

    @flow.stage
    def double(n):
        calls.append(n)
        return 2 * n

    @flow.stage
    def check(double, n):
        if n in broken:
            raise ValueError("not yet")
        return double

    with pytest.raises(ValueError, match="not yet") as raised:
        flow.map_runs(sweep.grid(n=range(5)), on_error="stop")
    broken.clear()
    runs = flow.map_runs(sweep.grid(n=range(5)), on_error="stop", cache="cached")

    assert raised.value.__notes__[-1].endswith(
        '; to go on, call map_runs again with cache="cached"'
    )
    assert calls == [0, 1, 2, 3, 4]
    assert [run["check"] for run in runs] == [0, 2, 4, 6, 8]


def test_a_cancelled_run_is_one_of_the_sweep():
    """The others go on, unless the sweep is to stop."""
    flow = make_flow()

    @flow.stage
    def stop(ratio):
        if ratio > 3:
            context.RUN.get().cancel()

    flow.stage(lambda stop: 1, name="after")
    runs = flow.map_runs(sweep.grid(rate=[1, 2]))

    assert [run.state for run in runs] == ["cancelled", "ok"]
    with pytest.raises(RunCancelled):
        flow.map_runs(sweep.grid(rate=[1, 2]), on_error="stop")


def test_what_ends_the_program_ends_the_sweep():
    """As it ends a run."""
    flow = make_flow()
    flow.stage(lambda ratio: sys.exit(3), name="leave")

    with pytest.raises(SystemExit):
        flow.map_runs(sweep.grid(rate=[1, 2]))

    assert len(flow.last_runs) == 1


@pytest.mark.parametrize(
    "points, asked, said",
    [
        (
            sweep.grid(rate=[1, "x", 200], base=[1, 2]),
            {},
            [
                "point 3 of 6 (rate='x', base=1) and 1 more: parameter \"rate\": 'x' is not an int",
                'point 5 of 6 (rate=200, base=1) and 1 more: parameter "rate": 200 is over the',
            ],
        ),
        (
            [{"rte": 1}, {"rate": 1}],
            {},
            ['point 1 of 2 (rte=1): no parameter or option "rte"; did you mean "rate"?'],
        ),
        (
            [{"rte": 1}, {"rte": 2}],
            {"wokers": 3},
            [
                'no parameter or option "wokers"; did you mean "workers"?',
                'point 1 of 2 (rte=1) and all others: no parameter or option "rte"; did you mean',
            ],
        ),
        (
            [{"rate": 1}, 5],
            {"rate": 3},
            [
                "point 2 of 2 is 5, not a mapping of parameters: write {name: value}",
                'point 1 of 2 (rate=1): parameter "rate" is set by the point, and by rate= for all',
            ],
        ),
        ([], {}, ["the sweep has no points, so there is nothing to run"]),
        (
            {"rate": [1, 2]},
            {},
            ["a sweep is a list of mappings, not {'rate': [1, 2]}: write sweep.grid(name=[...])"],
        ),
        (
            "rate",
            {},
            ["a sweep is a list of mappings, not 'rate': write sweep.grid(name=[...]), or"],
        ),
        (
            [{}],
            {"at_once": 0, "results": ["ratoi", 3], "only": "lod"},
            [
                'results=: no stage "ratoi"; did you mean "ratio"?',
                "results=: it takes the name of a stage, not 3",
                "at_once=0 is not a number of runs from 1 up",
                'only=: no stage "lod"; did you mean "load"?',
            ],
        ),
        (
            [{"rate": 1}],
            {"cache": "cached"},
            ['cache="cached" needs a workspace: say where: '],
        ),
    ],
    ids=["values", "name", "common", "no mapping", "empty", "dict", "text", "options", "cache"],
)
def test_every_mistake_of_every_point_is_known_before_the_first_run(points, asked, said):
    """In one error, each once, with the point and the line of the user's code."""
    flow = Pipeline("rates", Parameters.define(base=6, rate=Parameter(int, 1, max=100)))
    called = []

    @flow.stage
    def load(base):
        called.append(base)

    flow.stage(lambda load, rate: 1, name="ratio")

    with pytest.raises(PlanError, match=r"test_sweep\.py:") as error:
        flow.map_runs(points, **asked)

    found = problems(error)
    assert [line[: len(start)] for line, start in zip(found, said, strict=True)] == said
    assert called == []
    assert flow.last_runs is None


@pytest.mark.parametrize(
    "asked, axes",
    [({"rate": [1, 2], "base": 6, "only": ["ratio"]}, "rate"), ({}, "name")],
    ids=["named", "none"],
)
def test_who_gives_no_points_is_told_what_to_write(asked, axes):
    """Lists of values that were meant as such are a grid."""
    hint = f"write map_runs(sweep.grid({axes}=[...]))"
    line = re.escape(f"no points are given, for each of which to run: {hint}")

    with pytest.raises(PlanError, match=rf"1 mistake\n  {line} \(.*test_sweep\.py:"):
        make_flow().map_runs(**asked)


def test_a_table_of_pandas_is_no_list_of_points():
    """The text says how it becomes one."""
    pandas = pytest.importorskip("pandas")

    with pytest.raises(PlanError, match=r'write table.to_dict\("records"\)'):
        make_flow().map_runs(pandas.DataFrame({"rate": [1]}))


def test_a_required_parameter_may_be_set_by_points():
    """A point without it is a mistake of that point."""
    flow = Pipeline("needs", Parameters.define("source"), progress=False)
    flow.stage(lambda source: source, name="load")

    assert [run["load"] for run in flow.map_runs([{"source": 1}, {"source": 2}])] == [1, 2]
    with pytest.raises(PlanError, match=r'point 2 of 2 \(\): parameter "source" has no value'):
        flow.map_runs([{"source": 1}, {}])


def test_who_may_call_nothing_knows_before_that_something_is_missing(tmp_path):
    """Points without a kept result are named."""
    flow = make_flow(workspace=tmp_path / "ws")
    flow.run(rate=2, cache="cached")

    with pytest.raises(PlanError, match=r"point 2 of 2 \(rate=3\): .* no result of it is kept"):
        flow.map_runs(sweep.grid(rate=[2, 3]), cache="read-only")
    assert flow.map_runs(sweep.grid(rate=[2]), cache="read-only")[0]["ratio"] == 3


def test_the_record_of_each_run_says_which_point_of_which_batch_it_is(tmp_path):
    """In its ``run.json``, and when it is read again."""
    flow = make_flow(workspace=tmp_path / "ws")
    alone = flow.run()

    runs = flow.map_runs(sweep.grid(rate=[1, 2]))

    texts = [tmp_path / "ws" / "runs" / run.id / "run.json" for run in (alone, *runs)]
    batches = [json.loads(text.read_text()).get("batch") for text in texts]
    assert batches == [
        None,
        {"id": runs.id, "point": {"rate": 1}, "index": 0, "of": 2},
        {"id": runs.id, "point": {"rate": 2}, "index": 1, "of": 2},
    ]
    newest = recorded_runs(tmp_path / "ws")[0]
    assert str(newest.batch) == f"2/2 of {runs.id}"
    assert newest.batch.point == {"rate": 2}


def test_a_secret_of_a_point_is_shown_nowhere(tmp_path):
    """Not in the record, the table, its text, an error or a mistake."""
    parameters = Parameters.define(token=Parameter(secret=True, default="none"), n=1)
    flow = Pipeline("hidden", parameters, workspace=tmp_path / "ws", progress=False)

    @flow.stage
    def login(token, n):
        text = token.reveal() if isinstance(token, Secret) else token
        if n == 2:
            raise ValueError(f"refused {text}")
        return f"with {text}"

    points = [{"token": "hunter2000"}, {"token": Secret("hunter3000"), "n": 2}]
    runs = flow.map_runs(points, at_once=2)
    with pytest.raises(PlanError) as error:
        flow.map_runs([{"token": "hunter4000", "m": 2}])

    files = [path for path in (tmp_path / "ws" / "runs").rglob("*") if path.is_file()]
    texts = [path.read_text() for path in files]
    shown = [str(runs), str(runs.table()), str(runs.failed), *texts, str(error.value)]
    assert not [text for text in shown if "hunter" in text]
    assert runs.table()[0]["login"] == "with ***"
    assert runs.table()[1]["error"] == "ValueError: refused ***"


def test_a_secret_within_a_group_is_not_shown_by_a_mistake():
    """Of a point that sets the whole group nothing is shown."""
    token = Parameter(default="none", secret=True)
    parameters = Parameters.define(db={"host": "here", "token": token})
    flow = Pipeline("hidden", parameters, progress=False)
    flow.stage(lambda db: db["host"], name="host")

    with pytest.raises(PlanError, match=r"point 1 of 1 \(db=\*\*\*, b=1\): no parameter") as error:
        flow.map_runs([{"db": {"token": "hunter2000"}, "b": 1}])
    assert "hunter" not in str(error.value)

    (run,) = flow.map_runs([{"db": {"token": "hunter2000", "host": "there"}}])
    assert run.batch.point == {"db.token": "***", "db.host": "there"}


def test_a_parameter_that_no_stage_needs_may_be_set_by_some_points_only():
    """The table has an empty cell for the others."""
    flow = Pipeline("partly", Parameters.define("source", n=1), progress=False)
    flow.stage(lambda source: source, name="load")
    flow.stage(lambda n: n, name="number")

    runs = flow.map_runs([{"n": 2}, {"source": "x"}], only="number")

    assert [row["source"] for row in runs.table()] == [None, "x"]
    assert [run["number"] for run in runs] == [2, 1]


def test_results_that_runs_share_are_computed_once(tmp_path):
    """Also by runs that go on at once; a sweep that is asked for again computes what is new."""
    calls = []
    flow = Pipeline(
        "shared", Parameters.define(base=1, n=0), workspace=tmp_path / "ws", progress=False
    )

    @flow.stage
    def load(base):
        calls.append("load")
        return base

    @flow.stage
    def square(load, n):
        calls.append(n)
        return load * n**2

    first = flow.map_runs(sweep.grid(n=[1, 2, 3]), cache="cached", at_once=3)
    again = flow.map_runs(sweep.grid(n=[1, 2, 3, 4]), cache="cached")

    assert sorted(calls, key=str) == [1, 2, 3, 4, "load"]
    assert [run["square"] for run in first] == [1, 4, 9]
    assert [run["square"] for run in again] == [1, 4, 9, 16]
    assert [row["square"] for row in again.table()] == [1, 4, 9, 16]


def test_progress_is_a_line_a_run(capsys):
    """With the point, how it went and how long it took."""
    make_flow().map_runs(sweep.grid(rate=[1, 0]), progress=True, at_once=2)

    lines = sorted(line for line in capsys.readouterr().err.splitlines() if line[1:2] == "/")
    assert [line.partition(" in ")[0] for line in lines] == [
        "1/2  rate=1: ok",
        "2/2  rate=0: failed",
    ]


def test_a_sweep_within_a_stage_is_a_sweep():
    """Its runs are not those of the outer pipeline."""
    outer = Pipeline("outer", progress=False)

    @outer.stage
    def best():
        runs = make_flow().map_runs(sweep.grid(rate=[1, 2]), at_once=2)
        return runs.best("ratio")["ratio"]

    run = outer.run()

    assert run["best"] == 6
    assert printed(run) == []


def test_the_workspace_that_cannot_be_written_is_named(tmp_path):
    """And the sweep is over."""
    (tmp_path / "ws").write_text("a file")
    flow = make_flow()

    with pytest.raises(OSError, match="cannot write the workspace"):
        flow.map_runs(sweep.grid(rate=[1, 2]), workspace=tmp_path / "ws")

    assert len(flow.last_runs) == 0


INTERRUPTED = """
    import os, signal, sys, threading, time
    from pypedream import Parameters, Pipeline, sweep

    at_once, executor, is_stubborn = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "stubborn"
    flow = Pipeline(
        "slow", Parameters.define(n=0), workspace="ws", progress=False, executor=executor
    )
    waiting, all_wait, is_over = [], threading.Event(), threading.Event()

    @flow.stage
    def first(n):
        return n

    @flow.stage
    def wait(first):
        if first > 0:
            waiting.append(first)
            if len(waiting) == at_once:
                all_wait.set()
            while not is_over.wait(0.05):  # a signal just before a wait does not end it
                pass
        return first

    @flow.stage
    def last(wait):
        return wait

    def press():
        all_wait.wait()
        os.kill(os.getpid(), signal.SIGINT)
        if is_stubborn:
            while not flow.last_runs.rows or not asked():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        elif at_once > 1:
            while not asked():
                time.sleep(0.01)
            is_over.set()

    def asked():
        return any(run._execution.stopping for run in flow.last_runs if run.state == "running")

    threading.Thread(target=press, daemon=True).start()
    try:
        flow.map_runs(sweep.grid(n=range(20)), at_once=at_once)
    except KeyboardInterrupt as error:
        said = error.__notes__[-1]
    is_as_before = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    print((said, [run.state for run in flow.last_runs], is_as_before))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a real SIGINT")
@pytest.mark.parametrize(
    "at_once, executor, kind",
    [
        (1, "serial", "yielding"),
        (3, "serial", "yielding"),
        (3, "threads", "yielding"),
        (3, "serial", "stubborn"),
        (3, "threads", "stubborn"),
    ],
)
def test_ctrl_c_ends_a_sweep_in_good_order(tmp_path, at_once, executor, kind):
    """No new run starts; those under way are interrupted, also in the record; once more leaves."""
    said, states, is_as_before = states_after(INTERRUPTED, tmp_path, at_once, executor, kind)

    done = len(states) - at_once  # one that was interrupted is not
    assert said.startswith(f"the sweep ended early: {done} of 20 runs are done")
    assert states[0] == "ok"
    assert states[-at_once:] == ["interrupted"] * at_once
    assert len(states) <= 2 * at_once + 1
    assert is_as_before
    assert [run.state for run in recorded_runs(tmp_path / "ws")] == states[::-1]


BETWEEN = """
    import os, signal, sys
    from pypedream import Parameters, Pipeline

    class Points(list):
        def __getitem__(self, index):
            if index == 3 and flow.last_runs is not None:
                os.kill(os.getpid(), signal.SIGINT)
            return super().__getitem__(index)

    flow = Pipeline("between", Parameters.define(n=0), workspace="ws", progress=False)
    flow.stage(lambda n: n, name="number")
    try:
        flow.map_runs(Points({"n": n} for n in range(9)), at_once=int(sys.argv[1]))
    except KeyboardInterrupt:
        print([run.state for run in flow.last_runs])
"""

ANYWHERE = """
    import os, signal, sys, threading, time
    from pypedream import Parameters, Pipeline, sweep

    flow = Pipeline("anywhere", Parameters.define(n=0), workspace="ws", progress=False)

    @flow.stage
    def number(n):
        if n == 2:
            threading.Thread(target=press, daemon=True).start()
        return n

    def press():
        time.sleep(float(sys.argv[2]))
        os.kill(os.getpid(), signal.SIGINT)

    try:
        flow.map_runs(sweep.grid(n=range(5000)), at_once=int(sys.argv[1]))
    except KeyboardInterrupt:
        print([run.state for run in flow.last_runs])
"""


def states_after(code: str, folder: Path, *arguments: object) -> Any:
    """Run *code*, which presses Ctrl-C; return what its last line says."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    return ast.literal_eval(done.stdout.splitlines()[-1])


@pytest.mark.skipif(sys.platform == "win32", reason="needs a real SIGINT")
@pytest.mark.parametrize("at_once", [1, 2])
def test_ctrl_c_between_two_runs_starts_no_other(tmp_path, at_once):
    """What was done is there."""
    states = states_after(BETWEEN, tmp_path, at_once)

    assert len(states) == 3
    assert set(states) <= {"ok", "interrupted"}
    assert states.count("ok") >= 2  # of two side by side the second may end first


@pytest.mark.skipif(sys.platform == "win32", reason="needs a real SIGINT")
@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("delay_ms", [1, 7, 19, 53])
def test_ctrl_c_anywhere_leaves_no_run_half_done(tmp_path, at_once, delay_ms):
    """Each run has its end, and the records say what the sweep says."""
    states = states_after(ANYWHERE, tmp_path, at_once, delay_ms / 1000)

    assert set(states) <= {"ok", "interrupted"}
    assert [run.state for run in recorded_runs(tmp_path / "ws")] == states[::-1]
