from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

TALKING = """
    import logging
    from pypedream import Parameters, Pipeline, logger

    flow = Pipeline("talking", Parameters.define(b=0))

    @flow.stage
    def load():
        print("read 52 rows")
        logging.getLogger("lab").warning("%d are odd", 3)
        logger.info("stored", rows=49)
        return 49

    @flow.stage
    def ratio(load, b):
        print("dividing")
        return load / b
"""


@pytest.fixture
def talked(invoke, write) -> str:
    """The id of a recorded run that failed."""
    write("pipeline.py", TALKING)
    invoke("run")
    return next(Path(".pypedream/runs").iterdir()).name


def said(text: str) -> list[str]:
    """The lines of a log, without its heading and without times."""
    return [line[11:] for line in text.splitlines()[1:]]


def test_a_log_shows_what_was_said_and_how_stages_ended(invoke, talked):
    """In order, with the stage; the failed one with its traceback and none of our frames."""
    result = invoke("log")

    assert result.exit_code == 0
    assert result.stdout.startswith("talking: failed after ")
    assert f"(run {talked})" in result.stdout
    lines = said(result.stdout)
    assert lines[:3] == [
        "load  | read 52 rows",
        "load  | warning: 3 are odd",
        "load  | info: stored rows=49",
    ]
    assert lines[3].startswith("✓ load   ")
    assert lines[4:7] == [
        "ratio | dividing",
        "✗ ratio  failed: ZeroDivisionError: division by zero",
        "ratio | Traceback (most recent call last):",
    ]
    assert lines[-1] == "ratio | ZeroDivisionError: division by zero"
    assert "/pypedream/engine/" not in result.stdout


@pytest.mark.parametrize(
    "options, first",
    [
        (("--stage", "ratio"), "ratio | dividing"),
        (("--level", "warning"), "load  | warning: 3 are odd"),
        (("--grep", "rows$"), "load  | read 52 rows"),
        (("--grep", "ro[w]s"), "load  | read 52 rows"),
        (("--level", "error"), "✗ ratio  failed"),
    ],
    ids=["stage", "level", "grep", "pattern", "error"],
)
def test_lines_are_chosen_by_stage_level_and_pattern(invoke, talked, options, first):
    """The command line says it as Pipeline.history would."""
    assert said(invoke("log", *options).stdout)[0].startswith(first)


def test_nothing_that_fits_is_said_to_be_nothing(invoke, talked):
    """An empty answer would leave doubt."""
    assert invoke("log", "--grep", "unicorn").stdout.splitlines()[1:] == ["nothing to show"]


def test_the_log_of_a_run_that_was_all_reused_names_the_one_that_computed(invoke, write):
    """What its stages said is there; a run of which a stage spoke shows that."""
    write("pipeline.py", TALKING)
    invoke("run", "-p", "b=7", "--cache", "cached")
    invoke("run", "-p", "b=7", "--cache", "cached")
    last, first = (line.split()[0] for line in invoke("runs").stdout.splitlines()[1:])

    whole = invoke("log").stdout.splitlines()[1:]
    asked = ("log", last, "--stage", "load", "--workspace", ".pypedream")
    one = invoke(*asked).stdout.splitlines()[1:]

    assert whole == [
        "nothing to show: 2 of 2 stages were reused; the log of what computed them:",
        f"  load, ratio: python -m pypedream log {first}",
    ]
    assert one == [
        "nothing to show: the stage was reused; the log of what computed it:",
        f"  load: python -m pypedream log {first} --workspace .pypedream",
    ]
    assert "load  | read 52 rows" in said(invoke("log", first).stdout)


def test_a_run_is_named_by_the_beginning_of_its_id(invoke, talked):
    """As few characters as make it clear will do; capitals do not matter."""
    assert invoke("log", talked[:20].upper()).stdout == invoke("log", talked).stdout


def test_json_of_a_log_has_the_run_and_its_events(result_of, talked):
    """The events have the keys of the lines in the files."""
    document = result_of("log", "--stage", "load")

    assert document["run"] == talked
    assert document["state"] == "failed"
    assert document["parameters"] == {"b": 0}
    kinds = [event["kind"] for event in document["events"]]
    assert kinds == ["stage.start", "print", "log", "log", "stage.end"]


def test_runs_lists_the_newest_first(invoke, talked):
    """One line a run: state, start, duration and what became of its stages."""
    invoke("run", "-p", "b=7")

    lines = invoke("runs").stdout.splitlines()

    assert lines[0].split() == ["run", "pipeline", "state", "started", "took", "stages"]
    assert [line.split()[2] for line in lines[1:]] == ["ok", "failed"]
    assert lines[1].endswith("  2 ok")
    assert lines[2].endswith("  1 ok, 1 failed")


def test_a_limit_says_how_many_more_there_are(invoke, talked):
    """What is left out is not forgotten."""
    invoke("run")

    assert invoke("runs", "--limit", "1").stdout.splitlines()[-1] == "and 1 older: --limit 2"


def test_json_of_runs_is_a_list(result_of, talked):
    """A program sees the times in UTC."""
    (run,) = result_of("runs")

    assert run["run"] == talked
    assert run["ended"] == {"ok": 1, "failed": 1}
    assert run["stages"] == ["load", "ratio"]
    assert run["started"].endswith("+00:00")


def test_no_runs_is_no_mistake(invoke):
    """An empty workspace has no runs, and says where it looked."""
    result = invoke("runs")

    assert result.exit_code == 0
    assert result.stdout.startswith("no run is recorded in .pypedream: ")
    assert json.loads(invoke("runs", "--json").stdout) == []


