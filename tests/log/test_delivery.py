import io
import json
import signal
import threading
import time

import pytest

from pypedream.context import STAGE, Attempt
from pypedream.log import delivery
from pypedream.log.event_log import EventLog


class Batches:
    """A sink that remembers the sizes of its batches, and the stage of whoever brought them."""

    def __init__(self, *, is_prompt=False):
        self.is_prompt = is_prompt
        self.batches = []
        self.threads = []

    def emit_batch(self, records, log):
        self.batches.append([record[5] for record in records])
        self.threads.append((threading.current_thread().name, STAGE.get()))

    @property
    def events(self):
        return [event for batch in self.batches for event in batch]


def say(log, text, attempt=None):
    record = (next(log.counter), time.perf_counter_ns(), attempt, "print", "info", text, None, None)
    log.records.append(record)
    log.deliver_soon()


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def flushers():
    return [thread for thread in threading.enumerate() if thread.name == "pypedream-log"]


@pytest.fixture
def unhurried(monkeypatch):
    """Only the first record of a period is delivered at once."""
    monkeypatch.setattr(delivery, "MOST_HURRIED", 1)


def test_a_few_lines_are_delivered_at_once():
    """What comes seldom never waits: each of a few lines is a batch of its own."""
    sink = Batches()
    log = EventLog("run-1", sinks=[sink])

    for number in range(5):
        say(log, str(number))

    assert sink.batches == [[str(number)] for number in range(5)]
    assert flushers() == []
    log.close()


def test_prints_come_in_batches(unhurried):
    """Many lines are one batch for a sink that can wait."""
    sink = Batches()
    log = EventLog("run-1", sinks=[sink])

    for number in range(1000):
        say(log, str(number))
    log.close()

    assert sink.events == [str(number) for number in range(1000)]
    assert len(sink.batches) < 10


def test_a_console_gets_prints_at_once(unhurried):
    """A sink that is prompt has each line before the print returns; the others may wait."""
    prompt, patient = Batches(is_prompt=True), Batches()
    log = EventLog("run-1", sinks=[prompt, patient])

    for number in range(100):
        say(log, str(number))
        assert prompt.events[-1] == str(number)
    assert len(patient.batches) < 10
    log.close()

    assert prompt.events == patient.events


def test_a_long_text_does_not_wait():
    """What takes memory is handed over at once."""
    sink = Batches()
    log = EventLog("run-1", sinks=[sink])
    say(log, "a")
    say(log, "b")

    say(log, "x" * delivery.LONG_TEXT)

    assert len(sink.events) == 3
    log.close()


def test_what_waits_comes_within_a_moment(unhurried):
    """A line is in the file soon, also if the stage prints nothing more."""
    sink = Batches()
    log = EventLog("run-1", sinks=[sink])

    say(log, "a")
    say(log, "b")
    wait_for(lambda: len(sink.events) == 2)

    assert sink.threads[-1] == ("pypedream-log", None)
    log.close()


def test_the_thread_belongs_to_no_stage(unhurried):
    """The thread that a stage's print starts is not that stage's."""
    sink = Batches()
    log = EventLog("run-1", sinks=[sink])
    attempt = Attempt(log, "load")
    token = STAGE.set(attempt)
    try:
        say(log, "a", attempt)
        say(log, "b", attempt)
    finally:
        STAGE.reset(token)
    wait_for(lambda: len(sink.events) == 2)

    assert sink.threads[-1][1] is None
    log.close()


def test_no_thread_without_need():
    """A log whose sinks are all prompt, or that has none, starts no thread."""
    for sinks in ([], [Batches(is_prompt=True)]):
        log = EventLog("run-1", sinks=sinks)
        for _ in range(10):
            say(log, "a")
        assert flushers() == []
        log.close()


def test_the_thread_ends_with_the_run(unhurried):
    """After close() it is gone, not merely asked to go."""
    log = EventLog("run-1", sinks=[Batches()])
    say(log, "a")
    say(log, "b")
    assert len(flushers()) == 1

    log.close()

    assert flushers() == []


def test_the_thread_ends_when_nothing_is_said(unhurried, monkeypatch):
    """A silent run keeps no thread, and gets a new one when it speaks again."""
    monkeypatch.setattr(delivery, "PERIOD_S", 0.01)
    sink = Batches()
    log = EventLog("run-1", sinks=[sink])
    say(log, "a")
    say(log, "b")

    wait_for(lambda: flushers() == [])
    monkeypatch.setattr(delivery, "PERIOD_S", 0.1)
    say(log, "c")
    say(log, "d")
    wait_for(lambda: len(sink.events) == 4)

    log.close()


