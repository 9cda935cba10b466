from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCREEN = """
    ratio failed: ZeroDivisionError: division by zero
      pipeline.py:12 in ratio
        return load / b
      load = 1   <- stage "load"
      b = 0      <- parameter "b" (-p)
    record: .pypedream/runs/ID
    log: python -m pypedream log ID --stage ratio
    next: fix it, then python -m pypedream resume ID
"""


def without_ids(text: str) -> str:
    """Replace what differs from run to run."""
    return re.sub(r"[0-9a-z]{26}", "ID", re.sub(r"<?\d[\d.]* m?s\b", "TIME", text))


def test_a_run_shows_prints_stages_and_one_last_line(invoke, flow):
    """What stages print is on stdout under their names, then how they ended, then one line."""
    result = invoke("run")

    assert result.exit_code == 0
    assert result.stderr == ""
    assert without_ids(result.stdout).splitlines() == [
        "load  | loading 1",
        "✓ load   TIME",
        "✓ total  TIME",
        "ok in TIME, 2 stages; log: python -m pypedream log ID",
    ]


def test_a_failure_ends_with_a_screen_for_a_person(invoke, broken):
    """Stage, line, inputs with their sources, record and next command: no frame of pypedream."""
    result = invoke("run", "-p", "b=0")

    assert result.exit_code == 1
    expected = [line.removeprefix("    ") for line in SCREEN.splitlines()[1:]]
    assert without_ids(result.stderr).splitlines() == expected
    assert len(expected) <= 12


def test_a_failure_without_a_record_says_how_to_see_more(invoke, broken):
    """Without a workspace there is no log to go to; nothing is written."""
    result = invoke("run", "--no-workspace")

    assert result.stderr.splitlines()[-1] == (
        "next: fix it and run again; --debug shows the whole traceback"
    )
    assert not Path(".pypedream").exists()


def test_debug_shows_the_traceback_before_the_screen(invoke, broken):
    """With --debug nothing is left out."""
    result = invoke("run", "--debug")

    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert "ratio failed: ZeroDivisionError: division by zero\n" in result.stderr


def test_on_error_continue_names_every_failure(invoke, write):
    """The first failure has its screen, each other one a line; the exit code is 1."""
    write(
        "pipeline.py",
        """
        from pypedream import Pipeline

        flow = Pipeline("two")

        @flow.stage
        def first():
            raise ValueError("one")

        @flow.stage
        def second():
            raise KeyError("two")
        """,
    )

    result = invoke("run", "--on-error", "continue", "--no-workspace")

    assert result.exit_code == 1
    assert result.stderr.startswith("first failed: ValueError: one\n")
    assert "\nalso failed: second: KeyError: 'two'\n" in result.stderr


def test_a_limit_says_how_many_stages_use_a_resource(invoke, write):
    """Several may be named at once, or one after the other."""
    write(
        "pipeline.py",
        """
        from pypedream import Pipeline, context

        flow = Pipeline("limited", executor="threads", workers=4)

        @flow.stage(uses="db")
        def told():
            print(context.RUN.get().plan.options.limits)
        """,
    )

    result = invoke("run", "--no-workspace", "--limit", "db=4,gpu=2", "--limit", "db=3")

    assert result.exit_code == 0
    assert "told | {'db': 3, 'gpu': 2}\n" in result.stdout


def test_a_secret_is_nowhere_on_the_screen(invoke, write):
    """Not among the inputs, and not where the user's own error has it."""
    write(
        "pipeline.py",
        """
        from pypedream import Parameter, Parameters, Pipeline

        flow = Pipeline("login", Parameters.define(token=Parameter(str, secret=True)))

        @flow.stage
        def login(token):
            print("with", token.reveal())
            raise ValueError("refused: " + token.reveal())
        """,
    )

    result = invoke("run", "-p", "token=hunter22", "--debug")

    assert "refused: ***" in result.stderr
    assert "hunter22" not in result.output
    texts = [path.read_text(encoding="utf-8") for path in Path(".pypedream").rglob("*.json*")]
    assert "hunter22" not in "".join(texts)


