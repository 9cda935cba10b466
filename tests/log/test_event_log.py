import gc
import os
import threading
import weakref

import pytest

from pypedream.context import STAGE, Attempt
from pypedream.log.event_log import EventLog
from pypedream.log.sinks import JsonLinesSink, MemorySink

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


class Broken:
    """A sink that fails."""

    def __init__(self, error):
        self.error = error
        self.calls = 0

    def emit(self, event):
        self.calls += 1
        raise self.error


class Closing(MemorySink):
    is_closed = False

    def close(self):
        self.is_closed = True


def test_a_log_without_sinks_keeps_its_events():
    """Events are there whether or not somebody listens."""
    log = EventLog("run-1")

    log.add("run.start")
    log.add("print", "text", attempt=Attempt(log, "load"), stream="stdout")
    log.close()

    assert [event.kind for event in log.events] == ["run.start", "print"]


def test_numbers_count_from_one():
    """The first event is number 1."""
    log = EventLog("run-1")

    log.add("log", "a")
    log.add("log", "b")

    assert [event.seq for event in log.events] == [1, 2]


class Emitting:
    def __init__(self, events):
        self.emit = events.append


@pytest.mark.parametrize("make", [lambda events: events.append, Emitting], ids=["call", "emit"])
def test_a_sink_is_a_function_or_has_emit(make):
    """Both get each event, one by one and in order."""
    events = []
    log = EventLog("run-1", sinks=[make(events)])

    log.add("log", "a")
    log.add("log", "b")

    assert [event.event for event in events] == ["a", "b"]


def test_what_is_no_sink_is_refused():
    """The mistake is told where it is made, with what would do."""
    with pytest.raises(TypeError, match=r"3 is not a sink: pass an object with a method emit"):
        EventLog("run-1", sinks=[3])


def test_a_failing_sink_does_not_fail_the_run_or_another_sink():
    """Its first error and the number of events are kept; it is tried again each time."""
    broken, memory = Broken(ValueError("full")), MemorySink()
    log = EventLog("run-1", sinks=[broken, memory])

    for number in range(3):
        log.add("log", f"event {number}")

    (failure,) = log.sink_failures
    assert (failure.sink, failure.error, failure.lost) == (broken, broken.error, 3)
    assert broken.calls == 3
    assert len(memory.events) == 3


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), RecursionError("sink")])
def test_a_sink_that_wants_to_leave_has_failed(error):
    """sys.exit() in a sink ends nothing but the sink's own work."""
    log = EventLog("run-1", sinks=[Broken(error)])

    log.add("log", "event")

    assert log.sink_failures[0].error is error


def test_a_failure_is_told_once_at_the_end():
    """The run's own events say which sink failed, and how much it lost."""
    log = EventLog("run-1", sinks=[Broken(ValueError("full"))])
    log.add("log", "a")
    log.add("log", "b")

    log.close()

    assert log.events[-1].kind == "warning"
    assert log.events[-1].event.startswith("log sink <")
    assert log.events[-1].event.endswith("failed: ValueError: full (2 events lost)")


def test_a_failing_function_is_named():
    """The text names the function, not its address."""

    def send(event):
        raise ValueError("no network")

    log = EventLog("run-1", sinks=[send])
    log.add("log", "a")

    assert "send failed: ValueError: no network (1 event lost)" in str(log.sink_failures[0])


class WordlessError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def test_a_failure_that_cannot_be_told():
    """An error whose text raises does not fail the end of the run."""
    log = EventLog("run-1", sinks=[Broken(WordlessError())])
    log.add("log", "a")

    log.close()

    assert "WordlessError: its text raised as well" in log.events[-1].event


class PrintingRepr:
    """Its repr is a print of the stage that is running, if any is."""

    def __repr__(self):
        attempt = STAGE.get()
        if attempt is not None:
            attempt.log.add("print", "from a repr", attempt=attempt, stream="stdout")
        return "PrintingRepr"


