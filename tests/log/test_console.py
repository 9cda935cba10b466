import io
import os
import sys
import time

import pytest

from pypedream.context import STAGE, Attempt
from pypedream.log.console import ConsoleSink, present_stream
from pypedream.log.ended import Ended
from pypedream.log.event_log import EventLog
from pypedream.log.router import Router


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class Old(io.TextIOWrapper):
    def __init__(self, encoding="cp1252"):
        super().__init__(io.BytesIO(), encoding=encoding, newline="")

    def getvalue(self):
        return self.buffer.getvalue().decode(self.encoding)


class Console:
    """A run of a console on streams that can be read."""

    def __init__(self, make=io.StringIO, **options):
        self.streams = {"stdout": make(), "stderr": make()}
        self.sink = ConsoleSink(stream_of=self.streams.get, **options)
        self.log = EventLog("run-1", sinks=[self.sink])

    def add(self, kind, text=None, *, stage="load", item=None, number=1, **more):
        attempt = None
        if stage is not None:
            attempt = Attempt(self.log, stage, number)
            attempt.item = item
        self.log.add(kind, text, attempt=attempt, **more)

    def print(self, text, stage="load", stream="stdout"):
        self.add("print", text, stage=stage, stream=stream)

    def end(self, stage, *ended):
        attempt = Attempt(self.log, stage)
        self.log.records.append(
            (1, self.log.start_ns, attempt, "stage.end", "info", None, None, Ended(*ended))
        )
        self.log.deliver()

    @property
    def out(self):
        return self.streams["stdout"].getvalue()

    @property
    def err(self):
        return self.streams["stderr"].getvalue()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_print_bears_its_stage():
    """The prefix is as wide as the longest stage that is known."""
    console = Console(stages=["load", "summarize"])

    console.print("read 52 rows")

    assert console.out == "load      | read 52 rows\n"


def test_a_print_appears_on_its_stream():
    """What was meant for stderr goes there."""
    console = Console()

    console.print("out")
    console.print("err", stream="stderr")

    assert (console.out, console.err) == ("load | out\n", "load | err\n")


def test_names_that_were_not_known_widen_the_prefix():
    """From the first line of a longer name on, lines are aligned to it."""
    console = Console()

    console.print("a")
    console.print("b", stage="summarize")
    console.print("c")

    assert console.out == "load | a\nsummarize | b\nload      | c\n"


def test_a_long_name_is_cut_in_the_middle():
    """Twenty-four characters, of which both ends can be read."""
    console = Console(stages=["load", "bronze.of_the_first_source.load_everything"])

    console.print("a", stage="bronze.of_the_first_source.load_everything")
    console.print("b")

    assert console.out == "bronze.of_t.._everything | a\nload                     | b\n"


def test_a_print_of_an_item_bears_the_item():
    """A mapped stage says which of its items speaks."""
    console = Console()

    console.add("print", "text", item="de", stream="stdout")
    console.add("print", "text", item=3, stream="stdout")

    assert console.out == "load[de] | text\nload[3]  | text\n"


@pytest.mark.parametrize(
    "level, data, expected",
    [
        ("info", None, "load | info: text\n"),
        ("info", {"rows": 52, "path": "a.csv"}, "load | info: text rows=52 path=a.csv\n"),
        (
            "debug",
            {"note": "two words", "none": None},
            'load | debug: text note="two words" none=null\n',
        ),
        ("warning", {"items": [1, "a"]}, 'load | warning: text items=[1,"a"]\n'),
        ("error", {"logger": "sklearn", "mean": float("nan")}, "load | error: text mean=nan\n"),
        ("info", {"empty": "", "quote": 'a"b'}, 'load | info: text empty="" quote="a\\"b"\n'),
        ("info", {"password": "hunter2"}, "load | info: text password=***\n"),
    ],
)
def test_a_log_event_is_one_line(level, data, expected):
    """Level, text, and values by name; what is not good goes to stderr."""
    console = Console()

    console.add("log", "text", level=level, data=data)

    assert (console.err if level in ("warning", "error") else console.out) == expected


