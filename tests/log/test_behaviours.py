"""The rows of the table in _docs/explanation/captured-prints.md, each as a test."""

import io
import json
import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pprint import pprint

import click
import pytest

from pypedream.log.capture import capturing
from pypedream.log.console import ConsoleSink
from pypedream.log.event_log import EventLog


def events(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def prints(tmp_path):
    return [event["event"] for event in events(tmp_path / "log.jsonl") if event["kind"] == "print"]


def test_print_in_its_forms(stages):
    """Every way of ``print`` is captured, line by line."""

    def work():
        print("plain", 1)
        print("a", "b", sep="\n")
        print("no ", end="")
        print("newline", flush=True)
        print()

    stages.run(work)

    assert stages.lines("stdout") == ["plain 1", "a", "b", "no newline", ""]


def test_writing_to_the_streams(stages):
    """What is written to ``sys.stdout`` and ``sys.stderr`` is captured with the stream's name."""

    def work():
        sys.stdout.writelines(["a\n", "b\n"])
        sys.stderr.write("c\n")
        print("d", file=sys.stderr)

    stages.run(work)

    assert stages.lines("stdout") == ["a", "b"]
    assert stages.lines("stderr") == ["c", "d"]


def test_pprint(stages):
    """``pprint`` is captured."""
    stages.run(pprint, {"a": 1})

    assert stages.lines() == ["{'a': 1}"]


def test_traceback(stages):
    """``traceback.print_exc`` is captured, line by line, as stderr."""

    def work():
        try:
            int("x")
        except ValueError:
            traceback.print_exc()

    stages.run(work)

    assert stages.lines("stderr")[0] == "Traceback (most recent call last):"
    assert stages.lines("stderr")[-1].startswith("ValueError: invalid literal")


def test_click(stages):
    """``click.echo`` is captured: text, bytes, styles, and what is meant for stderr."""

    def work():
        click.echo("größe")
        click.echo(b"bytes")
        click.echo(click.style("red", fg="red"))
        click.echo("problem", err=True)

    stages.run(work)

    assert stages.lines("stdout") == ["größe", "bytes", "red"]
    assert stages.lines("stderr") == ["problem"]


def test_rich(stages):
    """``rich.print`` is captured, as plain text."""
    rich = pytest.importorskip("rich")
    stages.run(rich.print, "[red]warm[/red] text")

    assert stages.lines() == ["warm text"]


def test_tqdm(stages):
    """A progress bar is a few progress records and one line, how often it may be drawn."""
    tqdm = pytest.importorskip("tqdm")

    def work():
        for _ in tqdm.tqdm(range(2000), mininterval=0, miniters=1, ncols=60):
            pass

    stages.run(work)

    [line] = stages.lines("stderr")
    assert line.startswith("100%")
    assert "2000/2000" in line
    progress = [record[7] for record in stages.records("progress")]
    assert progress[0] == {"done": 0, "total": 2000}
    assert progress[-1] == {"done": 2000, "total": 2000}
    assert len(progress) <= 5


def test_nested_tqdm(stages):
    """Bars below each other leave a line for the outer one, and none for each drawing."""
    tqdm = pytest.importorskip("tqdm")

    def work():
        for _ in tqdm.tqdm(range(5), desc="outer", mininterval=0, file=sys.stdout):
            for _ in tqdm.tqdm(range(5), desc="inner", mininterval=0, file=sys.stdout, leave=False):
                pass

    stages.run(work)

    assert len(stages.lines()) <= 2
    assert stages.lines()[-1].startswith("outer: 100%")


def test_tqdm_write(stages):
    """``tqdm.write`` is a line of its own and does not break the bar."""
    tqdm = pytest.importorskip("tqdm")

    def work():
        for number in tqdm.tqdm(range(3), file=sys.stdout, mininterval=0):
            tqdm.tqdm.write(f"at {number}")

    stages.run(work)

    assert stages.lines()[:3] == ["at 0", "at 1", "at 2"]
    assert stages.lines()[3].startswith("100%")
    assert len(stages.lines()) == 4


def test_redirection_in_a_stage(stages):
    """What a stage redirects is its own."""

    def work():
        with redirect_stdout(io.StringIO()) as buffer, redirect_stderr(buffer):
            print("mine")
            print("mine, too", file=sys.stderr)
        print("captured")
        return buffer.getvalue()

    assert stages.run(work) == "mine\nmine, too\n"
    assert stages.lines() == ["captured"]


def test_redirection_round_a_run():
    """Who redirects round a run, as ``%%capture`` does, gets what the console would show."""
    log = EventLog("run-1", sinks=[ConsoleSink()])
    from contextvars import copy_context

    from pypedream.context import STAGE, Attempt

    def work():
        STAGE.set(Attempt(log, "load"))
        print("in a stage")

    with redirect_stdout(io.StringIO()) as buffer:
        with capturing():
            print("outside")
            copy_context().run(work)
        log.close()

    assert buffer.getvalue() == "outside\nload | in a stage\n"


def test_capsys(stages, capsys):
    """The fixture gets what is printed outside of stages; there is no capture left behind."""
    stream = sys.stdout
    with capturing():
        print("outside")
        stages.call(print, "inside")

    assert capsys.readouterr().out == "outside\n"
    assert sys.stdout is stream


def test_capfd(stages, capfd):
    """The fixture for descriptors gets what no router sees."""

    def work():
        print("inside")
        os.write(1, b"descriptor\n")

    stages.run(work)

    assert capfd.readouterr().out == "descriptor\n"
    assert stages.lines() == ["inside"]


def test_subprocess_and_descriptors(python, tmp_path):
    """What subprocesses and C code write goes to the console: the descriptors are the real ones."""
    result = python(
        """
import subprocess
def load():
    print("captured")
    subprocess.run([sys.executable, "-c", "print('from a subprocess')"], stdout=sys.stdout)
    os.system("echo from the shell")
    os.write(sys.stdout.fileno(), b"from the descriptor" + os.linesep.encode())
run(load)
"""
    )

    assert result.stdout.splitlines() == [
        "from a subprocess",
        "from the shell",
        "from the descriptor",
    ], result.stderr
    assert prints(tmp_path) == ["captured"]


def test_faulthandler(python):
    """``faulthandler`` writes to the real stderr."""
    result = python(
        """
import faulthandler
def load():
    faulthandler.enable()
    faulthandler.dump_traceback()
    faulthandler.disable()
run(load)
"""
    )

    assert "in load" in result.stderr
    assert result.returncode == 0


def test_original_streams(python, tmp_path):
    """Who writes to ``sys.__stdout__`` means the console."""
    result = python('def load():\n    print("real", file=sys.__stdout__)\nrun(load)\n')

    assert result.stdout == "real\n", result.stderr
    assert not (tmp_path / "log.jsonl").exists()


ASKING = """
def load():
    print("reading")
    name = input("Name? ")
    print("hello", name)
run(load)
"""


def test_input_on_a_terminal(terminal, tmp_path):
    """A prompt appears on the terminal, the answer is read, and the rest is captured."""
    shown = terminal(ASKING, ("Name? ", "Ada\n"))

    assert shown.count("Name? ") == 1
    assert prints(tmp_path) == ["reading", "hello Ada"]


def test_input_from_a_pipe(python, tmp_path):
    """Without a terminal the prompt appears as well, and at once; it is part of the next line."""
    result = python(ASKING, stdin="Ada\n")

    assert result.stdout == "Name? hello Ada\n", result.stderr
    assert prints(tmp_path) == ["reading", "Name? hello Ada"]


def test_prompt_that_is_printed(terminal, tmp_path):
    """A prompt that was printed before ``input()`` appears, too."""
    body = """
def load():
    print("Name? ", end="")
    print("hello", input())
run(load)
"""
    shown = terminal(body, ("Name? ", "Ada\n"))

    assert shown.count("Name? ") == 1
    assert prints(tmp_path) == ["Name? hello Ada"]


def test_getpass(terminal, tmp_path):
    """``getpass`` asks on the terminal and shows nothing of the answer, nor does the log."""
    body = """
import getpass
def load():
    print(len(getpass.getpass("Secret? ")))
run(load)
"""
    shown = terminal(body, ("Secret? ", "hunter2\n"))

    assert "hunter2" not in shown
    assert prints(tmp_path) == ["7"]


def test_click_prompt(terminal, tmp_path):
    """``click.prompt`` and ``click.confirm`` ask on the terminal."""
    body = """
import click
def load():
    print("got", click.prompt("How many", type=int), click.confirm("Sure?"))
run(load)
"""
    terminal(body, ("How many", "3\n"), ("Sure?", "y\n"))

    assert prints(tmp_path)[-1].endswith("got 3 True")


def test_isatty(terminal, tmp_path):
    """On a terminal a stage sees none, so that nobody draws; code outside sees it."""
    shown = terminal(
        """
def load():
    print(sys.stdout.isatty(), sys.stderr.isatty())
with capturing():
    print("outside", sys.stdout.isatty())
    stage(load)
log.close()
"""
    )

    assert shown == "outside True\n"
    assert prints(tmp_path) == ["False False"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_encoding_of_the_console_does_not_matter(python, tmp_path, encoding):
    """A stage may print any character, whatever the console can show."""
    result = python(
        """
def load():
    print("größe \\u2713 \\ud800 \\U0001f600", sys.stdout.encoding)
run(load)
""",
        env={"PYTHONIOENCODING": encoding},
    )

    assert result.returncode == 0, result.stderr
    [line] = prints(tmp_path)
    assert line.startswith("größe ✓ ")
    assert line.endswith(encoding)


def test_no_standard_streams(python, tmp_path):
    """A program without standard streams, as on a desktop of Windows, runs and records."""
    result = python(
        """
sys.stdout = sys.stderr = None
def load():
    print("printed")
    print("problem", file=sys.stderr)
    sys.stderr.write("written\\n")
run(load)
assert sys.stdout is None and sys.stderr is None
"""
    )

    assert result.returncode == 0
    assert prints(tmp_path) == ["printed", "problem", "written"]


def test_printing_in_del_and_in_a_signal_handler(python, tmp_path):
    """What a destructor or a signal handler prints belongs to the stage it interrupts."""
    result = python(
        """
import signal
class Noisy:
    def __del__(self):
        print("deleted")
def load():
    signal.signal(signal.SIGINT, lambda *_: print("signal"))
    Noisy()
    signal.raise_signal(signal.SIGINT)
run(load)
"""
    )

    assert result.returncode == 0, result.stderr
    assert prints(tmp_path) == ["deleted", "signal"]


def test_sink_that_prints():
    """A sink may print: its output is the console's and does not come back."""
    from contextvars import copy_context

    from pypedream.context import STAGE, Attempt

    log = EventLog("run-1", sinks=[lambda event: print("seen", event.event)])

    def work():
        STAGE.set(Attempt(log, "load"))
        print("text")

    with redirect_stdout(io.StringIO()) as buffer, capturing():
        copy_context().run(work)
        log.close()

    assert buffer.getvalue() == "seen text\n"


def test_deep_recursion(stages):
    """A stage that recurses too deep gets its RecursionError, and printing goes on."""

    def down(number):
        print(number)
        down(number + 1)

    def work():
        try:
            down(0)
        except RecursionError:
            print("too deep")

    stages.run(work)

    assert stages.lines()[-1] == "too deep"
