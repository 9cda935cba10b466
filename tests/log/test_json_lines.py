import json
import os
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.context import Attempt
from pypedream.log.ended import Ended
from pypedream.log.event_log import EventLog
from pypedream.log.events import KINDS, Event, expanded
from pypedream.log.json_lines import lines_of

KEYS = ["ts", "dt", "run", "stage", "item", "attempt", "seq", "pid", "kind", "level", "event"]
KEYS += ["stream", "data"]


@pytest.fixture
def log():
    log = EventLog("run-1")
    log.moments.start_wall_ns = 1_795_248_000_999_998_500  # 2026-11-21T08:00:00.999998500
    return log


def record(log, *, us=0, attempt=None, kind="log", event="text", data=None, **more):
    level, stream = more.get("level", "info"), more.get("stream")
    return (7, log.start_ns + us * 1000, attempt, kind, level, event, stream, data)


def line(log, **values):
    (text,) = lines_of([record(log, **values)], log)
    return json.loads(text)


def test_a_line_has_all_keys_in_order(log):
    """Every line has the same keys, whether there is a value or not."""
    assert list(line(log)) == KEYS
    assert [field.name for field in attrs.fields(Event)] == KEYS


def test_a_line_of_a_stage(log):
    """Where and when, what and how."""
    attempt = Attempt(log, "load", 2)
    attempt.item = "de"

    assert line(log, us=250, attempt=attempt, kind="print", stream="stderr", data={"a": 1}) == {
        "ts": "2026-11-21T08:00:01.000248Z",
        "dt": 0.00025,
        "run": "run-1",
        "stage": "load",
        "item": "de",
        "attempt": 2,
        "seq": 7,
        "pid": os.getpid(),
        "kind": "print",
        "level": "info",
        "event": "text",
        "stream": "stderr",
        "data": {"a": 1},
    }


def test_a_line_of_the_run_itself(log):
    """There is no stage, item or attempt; without a text the event is its kind."""
    values = line(log, kind="run.start", event=None)

    assert (values["stage"], values["item"], values["attempt"]) == (None, None, None)
    assert values["event"] == "run.start"


@pytest.mark.parametrize(
    "us, ts, dt",
    [
        (0, "00:00.999998", 0.0),
        (1, "00:00.999999", 0.000001),
        (2, "00:01.000000", 0.000002),
        (999_999, "00:01.999997", 0.999999),
        (1_000_000, "00:01.999998", 1.0),
        (1_000_002, "00:02.000000", 1.000002),
        (59_000_002, "01:00.000000", 59.000002),
        (86_400_000_000, "00:00.999998", 86400.0),
    ],
)
def test_times_at_the_turn_of_a_second(log, us, ts, dt):
    """Both clocks turn right, and each at its own time."""
    values = line(log, us=us)

    assert values["ts"][14:-1] == ts
    assert values["dt"] == dt


@given(st.lists(st.integers(0, 10**14), min_size=1))
def test_times_in_any_order(times):
    """A line's times do not depend on the lines before it."""
    log = EventLog("run-1")
    start_us = log.moments.start_wall_ns // 1000

    lines = lines_of([record(log, us=us) for us in times], log)

    for us, text in zip(times, lines, strict=True):
        values = json.loads(text)
        when = datetime.fromisoformat(values["ts"])
        assert (when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() == pytest.approx(
            (start_us + us) / 1e6, abs=1e-5
        )
        assert values["dt"] == us / 1e6


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind(log, kind):
    """Each kind has its line, with a text and without."""
    assert line(log, kind=kind)["kind"] == kind
    assert line(log, kind=kind, event=None)["event"] == kind


@pytest.mark.parametrize(
    "level, expected",
    [("debug", "debug"), ("critical", "critical"), ('no"tice', "info"), ("Level 15", "info")],
)
def test_levels_are_five(log, level, expected):
    """A level that is none of them is info; nothing foreign gets into a line unescaped."""
    assert line(log, level=level)["level"] == expected


def test_logged_inputs_are_in_every_event_of_their_attempt(log):
    """They come first, and an event's own value of the same name is what counts."""
    attempt = Attempt(log, "load")
    attempt.data = {"path": "a.csv", "rows": 1}

    silent = line(log, attempt=attempt, kind="print")
    own = line(log, attempt=attempt, data={"rows": 2})

    assert silent["data"] == {"path": "a.csv", "rows": 1}
    assert own["data"] == {"path": "a.csv", "rows": 2}


def test_the_end_of_a_stage(log):
    """How a stage ended is kept as it is, and written when it is read."""
    ended = Ended("ok", 12_345_678, 1)

    assert line(log, kind="stage.end", event=None, data=ended)["data"] == {
        "state": "ok",
        "duration_s": 0.012345678,
        "attempts": 1,
    }


class WordlessError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def test_the_end_of_a_stage_with_an_error_that_cannot_be_shown(log):
    """An exception whose text raises does not take the line with it."""
    data = line(log, kind="stage.end", data=Ended("failed", error=WordlessError()))["data"]

    assert data["state"] == "failed"
    assert "WordlessError" in str(data["error"])


names = st.sampled_from(["load", "clean", "\N{SNOWMAN}", 'a "b"'])
durations = st.integers(0, 2 * 10**6) | st.sampled_from([10**6 - 1, 10**6]) | st.integers(0, 10**11)


workers = st.sampled_from(["thread 2", 'process 1 on "a"'])
steps_of_the_run = st.tuples(st.none() | names, names | st.none(), durations, st.none())
steps_of_a_crew = st.tuples(names, st.none(), durations, workers)


@given(st.lists(steps_of_the_run | steps_of_a_crew, max_size=8))
def test_the_lines_of_a_step_are_those_of_its_events(steps):
    """One text for both says the same as two, whatever the step before was."""
    log = EventLog("run-1")
    now = log.start_ns
    records = [
        (2 * number, now + number, starts, "step", ended, by, 2 * number - 1, now + number - took)
        for number, (ended, starts, took, by) in enumerate(steps, 1)
    ]

    texts = "".join(lines_of(records, log)).splitlines()

    assert [json.loads(text) for text in texts] == [
        json.loads(text) for text in lines_of(expanded(records, log), log)
    ]