def test_an_exception_in_a_log_event_keeps_its_lines():
    """Each line of a traceback or of a long text bears the stage."""
    console = Console()

    console.add(
        "log",
        "failed\nbadly",
        level="error",
        data={"exception": 'Traceback:\n  File "a"\nValueError'},
    )

    assert console.err.splitlines() == [
        "load | error: failed",
        "load | badly",
        "load | Traceback:",
        'load |   File "a"',
        "load | ValueError",
    ]


def test_a_warning_says_where_it_comes_from(tmp_path, monkeypatch):
    """Class, text, and place as the user knows it."""
    monkeypatch.chdir(tmp_path)
    console = Console()
    data = {"category": "UserWarning", "file": str(tmp_path / "flow.py"), "line": 12}

    console.add("warning", "careful", level="warning", data=data)

    assert console.err == "load | UserWarning: careful (flow.py:12)\n"


def test_a_warning_of_our_own_has_no_place():
    """What the run warns of is not a line of code."""
    console = Console()

    console.add("warning", "careful", stage=None, level="warning")

    assert console.err == "warning: careful\n"


@pytest.mark.parametrize("kind", ["print", "log", "warning"])
def test_what_is_shown_already_is_not_shown_again(kind):
    """The end of a prompt that is on the console, or a record that a user's handler showed."""
    console = Console()

    console.add(kind, "text", stream="stdout", data={"shown": True})

    assert console.out + console.err == ""


def test_without_progress_only_the_stages_speak():
    """Starts, ends and progress are nobody's words."""
    console = Console(stages=["load"])

    console.add("run.start", stage=None)
    console.add("stage.start")
    console.add("progress", data={"done": 1, "total": 2})
    console.end("load", "ok", 5)
    console.add("run.end", stage=None)
    console.log.close()

    assert console.out + console.err == ""