def test_a_repr_that_prints_comes_to_an_end():
    """A value is looked at outside of any stage: its print would bring its repr again."""
    sinks = [MemorySink(), MemorySink()]
    log = EventLog("run-1", sinks=sinks)
    attempt = Attempt(log, "load")
    attempt.data = {"input": PrintingRepr()}
    token = STAGE.set(attempt)
    try:
        log.add("log", "event", attempt=attempt, data={"value": PrintingRepr()})
    finally:
        STAGE.reset(token)

    assert [event.data["value"] for event in sinks[0].events] == ["PrintingRepr"]


def test_ctrl_c_in_a_sink_goes_on_and_its_event_comes_again():
    """KeyboardInterrupt is the user's; the event that it hit is delivered next time."""
    seen = []

    def sink(event):
        if not seen:
            seen.append("interrupted")
            raise KeyboardInterrupt
        seen.append(event.event)

    log = EventLog("run-1", sinks=[sink])
    with pytest.raises(KeyboardInterrupt):
        log.add("log", "a")
    log.add("log", "b")

    assert seen == ["interrupted", "a", "b"]
    assert log.sink_failures == []


def test_a_stage_that_recurses_too_deep_loses_no_event():
    """Where the stack has no room for a sink, its events come later."""
    events = []
    log = EventLog("run-1", sinks=[events.append])

    def recurse(depth):
        log.records.append((depth, log.start_ns, None, "log", "info", "text", None, None))
        log.deliver()
        recurse(depth + 1)

    with pytest.raises(RecursionError):
        recurse(1)
    log.close()

    assert len(events) == len(log.records) > 500
    assert log.sink_failures == []


def test_closing_closes_the_sinks_once():
    """A sink that can be closed is closed when the run ends."""
    sink = Closing()
    log = EventLog("run-1", sinks=[sink])
    log.add("log", "event")

    log.close()
    log.close()

    assert sink.is_closed
    assert len(sink.events) == 1


def test_a_sink_that_fails_to_close_has_failed():
    """The error is kept, the run ends all the same."""

    class Sink(MemorySink):
        def close(self):
            raise OSError("no")

    log = EventLog("run-1", sinks=[Sink()])

    log.close()

    assert log.is_closed
    assert str(log.sink_failures[0].error) == "no"


def test_what_comes_after_the_end_reaches_no_sink(tmp_path):
    """A thread that outlives its run does not open the file again."""
    path = tmp_path / "log.jsonl"
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])
    log.add("log", "a")
    log.close()

    log.add("log", "late")
    log.deliver_soon()

    assert path.read_text(encoding="utf-8").count("\n") == 1
    assert len(log.events) == 2


@pytest.mark.parametrize(
    "sinks, is_live",
    [
        ([], False),
        ([MemorySink()], True),
        ([print], True),
        ([JsonLinesSink("log.jsonl", kinds=["print"])], False),
        ([JsonLinesSink("log.jsonl", kinds=["print", "stage.end"])], True),
    ],
    ids=["none", "memory", "function", "prints", "states"],
)
def test_a_log_is_live_if_a_sink_follows_the_stages(sinks, is_live):
    """The engine hands stages over one by one only if somebody wants to know."""
    assert EventLog("run-1", sinks=sinks).is_live is is_live


def test_progress_is_kept_once_a_second_and_at_the_end():
    """A loop that tells its progress a million times does not fill the log."""
    log = EventLog("run-1")
    one, other = Attempt(log, "one"), Attempt(log, "other")

    for done in range(1, 1001):
        log.add("progress", attempt=one, data={"done": done, "total": 1000})
    log.add("progress", attempt=other, data={"done": 1, "total": None})

    events = [(event.stage, event.data["done"]) for event in log.events]
    assert events[0] == ("one", 1)
    assert events[-2:] == [("one", 1000), ("other", 1)]
    assert len(events) <= 4


