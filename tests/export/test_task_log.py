"""The sink of Airflow's task log, with hosts that have configured logging as Airflow has."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import warnings

import pytest
import structlog

from pypedream import Parameters, Pipeline, Secret, logger
from pypedream.export.airflow.task_log import TaskLogSink


@pytest.fixture
def task_log(monkeypatch):
    """What handlers of the root logger have written: with them Airflow keeps the log of a task."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(filename)s: %(message)s"))
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    before = root.level
    root.setLevel(logging.INFO)
    yield lambda: stream.getvalue().splitlines()
    root.setLevel(before)


@pytest.fixture
def host():
    """The lines of a host that has configured structlog, as Airflow 3 has."""
    lines: list[dict] = []

    def keep(_, level, values):
        lines.append({"level": level, **values})
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, keep],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    yield lines
    structlog.reset_defaults()


def run(stage, sink):
    flow = Pipeline("co2")
    flow.stage(stage)
    return flow.run(sinks=[sink], progress=False)


def plain(**options):
    return TaskLogSink("co2", is_structured=False, **options)


def spoken(lines):
    """The lines without those of the stage's start and end."""
    return [line for line in lines if not line.split(": ", 1)[-1].startswith("stage ")]


def test_prints_stand_once_in_the_log(task_log, capsys):
    """A print is a line of the log with the fields of its stage, and is nowhere else."""

    def load():
        print("reading", 3, "rows")

    run(load, plain())

    fields = "pipeline=co2 stage=load attempt=1"
    assert spoken(task_log()) == [f"INFO task_log.py: reading 3 rows {fields}"]
    assert capsys.readouterr() == ("", "")


def test_a_stage_has_one_line_for_its_start_and_one_for_its_end(task_log):
    """Start and end of a stage are a short line each; those of the run are none."""

    def load():
        return 1

    run(load, plain())

    first, last = task_log()
    assert first.endswith("stage started pipeline=co2 stage=load attempt=1")
    assert "stage ended state=ok duration_s=" in last


def test_all_that_is_said_stands_there_once_and_in_order(task_log):
    """Prints, loggers of logging, ours and warnings keep their order, level and number."""

    def load():
        print("one")
        logging.getLogger("source").warning("two")
        logger.error("three", rows=3)
        warnings.warn("four", stacklevel=1)
        print("five")

    with pytest.warns(UserWarning, match="four"):
        run(load, plain())

    lines = spoken(task_log())
    assert [line.split()[0] for line in lines] == ["INFO", "WARNING", "ERROR", "WARNING", "INFO"]
    assert [line.split(": ", 1)[1].split()[0] for line in lines] == [
        "one",
        "two",
        "three",
        "UserWarning:",
        "five",
    ]


def test_record_of_logging_is_the_hosts_as_it_is(task_log):
    """A record of logging keeps its place in the file, and is an event of the run besides."""

    def load():
        logging.getLogger("source").warning("%d rows are odd", 3)

    result = run(load, plain())

    assert spoken(task_log()) == ["WARNING test_task_log.py: 3 rows are odd"]
    assert [one.event for one in result.events if one.kind == "log"] == ["3 rows are odd"]


def test_record_that_the_host_does_not_get_is_written(task_log, monkeypatch):
    """A record that only handlers of the user's get is in the log all the same."""
    private = logging.getLogger("private")
    monkeypatch.setattr(private, "handlers", [logging.StreamHandler(io.StringIO())])
    monkeypatch.setattr(private, "propagate", False)

    def load():
        private.warning("odd")

    run(load, plain())

    assert spoken(task_log()) == [
        "WARNING task_log.py: odd pipeline=co2 stage=load attempt=1",
    ]


def test_line_that_is_flushed_before_its_end_stands_there_once(task_log, capsys):
    """A part of a line that a stage flushes is not shown before the line is whole."""

    def load():
        print("reading ... ", end="", flush=True)
        print("done")

    run(load, plain())

    assert [line.split(": ")[1] for line in spoken(task_log())] == [
        "reading ... done pipeline=co2 stage=load attempt=1"
    ]
    assert capsys.readouterr() == ("", "")


def test_traceback_that_was_logged_follows_its_line(task_log):
    """An exception that a stage logs is told below the line, with its traceback."""

    def load():
        try:
            int("three")
        except ValueError:
            logger.exception("cannot read", file="a.csv")

    run(load, plain())

    first, *rest = spoken(task_log())
    assert first.endswith("cannot read file=a.csv pipeline=co2 stage=load attempt=1")
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1].startswith("ValueError: invalid literal")