@pytest.mark.parametrize(
    "ended, expected",
    [
        (Ended("ok", 120_000_000, 1), "✓ load   0.12 s"),
        (Ended("ok", 120_000_000, 3), "✓ load   0.12 s (3 attempts)"),
        (Ended("reused", reason="unchanged"), "✓ load   reused: unchanged"),
        (Ended("skipped", reason="only=model"), "- load   skipped: only=model"),
        (Ended("failed", error=KeyError("a")), "✗ load   failed: KeyError: 'a'"),
        (Ended("failed", error=ValueError("two\nlines")), "✗ load   failed: ValueError: two"),
        (Ended("timeout", error=TimeoutError()), "✗ load   timeout: TimeoutError"),
        (Ended("interrupted", reason="no end"), "✗ load   interrupted: no end"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_with_progress_each_stage_has_a_line(ended, expected):
    """How it ended, and how long it took or why."""
    console = Console(progress=True, stages=["load", "model"])

    console.end("load", *ended)

    assert console.out == expected + "\n"


def test_a_blocked_stage_has_a_line():
    """It did not run, and the line says why."""
    console = Console(progress=True)

    console.add("stage.skip", stage="plot", data={"state": "blocked", "reason": 'needs "load"'})

    assert console.out == '- plot  blocked: needs "load"\n'


def test_a_long_error_is_cut():
    """The failure itself is told elsewhere."""
    console = Console(progress=True)

    console.end("load", "failed", 5, 1, "", ValueError("x" * 1000))

    assert len(console.out) < 250


def test_a_retry_is_told():
    """Why it is tried again, and when."""
    console = Console(progress=True)
    data = {"state": "failed", "error": {"type": "OSError", "message": "busy"}, "retry_in_s": 0.5}

    console.add("attempt.end", number=1, level="warning", data=data)

    assert console.out == "load | attempt 1 failed: OSError: busy; once more in 0.50 s\n"


def test_items_that_failed_are_named():
    """The first five of a stage with their errors, and then once that there are more."""
    console = Console(progress=True)
    data = {"state": "failed", "error": {"type": "ValueError", "message": "odd\nvery"}}

    console.add("attempt.end", item="a", number=3, level="error", data=data)
    for item in range(8):
        console.add("attempt.end", item=item, level="error", data=data)
    console.add("attempt.end", stage="clean", item=9, level="error", data=data)

    assert console.out.splitlines() == [
        "load[a] | failed after 3 attempts: ValueError: odd",
        *(f"load[{item}] | failed: ValueError: odd" for item in range(4)),
        "load    | more items failed; from here on they are only counted",
        "clean[9] | failed: ValueError: odd",
    ]


def test_items_that_went_well_have_no_line():
    """A thousand items are one bar; one that failed is told."""
    console = Console(progress=True)

    console.add("stage.end", item=1, data={"state": "ok", "duration_s": 0.1, "attempts": 1})
    console.add("stage.end", item=2, data={"state": "failed", "error": {"type": "ValueError"}})

    assert console.out == "✗ load[2]  failed: ValueError\n"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_old_encodings_get_ascii(encoding):
    """No sign of ours and no text of a stage makes the console fail."""
    console = Console(make=lambda: Old(encoding), progress=True)

    console.print("日本 ✓ \U0001f680")
    console.end("load", "ok", 120_000_000, 1)
    console.end("model", "failed", 5, 1, "", ValueError("no"))
    console.end("plot", "skipped", 0, 0, "no")
    console.log.close()

    assert console.log.sink_failures == []
    assert console.out.splitlines() == [
        r"load | \u65e5\u672c \u2713 \U0001f680",
        "[ok] load  0.12 s",
        "[!!] model  failed: ValueError: no",
        "[--] plot   skipped: no",
    ]


def test_colors_on_a_terminal():
    """The prefix steps back, what went wrong stands out."""
    console = Console(make=Terminal)

    console.print("text")
    console.add("log", "text", level="error")

    assert console.out == "\x1b[2mload | \x1b[0mtext\n"
    assert console.err == "\x1b[2mload | \x1b[0m\x1b[31merror: text\x1b[0m\n"


def test_no_colors_elsewhere(monkeypatch):
    """Neither in a pipe nor where they are not wanted."""
    monkeypatch.setenv("NO_COLOR", "1")
    piped, plain = Console(), Console(make=Terminal)

    for console in (piped, plain):
        console.print("text")

    assert piped.out == plain.out == "load | text\n"


INJECTIONS = [
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "\x1bPq#0\x1b\\",
    "\x9b2J",
    "\x90q\x9c",
    "\r[ok] all is well",
    "\x08\x08\x08forged",
    "\nmodel | forged",
    "\r\nmodel | forged",
    "\x0bmodel | forged",
    "\x0cmodel | forged",
    "\x1cmodel\x1dforged\x1e\x1f",
    "\x85model | forged",
    "\u2028model | forged",
    "\u2029model | forged",
    "\u202egnp.exe",
    "\u2066\u2067\u2068\u2069",
    "\u200e\u200f\u061c",
    "\u200b\u2060\ufeff",
    "\U000e0061\U000e007f",
    "\x00\x07\x7f",
    "\x1b[1;31mred",
    "\x1bc",
    "\x18\x1a",
    '"}\n{"event":"forged"}',
    "</script><script>alert(1)</script>",
    "**bold** | `code`",
    "\ud800\udfff",
    "\x0e\x0f",
]


@pytest.mark.parametrize("place", ["print", "log", "warning", "stage", "item", "key", "error"])
@pytest.mark.parametrize("text", INJECTIONS, ids=ascii)
def test_nothing_that_a_stage_says_reaches_the_terminal_raw(text, place):
    """No control character, turned direction or line that some other stage did not say."""
    console = Console(progress=True)

    if place == "stage":
        console.print("text", stage=f"a{text}b")
        console.end(f"a{text}b", "ok")
    elif place == "item":
        console.add("print", "text", item=text, stream="stdout")
    elif place == "key":
        console.add("log", "text", data={text: text})
    elif place == "error":
        console.end("load", "failed", 1, 1, text, ValueError(text))
    else:
        console.add(place, text, stream="stdout", data={"category": text, "file": text, "line": 1})
    console.log.close()

    shown = console.out + console.err
    assert console.log.sink_failures == []
    assert shown
    assert not [letter for letter in shown.replace("\n", "") if not letter.isprintable()]
    for line in shown.split("\n"):
        assert not line.startswith(("model", "[ok]", "forged", '{"'))


def test_a_stage_without_a_stream_is_silent():
    """A process may have no standard output; the run goes on."""
    sink = ConsoleSink(progress=True, stream_of=lambda name: None)
    log = EventLog("run-1", sinks=[sink])

    log.add("print", "text", attempt=Attempt(log, "load"), stream="stdout")
    log.close()

    assert log.sink_failures == []


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), ValueError("closed file")])
def test_a_console_that_is_gone_is_a_failed_sink(error):
    """The reader of a pipe may leave; the stages do not notice."""

    class Gone(io.StringIO):
        def write(self, text):
            raise error

    seen = []
    log = EventLog("run-1", sinks=[ConsoleSink(stream_of=lambda name: Gone()), seen.append])

    log.add("print", "text", attempt=Attempt(log, "load"), stream="stdout")
    log.close()

    assert log.sink_failures[0].error is error
    assert seen[0].event == "text"


