import tracemalloc

import pytest

from pypedream.context import Attempt
from pypedream.log import memory
from pypedream.log.event_log import EventLog


def say(log, text, attempt=None, kind="print"):
    log.records.append((next(log.counter), log.start_ns, attempt, kind, "info", text, None, None))
    log.deliver_soon()


def test_the_newest_prints_are_kept():
    """Beyond the limit the oldest go, and their number is said at the end."""
    log = EventLog("run-1", limit=1000)

    for number in range(10_000):
        say(log, str(number))
    log.close()

    texts = [event.event for event in log.events if event.kind == "print"]
    assert texts == [str(number) for number in range(10_000 - len(texts), 10_000)]
    assert 700 <= len(texts) <= 1300
    assert log.events[-1].kind == "dropped"
    assert log.events[-1].data == {"count": 10_000 - len(texts), "from": "memory"}


def test_states_are_kept_for_ever():
    """How the run and its stages went is what a run is remembered by."""
    log = EventLog("run-1", limit=100)

    log.add("run.start")
    for number in range(2000):
        log.add("stage.start", attempt=Attempt(log, str(number)))
        say(log, "text")
        log.add("stage.end", attempt=Attempt(log, str(number)))
    log.add("run.end")
    log.close()

    kinds = [event.kind for event in log.events]
    assert kinds.count("stage.start") == kinds.count("stage.end") == 2000
    assert kinds.count("run.start") == kinds.count("run.end") == 1
    assert kinds.count("print") <= 400


def test_long_texts_count_for_more(monkeypatch):
    """A few large texts are as much as many small ones."""
    monkeypatch.setattr(memory, "MOST_BYTES", 1_000_000)
    log = EventLog("run-1")

    for _ in range(1000):
        say(log, "x" * 60_000)

    assert len(log.records) <= 17 + 64
    log.close()


def test_nothing_is_dropped_that_a_sink_has_not_got():
    """Sinks get all events, however few are kept."""
    seen = []
    log = EventLog("run-1", sinks=[lambda event: seen.append(event.event)], limit=10)

    for number in range(1000):
        say(log, str(number))
    log.close()

    assert seen[:1000] == [str(number) for number in range(1000)]


def test_a_run_within_the_limit_says_nothing_of_it():
    """There is no `dropped` event without need."""
    log = EventLog("run-1")
    say(log, "text")

    log.close()

    assert [event.kind for event in log.events] == ["print"]


@pytest.mark.parametrize("text", ["row", "x" * 1000], ids=["short", "long"])
def test_a_flood_takes_no_more_memory_than_is_allowed(text):
    """A million lines take as much as a hundred thousand: less than 32 MB."""
    log = EventLog("run-1")
    tracemalloc.start()
    try:
        for number in range(150_000):
            say(log, f"{text} {number}")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 32 * 1024 * 1024
    log.close()
