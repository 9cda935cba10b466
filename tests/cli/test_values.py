from __future__ import annotations

import sys
from io import StringIO

import pytest

from pypedream.cli import terminal

FLOW = """
    from typing import Literal
    from pypedream import Parameter, Parameters, Pipeline

    flow = Pipeline("asking", Parameters.define(
        "who",
        n=Parameter(int, default=2, min=1, help="how many"),
        mode=Parameter(Literal["fast", "slow"], default="fast"),
        token=Parameter(str, default="hunter22", secret=True),
    ))

    @flow.stage
    def greet(who, n, mode, token):
        print(who, n, mode, len(token.reveal()))
"""


@pytest.fixture(autouse=True)
def asking(write):
    return write("pipeline.py", FLOW)


def test_what_is_said_last_wins(result_of, write):
    """-p comes before the file, the file before the environment, that before the default."""
    write("set.toml", 'who = "file"\nn = 4\n')
    environment = {
        "PYPEDREAM_PARAM_WHO": "environment",
        "PYPEDREAM_PARAM_N": "5",
        "PYPEDREAM_PARAM_MODE": "slow",
    }

    document = result_of("params", "--params", "set.toml", "-p", "who=option", env=environment)

    found = {each["name"]: (each["value"], each["source"]) for each in document["parameters"]}
    assert found == {
        "who": ("option", "-p"),
        "n": (4, "set.toml"),
        "mode": ("slow", "environment PYPEDREAM_PARAM_MODE"),
        "token": ("***", "default"),
    }


def test_a_run_has_the_same_values_and_sources(invoke, write):
    """A failure says who set a value."""
    path = write("pipeline.py", FLOW + "        raise ValueError\n")
    assert path.exists()

    result = invoke("run", "-p", "who=me", env={"PYPEDREAM_PARAM_N": "5"})

    assert "greet | me 5 fast 8\n" in result.stdout
    assert '<- parameter "who" (-p)' in result.stderr
    assert '<- parameter "n" (environment PYPEDREAM_PARAM_N)' in result.stderr


def test_ask_asks_for_every_parameter_until_the_answer_fits(invoke):
    """Enter keeps a default; a wrong answer says why and is asked for again."""
    result = invoke("run", "--ask", input="\nme\n0\n3\nslwo\nslow\n\n")

    assert result.exit_code == 0
    assert "greet | me 3 slow 8\n" in result.stdout
    asked = result.stderr
    assert "who (any): " in asked
    assert "  who needs a value\n" in asked
    assert "n (int, at least 1; how many) [2]: " in asked
    assert 'parameter "n": 0 is under the minimum 1' in asked
    assert "mode (one of fast, slow) [fast]: " in asked
    assert 'did you mean "slow"?' in asked
    assert "token (str, secret) [***]: " in asked


def test_a_missing_value_is_asked_for_at_a_terminal(typed):
    """Only what is missing is asked for."""
    code, screen = typed("run", answers=["me"])

    assert code == 0
    assert "who (any): " in screen
    assert "greet | " in screen
    assert "me 2 fast 8" in screen
    assert "n (int" not in screen


def test_a_missing_value_is_no_question_to_a_program(invoke):
    """Without a terminal the run is refused, with the way to set the value."""
    result = invoke("run", input="me\n")

    assert result.exit_code == 2
    assert 'parameter "who" has no value' in result.stderr
    assert "-p who=..." in result.stderr


def test_giving_up_on_a_question_is_an_interruption(invoke):
    """The end of the input is like Ctrl-C."""
    result = invoke("run", "--ask", input="")

    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "interrupted"


@pytest.mark.parametrize(
    "is_terminal, variable, is_there",
    [(True, "", True), (True, "true", False), (True, "false", True), (False, "", False)],
    ids=["terminal", "CI", "no CI", "pipe"],
)
def test_a_person_sits_at_a_terminal_and_not_in_ci(monkeypatch, is_terminal, variable, is_there):
    """Automatons may have a terminal too; they say so."""

    class Stdin:
        def isatty(self):
            return is_terminal

    monkeypatch.setattr(sys, "stdin", Stdin())
    monkeypatch.setenv("CI", variable)
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)

    assert terminal.is_person_there() is terminal.can_ask() is is_there


def test_a_command_in_a_cell_waits_for_no_answer(monkeypatch):
    """What `!` starts has a terminal of its own that nobody can type into, and would hang."""
    monkeypatch.setattr(sys, "stdin", StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setenv("CI", "")
    monkeypatch.setenv("JPY_PARENT_PID", "1")

    assert terminal.is_person_there()
    assert not terminal.can_ask()


@pytest.mark.parametrize(
    "typed, value",
    [
        ("who=new", "new"),
        ("who = new ", "new"),
        (" who =new", "new"),
        ("who= new", " new"),
        ("who=new ", "new "),
        ("who= ", " "),
        ("who = a = b", "a = b"),
        ("who = ", ""),
    ],
    ids=repr,
)
def test_blanks_around_the_sign_are_no_part_of_a_value(result_of, typed, value):
    """With one before it they are there to be read; after it alone they are the value's."""
    table = result_of("params", "-p", typed)["parameters"]

    assert [one["value"] for one in table if one["name"] == "who"] == [value]