def test_no_thread_can_be_started(monkeypatch):
    """At the end of the process there are no new threads: then it is done at once."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    sink = Batches()
    log = EventLog("run-1", sinks=[sink])
    monkeypatch.setattr(threading.Thread, "start", refuse)

    say(log, "a")
    say(log, "b")

    assert sink.events == ["a", "b"]
    log.close()


def test_threads_lose_and_double_nothing():
    """Whoever delivers takes everybody's records, each once."""
    patient, prompt, one_by_one = Batches(), Batches(is_prompt=True), []
    log = EventLog("run-1", sinks=[patient, prompt, lambda event: one_by_one.append(event.event)])

    def work(number):
        for index in range(300):
            say(log, f"{number}-{index}")
            if index % 7 == 0:
                log.deliver()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()

    for events in (patient.events, prompt.events, one_by_one):
        assert len(events) == 2400
        for number in range(8):
            mine = [event for event in events if event.startswith(f"{number}-")]
            assert mine == [f"{number}-{index}" for index in range(300)]


def test_who_delivers_does_not_make_others_wait():
    """A slow sink holds up the thread that brings the records, and no other."""
    is_inside, may_leave, seen = threading.Event(), threading.Event(), []

    def sink(event):
        is_inside.set()
        may_leave.wait(30)
        seen.append(event.event)

    log = EventLog("run-1", sinks=[sink])
    thread = threading.Thread(target=log.add, args=("log", "slow"))
    thread.start()
    is_inside.wait(30)

    log.add("log", "quick")
    assert seen == []
    may_leave.set()
    thread.join()

    assert seen == ["slow", "quick"]
    log.close()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers for signals here")
def test_a_signal_handler_that_logs_does_not_block():
    """Handlers run between any two steps of a delivery, on the thread that holds the lock."""
    stream = io.StringIO()

    class Sink:
        def emit_batch(self, records, log):
            time.sleep(0.0005)
            stream.writelines(f"{record[5]}\n" for record in records)

    log = EventLog("run-1", sinks=[Sink()])
    handled = []

    def handler(number, frame):
        handled.append(number)
        log.add("log", "signal")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for _ in range(300):
            log.add("log", "main")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    log.close()

    lines = stream.getvalue().splitlines()
    assert lines.count("main") == 300
    assert lines.count("signal") == len(handled) > 0


def test_a_slow_sink_gets_everything(monkeypatch):
    """The end of a run waits for a sink as long as it takes events."""
    monkeypatch.setattr(delivery, "LONGEST_WAIT_S", 0.2)
    seen, is_inside = [], threading.Event()

    def sink(event):
        is_inside.set()
        time.sleep(0.05)
        seen.append(event.event)

    log = EventLog("run-1", sinks=[sink])
    for number in range(10):
        log.records.append((number, log.start_ns, None, "log", "info", str(number), None, None))
    thread = threading.Thread(target=log.deliver)
    thread.start()
    is_inside.wait(30)

    log.close()
    thread.join()

    assert seen == [str(number) for number in range(10)]
    assert log.sink_failures == []


def test_a_sink_that_does_not_come_back_has_failed(monkeypatch):
    """A run does not wait for ever; what the sink did not take is counted."""
    monkeypatch.setattr(delivery, "LONGEST_WAIT_S", 0.05)
    is_inside, may_leave = threading.Event(), threading.Event()

    def sink(event):
        is_inside.set()
        may_leave.wait(30)

    log = EventLog("run-1", sinks=[sink])
    thread = threading.Thread(target=log.add, args=("log", "slow"))
    thread.start()
    is_inside.wait(30)
    log.add("log", "quick")

    log.close()
    may_leave.set()
    thread.join()

    (failure,) = log.sink_failures
    assert failure.lost == 2
    assert "it took no event for 0.05 s" in str(failure)


def test_the_thread_is_gone_while_the_process_forks(unhurried):
    """Python warns of a fork where there is more than one thread."""
    sink = Batches()
    log = EventLog("run-1", sinks=[sink])
    say(log, "a")
    say(log, "b")
    assert len(flushers()) == 1

    log.before_fork()
    assert flushers() == []
    say(log, "c")
    wait_for(lambda: sink.events == ["a", "b", "c"])

    log.close()


def test_a_finalizer_that_logs_does_not_block():
    """``__del__`` may run in the middle of a delivery."""

    class Finalizer:
        def __del__(self):
            log.add("log", "finalized")

    def sink(event):
        seen.append(event.event)
        if event.event == "first":
            Finalizer()

    seen = []
    log = EventLog("run-1", sinks=[sink])

    log.add("log", "first")

    assert seen == ["first", "finalized"]
    log.close()


def test_a_hundred_lines_a_second_are_as_json_in_time(tmp_path):
    """The file is at most a moment behind: a reader who follows it sees the run live."""
    from pypedream.log.sinks import JsonLinesSink

    path = tmp_path / "log.jsonl"
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])
    for number in range(5):
        say(log, str(number))
        time.sleep(0.01)

    wait_for(lambda: path.read_text(encoding="utf-8").count("\n") == 5)

    assert json.loads(path.read_text(encoding="utf-8").splitlines()[-1])["event"] == "4"
    log.close()
