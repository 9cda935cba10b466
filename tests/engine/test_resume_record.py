"""Resume from a record: another process goes on, and calls nothing that had finished."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from pypedream import Parameters, Pipeline
from pypedream.engine.history import recorded_runs
from pypedream.errors import PlanError

FLOW = """
import os, signal, time
from pathlib import Path
from pypedream import Parameters, Pipeline, Secret

flow = Pipeline("work", Parameters.define(rows=3, name="x", token=None), workspace="w")

def called(name):
    with open("calls.txt", "a") as file:
        file.write(name + " ")

def trouble(name):
    kind = os.environ.get("TROUBLE_" + name, "")
    if kind == "fail":
        raise RuntimeError("no luck")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)  # in a thread it goes on, until it is left
        time.sleep(20)

@flow.stage
def load(rows):
    called("load")
    return list(range(rows))

@flow.stage
def clean(load, name):
    called("clean")
    return {name: load}

@flow.stage
def model(clean):
    called("model")
    trouble("model")
    return sum(sum(rows) for rows in clean.values())

@flow.stage
def plot(model, load):
    called("plot")
    return model / len(load)
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "flow.py").write_text(FLOW)

    def run(code, **environment):
        """Run *code* in a process of its own; return what it printed and what was called."""
        (tmp_path / "calls.txt").write_text("")
        done = subprocess.run(
            [sys.executable, "-c", f"from flow import flow\n{textwrap.dedent(code)}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, (tmp_path / "calls.txt").read_text().split()

    run.folder = tmp_path
    return run


@pytest.mark.parametrize("executor", ["serial", "threads"])
@pytest.mark.parametrize("trouble", ["fail", "kill", "interrupt"])
def test_another_process_goes_on(run, trouble, executor):
    """After a failure, Ctrl-C or a kill, only what had not finished is called."""
    code = f'flow.run(rows=4, name="y", executor="{executor}")'
    done, calls = run(code, TROUBLE_model=trouble)
    assert done.returncode
    assert calls == ["load", "clean", "model"]

    done, calls = run("run = flow.resume(); print(dict(run)); print(run)")

    assert done.stdout.startswith("{'load': [0, 1, 2, 3], 'clean': {'y': [0, 1, 2, 3]}, 'model': 6")
    assert calls == ["model", "plot"]
    assert "finished in run" in done.stdout or "reused" in done.stdout


def test_the_last_run_of_this_pipeline_is_meant(run):
    """Without an id it is the last run of the pipeline of that name; an id may be shortened."""
    run("flow.run(rows=2)", TROUBLE_model="fail")
    run("""
    from pypedream import Pipeline
    other = Pipeline("other", workspace="w")
    other.stage(lambda: 1, name="one")
    other.run()
    """)
    first = sorted(os.listdir(run.folder / "w" / "runs"))[0]

    done, calls = run(f'print(flow.resume("{first[:20]}").parameters["rows"])')

    assert done.stdout == "2\n"
    assert calls == ["model", "plot"]


def test_code_that_changed_meanwhile(run):
    """What changed since the run is called again, and what depends on it."""
    run("flow.run()", TROUBLE_model="kill")
    text = FLOW.replace("return {name: load}", "return {name: load[1:]}")
    (run.folder / "flow.py").write_text(text)

    done, calls = run("""
    run = flow.resume()
    print(run.plan.stages["clean"].reason)
    print(run.plan.stages["model"].reason)
    """)

    assert calls == ["clean", "model", "plot"]
    assert done.stdout.splitlines() == [
        "function clean (flow.py:29) changed",
        'needs "clean", which runs',
    ]


def test_values_that_were_set_are_set_again(run):
    """Parameters, selection and given values are those of the run; new ones may be named."""
    code = 'flow.run(name=("a", 1), until="model", given={"load": [5, 6]})'
    run(code, TROUBLE_model="kill")

    done, calls = run("run = flow.resume(); print(dict(run))")

    assert calls == ["model"]
    assert done.stdout == "{'load': [5, 6], 'clean': {('a', 1): [5, 6]}, 'model': 11}\n"


def test_a_secret_is_not_written(run):
    """A secret has to be given again, and is in no file of the workspace."""
    run(
        'from pypedream import Secret\nflow.run(token=Secret("hunter2secret"))',
        TROUBLE_model="kill",
    )
    for path in (run.folder / "w").rglob("*"):
        assert path.is_dir() or b"hunter2secret" not in path.read_bytes()

    done, calls = run("print(dict(flow.resume()))")

    assert done.returncode == 0
    assert calls == ["model", "plot"]


def test_a_run_that_goes_on_is_not_resumed(run):
    """While a process works on a run, another one does not take it over."""
    code = "from flow import flow\nflow.run()"
    text = FLOW.replace('trouble("model")', "time.sleep(30)")
    (run.folder / "flow.py").write_text(text)
    (run.folder / "calls.txt").write_text("")
    with subprocess.Popen([sys.executable, "-c", code], cwd=run.folder) as process:
        try:
            while "model" not in (run.folder / "calls.txt").read_text():
                assert process.poll() is None
            done, calls = run("flow.resume()")
        finally:
            process.kill()

    assert "is still running: wait for it or stop it first" in done.stderr
    assert calls == []


def test_there_is_nothing_to_resume(tmp_path):
    """Each way to have no run says so and how to have one."""
    flow = Pipeline("none")
    flow.stage(lambda: 1, name="one")
    with pytest.raises(PlanError, match=r"there is no run to resume: run\(\) first"):
        flow.resume()
    with pytest.raises(PlanError, match='no run "01ab" is in memory: say where it is recorded'):
        flow.resume("01ab")
    with pytest.raises(PlanError, match='no run of pipeline "none" is recorded in '):
        flow.resume(workspace=tmp_path / "w")


def test_torn_lines_lose_nothing(run):
    """Without its record a result is found by what it depends on."""
    run("flow.run()", TROUBLE_model="kill")
    (record,) = (run.folder / "w" / "runs").glob("*/results.jsonl")
    text = record.read_bytes()
    record.write_bytes(text[: len(text) - 30])

    done, calls = run("flow.resume()")

    assert done.returncode == 0, done.stderr
    assert calls == ["model", "plot"]


def test_a_record_is_one_line_for_each_stage(tmp_path):
    """Every line says what was called with what, and where the result is."""
    flow = Pipeline("lines", Parameters.define(rate=0.3), workspace=tmp_path)
    flow.stage(lambda rate: rate * 2, name="double")
    run = flow.run(rate=0.5)

    (line,) = map(
        json.loads, (tmp_path / "runs" / run.id / "results.jsonl").read_text().splitlines()
    )

    assert line["kind"] == "result"
    assert line["stage"] == "double"
    assert line["state"] == "ok"
    assert line["call"]["inputs"]["rate"][0] == 'parameter "rate"'
    assert line["call"]["inputs"]["rate"][2] == "0.5"
    assert line["key"] == line["call"]["key"]


def test_no_checkpoint_is_no_store(tmp_path):
    """With checkpoint=False the record is all that is written."""
    flow = Pipeline("bare", workspace=tmp_path, checkpoint=False)
    flow.stage(lambda: 1, name="one")
    flow.run()

    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


KILLED_AT_ITS_START = "sinks=[lambda event: os.kill(os.getpid(), signal.SIGKILL)]"


@pytest.mark.parametrize("times", [1, 2])
def test_a_killed_resume_loses_nothing(run, times):
    """However early a process is killed that goes on, what had finished before it still counts."""
    run("flow.run()", TROUBLE_model="fail")
    for _ in range(times):
        done, calls = run(f"import os, signal; flow.resume({KILLED_AT_ITS_START})")
        assert (done.returncode, calls) == (-9, [])

    done, calls = run("flow.resume()")

    assert done.returncode == 0, done.stderr
    assert calls == ["model", "plot"]


def test_a_run_that_was_resumed_in_memory_is_resumed_again(run):
    """Results that the first resume took from memory are taken from the workspace by the next."""
    done, calls = run(
        f"""
        import os, signal
        try:
            flow.run()
        except RuntimeError:
            flow.resume({KILLED_AT_ITS_START})
        """,
        TROUBLE_model="fail",
    )
    assert (done.returncode, calls) == (-9, ["load", "clean", "model"])

    done, calls = run("flow.resume()")

    assert done.returncode == 0, done.stderr
    assert calls == ["model", "plot"]


def test_a_run_is_there_when_it_can_be_resumed(run):
    """A process that is killed while values are kept leaves no run, and its folder goes."""
    code = """
    import os, signal
    class Deadly:
        def __reduce__(self):
            os.kill(os.getpid(), signal.SIGKILL)
    flow.run(name=Deadly())
    """
    done, calls = run(code)
    assert (done.returncode, calls) == (-9, [])
    runs = run.folder / "w" / "runs"
    (left,) = runs.iterdir()
    assert recorded_runs(run.folder / "w") == []

    run("flow.run()")
    assert left.exists()  # it may be that of a process that has only begun
    damaged = max(runs.iterdir())
    (damaged / "run.json").unlink()
    own = runs / "notes"
    own.mkdir()
    for path in (left, damaged, own):
        os.utime(path, (0, 0))
    run("flow.run(); flow.run()")

    assert not left.exists()
    assert damaged.exists()  # it has a journal
    assert own.exists()
    assert [one.state for one in recorded_runs(run.folder / "w")] == ["ok", "ok"]


@pytest.mark.parametrize("again", ["rows=5", "rows=6"])
def test_values_that_are_lost_are_asked_for(run, again):
    """A default does not quietly take the place of a value that was set."""
    run("flow.run(rows=5)", TROUBLE_model="kill")
    for path in (run.folder / "w" / "store").glob("index.db*"):
        path.unlink()

    done, calls = run("flow.resume()")
    assert calls == []
    assert done.stderr.count('the value of "rows" in run') == 1
    assert "was not kept: give it again" in done.stderr

    done, calls = run(f'print(len(flow.resume({again})["load"]))')
    assert done.stdout == f"{again[-1]}\n"


def test_given_values_that_are_lost_can_be_given_again(run):
    """They are named as the run was given them."""
    run('flow.run(given={"load": [1, 2]})', TROUBLE_model="kill")
    for path in (run.folder / "w" / "store").glob("index.db*"):
        path.unlink()

    done, _ = run("flow.resume()")
    assert 'the value of "load" in run' in done.stderr

    done, calls = run('print(flow.resume(given={"load": [5]})["model"])')
    assert (done.stdout, calls) == ("5\n", ["clean", "model", "plot"])


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_what_was_asked_for_is_not_guessed(run, damage):
    """A damaged run.json is said to be so, and an earlier run is not taken in its place."""
    run("flow.run()")
    run("flow.run(rows=5)", TROUBLE_model="kill")
    last = max((run.folder / "w" / "runs").iterdir()) / "run.json"
    text = last.read_text()
    last.write_text(
        {"cut": text[:100], "changed": text.replace("asked", "bsked"), "empty": ""}[damage]
    )

    done, calls = run("flow.resume()")

    assert calls == []
    assert f"what run {last.parent.name} was asked to do cannot be read" in done.stderr


def test_a_result_that_is_damaged_is_named_when_it_is_read(run):
    """The error is one of the store and says what to do, and that works."""
    code = """
    import os, pathlib
    run = flow.run(rows=20_000, until="clean")
    run = flow.resume(run.id)
    for path in pathlib.Path("w/store/blobs").glob("*/*"):
        os.chmod(path, 0o600)
        path.write_bytes(b"")
    from pypedream.errors import StoreError
    try:
        run["load"]
    except StoreError as error:
        print(error)
    print(len(flow.resume()["load"]))
    """

    done, calls = run(code)

    assert done.stdout.splitlines() == [
        'the kept result of stage "load" is truncated: pipeline.resume() computes it again',
        "20000",
    ], done.stderr
    assert calls == ["load", "clean", "load", "clean"]