def test_progress_that_cannot_be_compared_is_progress():
    """An array has no truth value; that is not the stage's trouble."""
    numpy = pytest.importorskip("numpy")
    log = EventLog("run-1")

    for _ in range(2):
        data = {"done": numpy.arange(3), "total": numpy.arange(3)}
        log.add("progress", attempt=Attempt(log, "one"), data=data)

    assert len(log.events) == 2


def test_a_sink_that_logs_comes_to_an_end():
    """What a sink adds is delivered after it, not within it."""
    seen = []

    def sink(event):
        seen.append(event.event)
        if event.event == "first":
            log.add("log", "second")
            seen.append("first is done")

    log = EventLog("run-1", sinks=[sink])

    log.add("log", "first")

    assert seen == ["first", "first is done", "second"]


@needs_fork
def test_a_forked_child_delivers_nothing(tmp_path):
    """The child neither repeats what was pending nor writes to the parent's file."""
    path = tmp_path / "log.jsonl"
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])
    log.add("log", "a")
    log.records.append((2, log.start_ns, None, "log", "info", "pending", None, None))

    pid = os.fork()
    if pid == 0:
        is_right = not log.is_live and len(log.records) == 1 and log.pid == os.getpid()
        log.add("log", "child")
        log.deliver_soon()
        log.close()
        os._exit(0 if is_right else 1)
    _, status = os.waitpid(pid, 0)
    log.close()

    assert os.waitstatus_to_exitcode(status) == 0
    text = path.read_text(encoding="utf-8")
    assert [text.count(word) for word in ('"a"', '"pending"', '"child"')] == [1, 1, 0]


@needs_fork
def test_a_fork_in_the_middle_of_delivery_does_not_block_the_child():
    """The lock's holder does not exist in the child, which goes on without it."""
    is_inside, may_leave = threading.Event(), threading.Event()

    def sink(event):
        is_inside.set()
        may_leave.wait(30)

    log = EventLog("run-1", sinks=[sink])
    thread = threading.Thread(target=log.add, args=("log", "a"))
    thread.start()
    is_inside.wait(30)

    pid = os.fork()
    if pid == 0:
        log.add("log", "child")
        log.close()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    may_leave.set()
    thread.join()
    log.close()

    assert os.waitstatus_to_exitcode(status) == 0


def test_a_log_that_nobody_holds_goes_away():
    """Ten thousand runs leave nothing behind."""
    log = EventLog("run-1", sinks=[MemorySink()])
    log.add("log", "event")
    log.close()
    gone = weakref.ref(log)

    del log
    gc.collect()

    assert gone() is None


def step(log):
    """Append the end of one stage and the start of the next, as one record."""
    log.records.append((3, log.start_ns, "clean", "step", "load", None, 2, log.start_ns))


def test_a_sink_that_fails_at_the_end_of_a_stage_gets_the_start_of_the_next():
    """A step is two events to a sink that takes them one by one: only what it refused is lost."""
    seen = []

    def sink(event):
        if event.kind == "stage.end":
            raise ValueError("no ends")
        seen.append(event.kind)

    log = EventLog("run-1", sinks=[sink])
    step(log)
    log.deliver()

    assert seen == ["stage.start"]
    assert [failure.lost for failure in log.sink_failures] == [1]
    log.close()


def test_ctrl_c_within_a_step_repeats_no_event():
    """What the sink has taken does not come again; what it has not does."""
    seen, presses = [], [1]

    def sink(event):
        if event.kind == "stage.start" and presses:
            presses.pop()
            raise KeyboardInterrupt
        seen.append(event.kind)

    log = EventLog("run-1", sinks=[sink])
    step(log)
    with pytest.raises(KeyboardInterrupt):
        log.deliver()
    log.deliver()

    assert seen == ["stage.end", "stage.start"]
    log.close()
