"""Processes that are ready before they are needed: used once, if nothing in them is old."""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pypedream.cli.warm import Rounds
from tests.cli.conftest import PACKAGE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there each round has a new process")

WHO = """
import os
from typing import Annotated
from pypedream import Pipeline
from pypedream.files import JSON, Out

def who() -> Annotated[int, Out("who.json", JSON())]:
    return os.getpid()

flow = Pipeline("who")
flow.register(who)
"""


@pytest.fixture
def rounds(project: Path, write, monkeypatch) -> Iterator[Rounds]:
    """The rounds of a project whose stage says by which process it was called."""
    monkeypatch.setenv("PYTHONPATH", PACKAGE)
    write("pipeline.py", WHO)
    found = Rounds([os.path.realpath(project)])
    yield found
    found.close()


def ready(rounds: Rounds) -> int:
    """Make a process ready; return its id."""
    rounds.prepare()
    assert rounds._next is not None
    return rounds._next.pid


def called_by(rounds: Rounds, project: Path) -> int:
    assert rounds.give(["repro", "-f", "-q"]) == 0
    return int((project / "who.json").read_text())


def test_the_process_that_is_ready_gives_the_next_command(rounds, project):
    """Each gives one; without one that is ready there is a new one."""
    first, second = [(ready(rounds), called_by(rounds, project)) for _ in range(2)]

    assert first[0] == first[1] != second[0] == second[1]
    assert called_by(rounds, project) not in (*first, *second)


def test_the_exit_code_is_that_of_the_command(rounds):
    """Also where it is wrong."""
    for is_ready in (True, False):
        if is_ready:
            rounds.prepare()
        assert rounds.give(["repro", "nope"]) == 2


def test_a_process_that_was_killed_is_made_up_for(rounds, project):
    """The command is given all the same."""
    pid = ready(rounds)
    rounds._next.kill()
    rounds._next.wait()

    assert called_by(rounds, project) != pid


def test_a_process_that_loaded_something_of_the_users_is_not_used(rounds, project):
    """As where a file of the project hides a module of Python: it may be changed meanwhile."""
    shutil.copy(fnmatch.__file__, project / "fnmatch.py")

    assert ready(rounds) != called_by(rounds, project)


def test_a_process_that_nobody_needs_ends(rounds):
    """Without a word."""
    rounds.prepare()
    process = rounds._next

    rounds.close()

    assert process.returncode == 86
