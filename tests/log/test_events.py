import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.context import Attempt
from pypedream.log.ended import Ended
from pypedream.log.event_log import EventLog
from pypedream.log.events import KINDS, event_of, expanded
from pypedream.log.json_lines import line_of, lines_of


@pytest.fixture
def log():
    return EventLog("run-1")


def record(log, *, us=0, attempt=None, kind="log", event="text", data=None, **more):
    level, stream = more.get("level", "info"), more.get("stream")
    return (7, log.start_ns + us * 1000, attempt, kind, level, event, stream, data)


attempts = st.tuples(
    st.text(),
    st.integers(0, 5),
    st.none() | st.integers() | st.text() | st.tuples(st.integers()),
    st.none() | st.dictionaries(st.text(max_size=5), st.text() | st.floats()),
)
everything = st.fixed_dictionaries(
    {
        "us": st.integers(0, 10**12),
        "kind": st.sampled_from(sorted(KINDS)),
        "level": st.sampled_from(["info", "error", "odd"]),
        "event": st.text() | st.none() | st.integers(),
        "stream": st.sampled_from([None, "stdout", "stderr"]),
        "data": st.none()
        | st.dictionaries(st.text(max_size=5), st.floats() | st.integers() | st.text() | st.none())
        | st.builds(Ended, st.just("ok"), st.integers(0, 10**14), st.integers(0, 9), st.text()),
    }
)


@given(attempts | st.none(), everything)
def test_an_event_is_its_line(where, values):
    """An event has the values of its line, and becomes that line again."""
    log, attempt = EventLog("run-1"), None
    if where is not None:
        attempt = Attempt(log, where[0], where[1])
        attempt.item, attempt.data = where[2], where[3]
    made = record(log, attempt=attempt, **values)

    (text,) = lines_of([made], log)
    seen = event_of(made, log)

    assert json.loads(text) == attrs.asdict(seen)
    assert json.loads(line_of(seen)) == attrs.asdict(seen)


def test_events_are_a_sequence_that_grows(log):
    """It has a length, indices and slices, and what comes later is in it too."""
    events = log.events

    log.add("log", "a")
    log.add("log", "b")
    log.add("log", "c")

    assert len(events) == 3
    assert [event.event for event in events] == ["a", "b", "c"]
    assert events[-1].event == "c"
    assert [event.event for event in events[1:]] == ["b", "c"]
    assert "3 events" in repr(events)


def test_events_are_in_the_order_of_their_numbers(log):
    """Threads may append in another order than that in which they took their numbers."""
    for number in (2, 1, 3):
        log.records.append((number, log.start_ns, None, "log", "info", str(number), None, None))

    assert [event.seq for event in log.events] == [1, 2, 3]


def step(log, *, ended=None, number=None, took=None, starts=None, seq=None):
    start_ns = None if took is None else log.start_ns - took
    return (seq or number, log.start_ns, starts, "step", ended, None, number, start_ns)


def test_a_step_is_the_end_of_a_stage_and_the_start_of_the_next(log):
    """Both events have their own number and stage, and the same time."""
    log.records.append(step(log, ended="load", number=2, took=1500, starts="clean", seq=3))

    end, start = log.events

    assert (end.kind, end.stage, end.seq, end.attempt) == ("stage.end", "load", 2, 1)
    assert end.data == {"state": "ok", "duration_s": 1.5e-06, "attempts": 1}
    assert (start.kind, start.stage, start.seq, start.data) == ("stage.start", "clean", 3, None)
    assert end.ts == start.ts


@pytest.mark.parametrize(
    "parts, kinds",
    [
        ({"starts": "load", "seq": 1}, ["stage.start"]),
        ({"ended": "load", "number": 2, "took": 1}, ["stage.end"]),
    ],
    ids=["first", "last"],
)
def test_a_step_may_have_one_side_only(log, parts, kinds):
    """Before the first stage nothing ended, and after the last nothing starts."""
    assert [record[3] for record in expanded([step(log, **parts)], log)] == kinds


def test_events_notice_what_was_let_go(log):
    """When the oldest are dropped, as many new ones do not hide it."""
    for text in "abc":
        log.add("print", text)
    assert [event.event for event in log.events] == ["a", "b", "c"]

    log.records.keep([False, True, True])
    log.add("print", "d")

    assert [event.event for event in log.events] == ["b", "c", "d"]
