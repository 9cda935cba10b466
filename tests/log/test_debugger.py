import json
import sys
from pdb import Pdb

import pytest

from pypedream.log.capture import capturing


def stop_and_go(name=""):
    return f"""
def load():
    rows = "few"
    print("before")
    breakpoint({name})
    print("after")
run(load)
"""


def test_breakpoint_on_a_terminal(terminal, tmp_path):
    """The debugger stops in the stage's own frame and talks to the terminal, not to the log."""
    shown = terminal(stop_and_go(), ("(Pdb) ", "p rows * 2\n"), ("(Pdb) ", "c\n"))

    assert "fewfew" in shown
    assert "load()" in shown
    log = (tmp_path / "log.jsonl").read_text()
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["before", "after"]


def test_breakpoint_without_a_terminal(python, tmp_path):
    """With pipes for streams, as in an editor's console, the debugger is usable as well."""
    result = python(stop_and_go(), stdin="p rows * 2\nprint('typed')\nc\n")

    assert result.returncode == 0, result.stderr
    assert "(Pdb) 'fewfew'" in result.stdout
    assert "typed" in result.stdout
    log = (tmp_path / "log.jsonl").read_text()
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["before", "after"]


def test_header(python):
    """``breakpoint(header=...)`` shows its text."""
    result = python(stop_and_go('header="look here"'), stdin="c\n")

    assert "look here\n" in result.stdout


def test_steps_are_captured(python, tmp_path):
    """What the stage prints between two prompts is the stage's."""
    result = python(stop_and_go(), stdin="n\nn\nc\n")

    assert result.returncode == 0, result.stderr
    assert "after" not in result.stdout.replace('print("after")', "")
    assert '"after"' in (tmp_path / "log.jsonl").read_text()


def test_breakpoint_that_is_switched_off(python):
    """The environment variable of Python switches breakpoints off in stages as well."""
    result = python(stop_and_go(), env={"PYTHONBREAKPOINT": "0"})

    assert (result.returncode, result.stdout) == (0, "")


def test_debugger_of_the_user(stages, monkeypatch, capsys):
    """A hook that the user, or an editor, put in is called; it talks to the real streams."""
    monkeypatch.setattr(sys, "breakpointhook", lambda *args: print("my debugger", *args))
    stages.run(lambda: breakpoint("x"))

    assert capsys.readouterr().out == "my debugger x\n"
    assert stages.lines() == []


def test_outside_a_stage(stages, monkeypatch, capsys):
    """Other code gets the hook that was there."""
    monkeypatch.setattr(sys, "breakpointhook", lambda: print("hook"))
    with capturing():
        breakpoint()

    assert capsys.readouterr().out == "hook\n"


def test_class_of_the_module_is_used(stages, monkeypatch):
    """Who replaces the debugger's class, as Jupyter does, gets his own."""
    stopped = []

    class MyPdb(Pdb):
        def set_trace(self, frame=None):
            stopped.append(frame.f_code.co_name)

    monkeypatch.setattr("pdb.Pdb", MyPdb)
    monkeypatch.setattr(sys, "breakpointhook", sys.__breakpointhook__)

    def work():
        breakpoint()

    stages.run(work)

    assert stopped == ["work"]


@pytest.mark.parametrize("variable", ["print", "builtins.print"])
def test_other_debugger_of_the_environment(python, variable):
    """Another debugger that the environment names is called, on the real streams."""
    result = python(stop_and_go('"called"'), env={"PYTHONBREAKPOINT": variable})

    assert result.stdout == "called\n", result.stderr