def test_the_present_stream_is_the_one_beneath_a_run(monkeypatch):
    """What a run puts into sys is seen through, however often."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", Router(Router(stream, "stdout"), "stdout"))

    assert present_stream("stdout") is stream


def test_a_stream_that_is_replaced_is_followed(capsys):
    """By default lines go where sys.stdout leads at that moment."""
    log = EventLog("run-1", sinks=[ConsoleSink()])

    log.add("print", "text", attempt=Attempt(log, "load"), stream="stdout")

    assert capsys.readouterr().out == "load | text\n"


def test_a_stream_that_prints_does_not_come_back():
    """While the console writes, no stage is running."""
    seen = []

    class Stream(io.StringIO):
        def write(self, text):
            seen.append(STAGE.get())

    log = EventLog("run-1", sinks=[ConsoleSink(stream_of=lambda name: Stream())])
    attempt = Attempt(log, "load")
    token = STAGE.set(attempt)
    try:
        log.add("print", "text", attempt=attempt, stream="stdout")
    finally:
        STAGE.reset(token)

    assert seen == [None]


def test_single_events_can_be_shown():
    """A user's sink may pass events on to a console."""
    console, events = Console(), []
    log = EventLog("run-1", sinks=[events.append])
    log.add("print", "text", attempt=Attempt(log, "load"), stream="stdout")

    console.sink.emit(events[0])

    assert console.out == "load | text\n"


def shown(text, width=80):
    """What a terminal shows after *text*: its lines, the last of which may be a live one."""
    lines, column = [""], 0
    index = 0
    while index < len(text):
        letter = text[index]
        if text.startswith("\x1b[K", index):
            lines[-1] = lines[-1][:column]
            index += 3
            continue
        if letter == "\x1b":
            index = text.index("m", index) + 1
            continue
        if letter == "\n":
            lines.append("")
            column = 0
        elif letter == "\r":
            column = 0
        else:
            assert column < width, "the line wraps"
            lines[-1] = lines[-1][:column] + letter + lines[-1][column + 1 :]
            column += 1
        index += 1
    return lines


@pytest.fixture
def live():
    console = Console(make=Terminal, progress=True, stages=["load", "model"])
    yield console
    console.log.close()


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_the_live_line_follows_the_run(live):
    """It is drawn below the lines, and says what runs."""
    live.add("run.start", stage=None)
    live.add("stage.start")
    live.print("text")
    wait_for(lambda: shown(live.out)[-1] == "0/2  load  0:00")

    live.end("load", "ok", 120_000_000, 1)
    wait_for(lambda: shown(live.out)[-1] == "1/2  0:00")

    assert shown(live.out)[:-1] == ["load  | text", "✓ load   0.12 s"]


