import io
import json
import os
import stat
import sys
import threading

import pytest

from pypedream.context import STAGE, Attempt
from pypedream.log.event_log import EventLog
from pypedream.log.sinks import JsonLinesSink, MemorySink

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.jsonl"


def test_a_file_gets_a_line_for_each_event(path):
    """All events are there, in order."""
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])

    for number in range(3):
        log.add("log", f"event {number}")
    log.close()

    assert [line["event"] for line in read(path)] == ["event 0", "event 1", "event 2"]


def test_a_file_is_made_by_the_first_event(path):
    """A run that logs nothing writes nothing."""
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])
    log.close()

    assert not path.exists()


@posix
def test_a_file_is_for_its_owner_only(path):
    """Logs hold data: nobody else may read them."""
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])

    log.add("log", "event")
    log.close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_is_appended_to(path):
    """An earlier run's lines stay."""
    for number in (1, 2):
        log = EventLog(f"run-{number}", sinks=[JsonLinesSink(path)])
        log.add("log", "event")
        log.close()

    assert [line["run"] for line in read(path)] == ["run-1", "run-2"]


def test_a_torn_line_does_not_spoil_the_next(path):
    """After a killed writer the first new line starts on a line of its own."""
    path.write_text('{"ts":"20', encoding="utf-8")
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])

    log.add("log", "event")
    log.close()

    assert json.loads(path.read_text(encoding="utf-8").splitlines()[1])["event"] == "event"


def test_a_relative_path_is_meant_when_it_is_said(tmp_path, monkeypatch):
    """A stage that changes the directory does not move the log."""
    monkeypatch.chdir(tmp_path)
    sink = JsonLinesSink("log.jsonl")
    (tmp_path / "elsewhere").mkdir()
    log = EventLog("run-1", sinks=[sink])

    monkeypatch.chdir(tmp_path / "elsewhere")
    log.add("log", "event")
    log.close()

    assert (tmp_path / "log.jsonl").exists()


def test_only_the_kinds_that_are_asked_for(path):
    """Two sinks can share a run's events between them."""
    states, rest = JsonLinesSink(path, kinds=["stage.start"]), io.StringIO()
    log = EventLog("run-1", sinks=[states, JsonLinesSink(rest, kinds=["print"])])
    attempt = Attempt(log, "load")

    log.add("stage.start", attempt=attempt)
    log.add("print", "text", attempt=attempt, stream="stdout")
    log.close()

    assert [line["kind"] for line in read(path)] == ["stage.start"]
    assert [json.loads(line)["kind"] for line in rest.getvalue().splitlines()] == ["print"]


def test_a_stream_is_written_and_left_open():
    """The stream is the user's, and may be in use afterwards."""
    stream = io.StringIO()
    log = EventLog("run-1", sinks=[JsonLinesSink(stream)])

    log.add("log", "event")
    log.close()

    assert json.loads(stream.getvalue())["event"] == "event"
    assert not stream.closed


def test_a_stream_that_prints_does_not_come_back():
    """While a stream is written to, no stage is running."""
    seen = []

    class Stream:
        def write(self, text):
            seen.append(STAGE.get())

    log = EventLog("run-1", sinks=[JsonLinesSink(Stream())])
    token = STAGE.set(Attempt(log, "load"))
    try:
        log.add("log", "event")
    finally:
        STAGE.reset(token)

    assert seen == [None]


def test_a_batch_is_one_write(path, monkeypatch):
    """Lines of other processes cannot come in between."""
    written = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: written.append(data) or write(fd, data))
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])

    for number in range(10):
        log.records.append((number, log.start_ns, None, "log", "info", "text", None, None))
    log.deliver()
    log.close()

    assert len(written) == 1