def test_the_pipeline_may_be_gone(invoke, talked):
    """Nothing of the user's is imported to read a record."""
    Path("pipeline.py").write_text("raise SystemExit", encoding="utf-8")

    assert invoke("log").exit_code == 0
    assert invoke("runs").exit_code == 0


def test_a_hostile_record_cannot_reach_the_terminal(invoke, talked):
    """Somebody else's record is only text."""
    log = Path(".pypedream/runs", talked, "logs.jsonl")
    forged = [
        {"seq": 99, "kind": "print", "stage": "x\x1b[2J", "event": "y\x1b]0;z\x07\u202e"},
        {"seq": 98, "kind": "stage.end", "stage": "x", "data": {"duration_s": "\x1b[2J"}},
        {"seq": 97, "kind": "\x1b[2J"},
    ]
    with log.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(event) + "\n" for event in forged))

    result = invoke("log")

    text = result.stdout
    assert result.exit_code == 0
    assert "\\x1b[2J" in text
    assert not any(sign in text for sign in "\x1b\x07\u202e")


def test_a_thousand_runs_need_no_index(invoke, folder):
    """Each is a folder; a list of them reads the end of each."""
    ids = [f"01{number:024d}" for number in range(1000)]
    for number, run in enumerate(ids):
        place = folder / ".pypedream" / "runs" / run
        place.mkdir(parents=True)
        about = {"run": run, "pipeline": f"p{number % 2}", "started": "2026-11-21T08:00:00+00:00"}
        (place / "run.json").write_text(json.dumps({**about, "stages": ["load"]}))
        end = {"kind": "run.end", "dt": 0.5, "data": {"state": "ok", "stages": {"ok": 1}}}
        (place / "journal.jsonl").write_text(json.dumps(end) + "\n")

    listed = invoke("runs")
    whole = invoke("runs", "--limit", "1000")

    assert [line.split()[0] for line in listed.stdout.splitlines()[1:-1]] == ids[:-21:-1]
    assert listed.stdout.splitlines()[-1] == "and 980 older: --limit 1000"
    assert len(whole.stdout.splitlines()) == 1001
    assert invoke("show", "last~999").stdout.startswith("p0: ok after 0.50 s")
    assert invoke("diff").stdout.splitlines()[1].split()[1] == ids[-3]


def test_a_run_that_cannot_be_read_is_named(invoke, talked):
    """It stays in the list, with what is still known of it."""
    Path(".pypedream/runs", talked, "run.json").write_text("{", encoding="utf-8")

    lines = invoke("runs").stdout.splitlines()

    assert lines[1].split()[:3] == [talked, "?", "failed"]
    assert lines[2] == f"note: run {talked}: run.json cannot be read"


SWEPT = """
    from pypedream import Parameter, Parameters, Pipeline, sweep

    flow = Pipeline(
        "swept", Parameters.define(b=1, token=Parameter(default="none", secret=True)),
        workspace=".pypedream", progress=False,
    )
    flow.stage(lambda b: 1 / b, name="ratio")

    if __name__ == "__main__":
        flow.run()
        flow.map_runs(sweep.grid(b=[2, 0], token=["hunter2000"]))
        flow.map_runs(sweep.grid(b=[4]))
"""


@pytest.fixture
def swept(write) -> list[str]:
    """The ids of two sweeps, beside which there is a run of its own."""
    file = write("pipeline.py", SWEPT)
    runpy.run_path(str(file or "pipeline.py"), run_name="__main__")
    records = sorted(Path(".pypedream/runs").glob("*/run.json"))
    batches = [json.loads(record.read_text()).get("batch") for record in records]
    return list(dict.fromkeys(batch["id"] for batch in batches if batch))


def test_runs_says_which_of_them_belong_together(invoke, swept):
    """By the point and the sweep; a run of its own has neither."""
    heading, *lines = invoke("runs").stdout.splitlines()

    assert heading.split()[-1] == "batch"
    assert [line[heading.index("batch") :] for line in lines] == [
        f"1/1 of {swept[1][:10]}",
        f"2/2 of {swept[0][:10]}",
        f"1/2 of {swept[0][:10]}",
        "",
    ]


def test_the_runs_of_one_sweep_are_listed_with_what_it_changed(invoke, result_of, swept):
    """By the id or the beginning of it; secrets are hidden."""
    heading, *lines = invoke("runs", "--batch", swept[0][:12]).stdout.splitlines()

    assert heading.split()[-3:] == ["point", "b", "token"]
    assert [line.split()[-3:] for line in lines] == [["2/2", "0", "***"], ["1/2", "2", "***"]]
    listed = result_of("runs", "--batch", swept[0])
    assert [run["batch"] for run in listed] == [
        {"id": swept[0], "index": n, "of": 2, "point": {"b": b, "token": "***"}}
        for n, b in ((1, 0), (0, 2))
    ]


@pytest.mark.parametrize(
    "name, said",
    [
        ("zzz", 'no run of a sweep "zzz" in .pypedream; the last are {1}, {0}'),
        ("01", '2 sweeps begin with "01": {1}, {0}'),
    ],
)
def test_an_unknown_sweep_is_refused_with_those_that_there_are(invoke, swept, name, said):
    """Also where several begin so."""
    result = invoke("runs", "--batch", name)

    assert result.exit_code == 2
    assert said.format(*swept) in result.stderr


def test_a_recorded_run_says_of_which_sweep_it_is(invoke, swept):
    """With the command that lists all of it."""
    shown = invoke("show", "last~1").stdout.splitlines()[1]

    assert shown == (f"point 2 of 2 of a sweep: python -m pypedream runs --batch {swept[0][:10]}")