def test_the_live_line_is_gone_at_the_end(live):
    """What remains are the ordinary lines."""
    live.add("stage.start")
    live.print("text")
    wait_for(lambda: shown(live.out)[-1])

    live.log.close()

    assert shown(live.out) == ["load  | text", ""]


def test_the_live_line_makes_way_for_a_prompt(live):
    """A prompt stands on a line of its own until something else is shown."""
    live.add("stage.start")
    wait_for(lambda: shown(live.out)[-1])

    live.log.make_way()
    live.streams["stdout"].write("name? ")
    time.sleep(0.25)
    assert shown(live.out)[-1] == "name? "

    live.streams["stdout"].write("me\n")
    live.print("text")
    wait_for(lambda: shown(live.out)[-1].startswith("0/2"))
    assert shown(live.out)[:-1] == ["name? me", "load  | text"]


def test_the_live_line_never_wraps(live, monkeypatch):
    """On a narrow terminal it is cut: a line that wraps could not be erased."""
    monkeypatch.setenv("COLUMNS", "10")
    live.add("stage.start", stage="日本語日本語")
    wait_for(lambda: live.out)

    assert shown(live.out)[-1] == "0/2  日本"


def test_the_live_line_is_drawn_ten_times_a_second_at_most(live):
    """A flood of progress does not flood the terminal."""
    start = time.monotonic()
    live.add("stage.start")
    for number in range(2000):
        live.add("progress", stage=f"s{number}", data={"done": number, "total": 2000})
    took = time.monotonic() - start

    assert live.out.count("\x1b[K") <= took * 10 + 3


def test_there_is_one_live_line(live):
    """A nested run's console shows its lines above the outer one's live line, and has none."""
    live.add("stage.start")
    wait_for(lambda: shown(live.out)[-1])
    inner = ConsoleSink(progress=True, stream_of=live.streams.get)
    log = EventLog("run-2", sinks=[inner])

    log.add("print", "inner", attempt=Attempt(log, "step"), stream="stdout")
    log.close()
    wait_for(lambda: shown(live.out)[-1] == "0/2  load  0:00")

    assert shown(live.out)[:-1] == ["step | inner"]


def test_a_terminal_that_is_gone_stops_the_live_line(live):
    """The thread that draws ends quietly; the run does not notice."""
    live.add("stage.start")
    wait_for(lambda: live.out)

    live.streams["stdout"].close()
    time.sleep(0.25)
    live.log.close()

    assert live.log.is_closed


def test_no_live_line_in_a_pipe():
    """There are plain lines only, without any control character."""
    console = Console(progress=True)

    console.add("stage.start")
    console.add("progress", data={"done": 1, "total": 2})
    time.sleep(0.15)
    console.end("load", "ok", 120_000_000, 1)
    console.log.close()

    assert console.out == "✓ load  0.12 s\n"


def test_a_real_terminal(terminal):
    """On a terminal of the system the line is drawn, cut to its width, and erased."""
    body = """
from pypedream.log.console import ConsoleSink
import time
log = EventLog("run-1", sinks=[ConsoleSink(progress=True, stages=["load"])])
log.add("stage.start", attempt=Attempt(log, "load"))
print_ = Attempt(log, "load")
log.add("print", "text", attempt=print_, stream="stdout")
log.add("print", "error", attempt=print_, stream="stderr")
time.sleep(0.3)
log.close()
"""
    text = terminal(body)

    assert "0/1  load" in text
    assert shown(text) == ["load | text", "load | error", ""]


@pytest.mark.skipif(os.name == "nt", reason="there is no fork here")
def test_a_forked_child_has_a_console_of_its_own(live):
    """The parent's live line and its lock do not hold up a run in the child."""
    live.add("stage.start")
    wait_for(lambda: shown(live.out)[-1])

    pid = os.fork()
    if pid == 0:
        console = Console(make=Terminal, progress=True)
        console.print("child")
        console.log.close()
        os._exit(0 if "child" in console.out else 1)
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