def test_a_short_write_is_continued(path, monkeypatch):
    """The system may take less than it was given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])

    log.add("log", "event " * 100)
    log.close()

    assert read(path)[0]["event"] == "event " * 100


def test_a_full_disk_is_a_failed_sink(path, monkeypatch):
    """The log goes on; the failure is kept with its first error."""

    def full(fd, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])

    log.add("log", "event")
    log.close()

    (failure,) = log.sink_failures
    assert failure.error.errno == 28
    assert failure.lost == 1
    assert str(path) in str(failure)


def test_a_line_that_the_disk_tore_stays_alone(path, monkeypatch):
    """When there is room again, the next line starts on a line of its own."""
    write, room = os.write, [20]

    def nearly_full(fd, data):
        if not room[0]:
            raise OSError(28, "No space left on device")
        size, room[0] = min(room[0], len(data)), max(room[0] - len(data), 0)
        return write(fd, data[:size])

    monkeypatch.setattr(os, "write", nearly_full)
    log = EventLog("run-1", sinks=[JsonLinesSink(path)])
    log.add("log", "torn")
    log.add("log", "lost")
    room[0] = 10_000
    log.add("log", "whole")
    log.close()

    torn, whole = path.read_text(encoding="utf-8").splitlines()
    assert len(torn) == 20
    assert json.loads(whole)["event"] == "whole"
    assert log.sink_failures[0].lost == 2


def test_only_events_that_were_wanted_are_lost(tmp_path):
    """A sink that fails did not lose what it does not take."""
    log = EventLog("run-1", sinks=[JsonLinesSink(tmp_path / "no" / "x", kinds=["print"])])
    for kind in ("log", "print", "log"):
        log.records.append((1, log.start_ns, None, kind, "info", "text", None, None))

    log.deliver()
    log.close()

    assert log.sink_failures[0].lost == 1


def test_a_missing_folder_is_a_failed_sink(tmp_path):
    """No folder is made that nobody asked for."""
    log = EventLog("run-1", sinks=[JsonLinesSink(tmp_path / "no" / "log.jsonl")])

    log.add("log", "event")
    log.close()

    assert isinstance(log.sink_failures[0].error, FileNotFoundError)
    assert not (tmp_path / "no").exists()


def test_one_sink_for_two_runs_at_a_time(path):
    """The first run to end does not close the file under the other."""
    sink = JsonLinesSink(path)
    one, other = EventLog("run-1", sinks=[sink]), EventLog("run-2", sinks=[sink])

    one.add("log", "a")
    other.add("log", "b")
    one.close()
    other.add("log", "c")
    other.close()

    assert [line["event"] for line in read(path)] == ["a", "b", "c"]


@posix
def test_many_runs_leave_no_file_open(path):
    """A descriptor lives as long as its run."""
    before = len(os.listdir("/dev/fd"))

    for number in range(50):
        log = EventLog(f"run-{number}", sinks=[JsonLinesSink(path)])
        log.add("log", "event")
        log.close()

    assert len(os.listdir("/dev/fd")) == before


def test_threads_of_two_runs_tear_no_line(path):
    """Runs in threads that share a sink write whole lines."""
    sink = JsonLinesSink(path)

    def run(number):
        log = EventLog(f"run-{number}", sinks=[sink])
        for index in range(200):
            log.add("log", f"{number}-{index}")
        log.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = read(path)
    assert len(lines) == 1600
    for number in range(8):
        events = [line["event"] for line in lines if line["run"] == f"run-{number}"]
        assert events == [f"{number}-{index}" for index in range(200)]


def test_an_event_by_itself(path):
    """A sink of the user's own may pass events on: the line is the same."""
    memory, stream = MemorySink(), io.StringIO()
    log = EventLog("run-1", sinks=[memory, JsonLinesSink(path)])
    log.add("log", "é", data={"rows": 1, "mean": float("nan")})
    log.close()

    JsonLinesSink(stream).emit(memory.events[0])

    assert json.loads(stream.getvalue()) == read(path)[0]


def test_an_event_of_another_kind_is_not_written():
    """The kinds count for single events too."""
    stream, memory = io.StringIO(), MemorySink()
    log = EventLog("run-1", sinks=[memory])
    log.add("log", "event")

    JsonLinesSink(stream, kinds=["print"]).emit(memory.events[0])

    assert stream.getvalue() == ""


def test_memory_keeps_the_events_of_all_runs():
    """One list, in the order in which they came."""
    sink = MemorySink()

    for run in ("run-1", "run-2"):
        log = EventLog(run, sinks=[sink])
        log.add("log", "event")
        log.close()

    assert [event.run for event in sink.events] == ["run-1", "run-2"]


def test_memory_takes_single_events():
    """It is a sink like any other."""
    one, other = MemorySink(), MemorySink()
    log = EventLog("run-1", sinks=[one])
    log.add("log", "event")

    other.emit(one.events[0])

    assert other.events == one.events


@posix
def test_a_sink_in_a_forked_child_can_be_used(path):
    """A child that starts a run of its own finds the sink ready, and the file whole."""
    sink = JsonLinesSink(path)
    log = EventLog("run-1", sinks=[sink])
    log.add("log", "parent")

    pid = os.fork()
    if pid == 0:
        child = EventLog("run-2", sinks=[sink])
        child.add("log", "child")
        child.close()
        os._exit(0)
    os.waitpid(pid, 0)
    log.add("log", "parent again")
    log.close()

    assert [line["event"] for line in read(path)] == ["parent", "child", "parent again"]


def test_what_sys_has_is_not_touched(path):
    """A sink changes nothing in the process."""
    before = sys.stdout, sys.stderr, threading.active_count()

    log = EventLog("run-1", sinks=[JsonLinesSink(path), MemorySink()])
    log.add("log", "event")
    log.close()

    assert (sys.stdout, sys.stderr, threading.active_count()) == before