def test_quiet_shows_nothing_of_a_run_that_is_ok(invoke, flow):
    """With -q a good run is silent."""
    assert invoke("run", "-q").output == ""


def test_quiet_still_shows_a_failure(invoke, broken):
    """With -q a failure has its screen, and nothing else."""
    result = invoke("run", "-q")

    assert result.stdout == ""
    assert result.stderr.startswith("ratio failed: ZeroDivisionError")


@pytest.mark.parametrize(
    "options, is_shown", [((), False), (("-v",), True)], ids=["usual", "verbose"]
)
def test_debug_messages_are_for_those_who_ask(invoke, write, options, is_shown):
    """A debug event is always in the log, and on the console with -v."""
    write(
        "pipeline.py",
        """
        from pypedream import Pipeline, logger

        flow = Pipeline("talk")

        @flow.stage
        def talk():
            logger.debug("details")
            logger.info("news")
        """,
    )

    result = invoke("run", *options)

    assert "talk | info: news\n" in result.stdout
    assert ("talk | debug: details\n" in result.stdout) is is_shown
    assert "details" in invoke("log").stdout


def test_json_is_one_document_and_nothing_else_on_stdout(shell, write):
    """What stages, their child processes and the file itself print goes to stderr."""
    write(
        "pipeline.py",
        """
        import subprocess, sys
        from pypedream import Parameters, Pipeline

        print("importing")
        flow = Pipeline("noisy", Parameters.define(a=1))

        @flow.stage
        def noisy(a):
            subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
            print("from the stage")
        """,
    )

    code, stdout, stderr = shell("run", "--json")

    document = json.loads(stdout)
    assert code == 0
    assert sorted(document) == [
        "duration_s",
        "parameters",
        "pipeline",
        "run",
        "stages",
        "state",
        "workspace",
    ]
    assert document["stages"]["noisy"]["state"] == "ok"
    assert document["parameters"] == {"a": 1}
    for text in ("importing", "from a child", "noisy | from the stage"):
        assert text in stderr


def test_json_counts_the_items_of_a_mapped_stage(shell, write):
    """Those that failed too, though the stage went well as that was asked for."""
    write(
        "pipeline.py",
        """
        from pypedream import Parameters, Pipeline

        flow = Pipeline("mapped", Parameters.define(n=[1, 0, 2]))
        flow.stage(over="n", name="part")(lambda n: 2 / n)
        flow.stage(name="total")(lambda part: len(part))
        """,
    )

    code, stdout, _ = shell("run", "--json", "--on-error", "collect")

    stages = json.loads(stdout)["stages"]
    assert (code, stages["part"]["items"]) == (0, {"ok": 2, "failed": 1})
    assert "items" not in stages["total"]


def test_json_of_a_failure_names_state_and_error(result_of, broken):
    """The document says of every stage what became of it."""
    document = result_of("run", "--no-workspace")

    assert document["state"] == "failed"
    assert document["workspace"] is None
    states = {key: stage["state"] for key, stage in document["stages"].items()}
    assert states == {"load": "ok", "ratio": "failed", "plot": "blocked"}
    assert document["stages"]["ratio"]["error"] == "ZeroDivisionError: division by zero"


def test_json_of_a_pipeline_that_cannot_run_lists_its_mistakes(result_of, flow):
    """A program gets the mistakes as a person gets them."""
    document = result_of("run", "--only", "laod")

    assert document["pipeline"] == "sums"
    assert [problem["what"] for problem in document["problems"]] == [
        'only=: no stage "laod"; did you mean "load"?'
    ]


@pytest.mark.parametrize(
    "options, stages",
    [
        (("--only", "load"), {"load"}),
        (("--until", "load"), {"load"}),
        (("--tag", "late", "--given", "load=7"), {"total"}),
        (("--from", "total", "--given", "load=7"), {"total"}),
        (("--only", "load,total"), {"load", "total"}),
        (("--only", "load", "--only", "total"), {"load", "total"}),
    ],
    ids=["only", "until", "tag", "from", "list", "repeated"],
)
def test_a_selection_decides_which_stages_run(result_of, flow, options, stages):
    """Selections mean what they mean for Pipeline.run."""
    document = result_of("run", *options)

    ran = {key for key, stage in document["stages"].items() if stage["state"] == "ok"}
    assert ran == stages