def test_secrets_are_hidden(task_log):
    """What is printed of a secret is not in the log."""
    flow = Pipeline("co2", Parameters.define(key=Secret("abcd-1234")), progress=False)

    @flow.stage
    def load(key):
        print("with", key.reveal())

    flow.run(sinks=[plain()])

    assert not any("abcd-1234" in line for line in task_log())


def test_attempts_go_on_from_the_hosts(task_log):
    """The attempt in the log is the host's: it is the host that repeats tasks."""

    def load():
        print("again")

    run(load, plain(attempt=3))

    assert spoken(task_log())[0].endswith("attempt=3")


def test_fields_go_to_a_host_that_takes_them(host, capsys):
    """A host with structlog gets the fields as values; a name that is its own is told apart."""

    def load():
        print("one")
        logger.warning("two", rows=3, timestamp="noon")

    run(load, TaskLogSink("co2", is_structured=True))

    fields = {"pipeline": "co2", "stage": "load", "attempt": 1}
    assert host[1:-1] == [
        {"level": "info", "event": "one", **fields},
        {"level": "warning", "event": "two", "rows": 3, "timestamp_": "noon", **fields},
    ]
    assert capsys.readouterr() == ("", "")


def test_items_are_told_apart(host):
    """A line of a mapped stage says of which item it is."""
    flow = Pipeline("co2", Parameters.define(xs=[7, 8]), progress=False)

    @flow.stage(over={"x": "xs"})
    def square(x):
        print("squaring", x)

    flow.run(sinks=[TaskLogSink("co2", is_structured=True)])

    found = [(line["event"], line["item"]) for line in host if "squaring" in line["event"]]
    assert sorted(found) == [("squaring 7", 0), ("squaring 8", 1)]


def test_own_lines_by_structlog_have_the_fields(host):
    """What a stage logs by structlog itself has the fields, once; what is logged later has not."""

    def load():
        print("before")
        structlog.get_logger().info("between", rows=3)
        print("after")

    sink = TaskLogSink("co2", is_structured=True, attempt=2)
    with sink.bound("load"):
        run(load, sink)
    structlog.get_logger().info("the host's own")

    fields = {"pipeline": "co2", "stage": "load", "attempt": 2}
    assert host[1:-2] == [
        {"level": "info", "event": "before", **fields},
        {"level": "info", "event": "between", "rows": 3, **fields},
        {"level": "info", "event": "after", **fields},
    ]
    assert host[-1] == {"level": "info", "event": "the host's own"}


WORDS = ("one", "two", "three", "four")
PRINTING = """
import structlog
from pypedream import Pipeline
from pypedream.export.airflow.task_log import TaskLogSink

sink = TaskLogSink("co2", is_structured=True)
flow = Pipeline("co2", progress=False)

@flow.stage
def load():
    print("one")
    structlog.get_logger().info("two")
    print("three")
    structlog.get_logger().info("four")

flow.run(sinks=[sink])
"""


def test_host_whose_logger_prints_is_not_waited_for():
    """A structlog that holds a lock while it prints, as in a test of a DAG, stops no stage."""
    found = subprocess.run(
        [sys.executable, "-c", PRINTING], capture_output=True, text=True, check=True, timeout=60
    )

    lines = found.stdout.splitlines()
    said = [word for line in lines for word in line.split() if word in WORDS]
    assert said == list(WORDS)
    assert found.stderr == ""


def test_configuration_of_the_users_does_not_reach_the_sink(host):
    """A sink keeps to the host's configuration when code of the user's sets up its own later."""
    sink = TaskLogSink("co2", is_structured=True)

    def load():
        structlog.reset_defaults()
        print("one")

    run(load, sink)

    assert "one" in [line["event"] for line in host]


@pytest.mark.filterwarnings("always")
def test_warning_that_the_host_takes_stands_there_once(host, monkeypatch):
    """A warning is not written again where the host has a hook for warnings."""

    def hook(message, category, filename, lineno, file=None, line=None):
        structlog.get_logger("py.warnings").warning(str(message))

    monkeypatch.setattr(warnings, "showwarning", hook)

    def load():
        warnings.warn("odd", stacklevel=1)

    run(load, TaskLogSink("co2", is_structured=True))

    assert [line["event"] for line in host[1:-1]] == ["odd"]