def test_the_usual_workspace_is_beside_the_file(invoke, write, flow):
    """Wherever the command is given, the record is where the pipeline is."""
    flow.rename(write("inner/empty.py", "").with_name("pipeline.py"))

    result = invoke("run", "inner/pipeline.py")

    assert result.stdout.rstrip().endswith(" --workspace inner/.pypedream")
    assert len(list(Path("inner/.pypedream/runs").iterdir())) == 1


@pytest.mark.parametrize(
    "options, variables, place",
    [
        (("--workspace", "other"), {}, "other"),
        ((), {"PYPEDREAM_WORKSPACE": "other"}, "other"),
        (("--workspace", "given"), {"PYPEDREAM_WORKSPACE": "other"}, "given"),
    ],
    ids=["option", "environment", "both"],
)
def test_the_workspace_may_be_elsewhere(invoke, flow, options, variables, place):
    """The option comes before the environment, that before the folder beside the file."""
    result = invoke("run", *options, env=variables)

    assert result.exit_code == 0
    assert (Path(place) / "runs").is_dir()
    assert not Path(".pypedream").exists()


def test_a_workspace_of_the_pipeline_itself_is_kept(invoke, write):
    """What the user wrote into the file comes before the usual place."""
    write(
        "pipeline.py",
        """
        from pypedream import Pipeline

        flow = Pipeline("own", workspace="mine")

        @flow.stage
        def one():
            return 1
        """,
    )

    invoke("run")

    assert Path("mine/runs").is_dir()
    assert not Path(".pypedream").exists()


def test_the_pipelines_own_sinks_get_the_events_too(invoke, write):
    """The console of the command line is added to what the file asks for."""
    write(
        "pipeline.py",
        """
        from pypedream import Pipeline
        from pypedream.log import JsonLinesSink

        flow = Pipeline("own", sinks=[JsonLinesSink("mine.jsonl")])

        @flow.stage
        def one():
            print("hello")
        """,
    )

    result = invoke("run", "-q")

    assert result.output == ""
    assert '"event":"hello"' in Path("mine.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_any_encoding_will_do(shell, flow, encoding):
    """What an encoding lacks is replaced or escaped; nothing fails for it."""
    text = flow.read_text(encoding="utf-8").replace("loading", "lade über Ω")
    flow.write_text(text, encoding="utf-8")

    code, stdout, _ = shell("run", PYTHONIOENCODING=encoding, TERM="dumb", NO_COLOR="1")

    assert code == 0
    assert stdout.splitlines()[0].endswith("\\u03a9 1")
    assert "[ok] load" in stdout
    assert "\x1b" not in stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_an_interrupted_run_says_so_and_is_recorded(start, shell, write):
    """Ctrl-C: one line, exit code 130, and the record has the state."""
    write(
        "pipeline.py",
        """
        import time
        from pathlib import Path
        from pypedream import Pipeline

        flow = Pipeline("long")

        @flow.stage
        def first():
            return 1

        @flow.stage
        def wait(first):
            Path("is there").touch()
            time.sleep(60)
        """,
    )
    process = start("run")
    while not Path("is there").exists() and process.poll() is None:
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)

    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    last = without_ids(stderr.decode()).splitlines()
    log, again = "python -m pypedream log ID", "python -m pypedream resume ID"
    assert last == [f"interrupted after TIME, 1 of 2 stages; log: {log}; to go on: {again}"]
    _, runs, _ = shell("runs", "--json")
    assert [run["state"] for run in json.loads(runs)] == ["interrupted"]


def test_a_reader_that_leaves_does_not_fail_the_run(tmp_path):
    """``run | head``: the run goes on to its end, and its exit code is its own."""
    lines = [
        "from pypedream import Pipeline",
        'flow = Pipeline("talk")',
        "@flow.stage",
        "def talk():",
        "    for number in range(3000):",
        "        print(number, 'x' * 100)",
    ]
    (tmp_path / "pipeline.py").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pypedream", "run"]

    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()

    assert process.returncode == 0
    assert b"Traceback" not in said
