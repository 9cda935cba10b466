import io

import pytest

from pypedream.log.capture import capturing
from pypedream.log.event_log import EventLog


class Screen:
    """A console that keeps a line at its bottom, and notes when it has to take it off."""

    is_prompt = True

    def __init__(self):
        self.notes = []

    def emit_batch(self, records, log):
        self.notes.extend(record[5] for record in records)

    def pause(self):
        self.notes.append("line is off")


class Keyboard(io.StringIO):
    """Notes when an answer is read."""

    def __init__(self, answer, notes):
        super().__init__(answer)
        self._notes = notes

    def readline(self, *args):
        self._notes.append("answer is read")
        return super().readline(*args)


@pytest.fixture
def screen(stages, monkeypatch):
    screen = Screen()
    stages.log = EventLog("run-1", sinks=[screen])
    monkeypatch.setattr("sys.stdin", Keyboard("Ada\n", screen.notes))
    return screen


def test_the_line_below_is_off_before_an_answer_is_read(stages, screen):
    """What was said is shown, and nothing is drawn over a question while somebody types."""

    def work():
        print("before")
        return input()

    assert stages.run(work) == "Ada"
    first_read = screen.notes.index("answer is read")
    assert screen.notes[:first_read] == ["before", "line is off"]


def test_outside_a_stage_input_is_as_ever(screen):
    """Code that is in no stage asks without taking any line off."""
    with capturing():
        assert input() == "Ada"

    assert screen.notes == ["answer is read"]


def test_input_is_put_back():
    """After the run ``input`` is Python's own."""
    before = input

    with capturing():
        assert input is not before

    assert input is before


LIVE = """
import time
from pypedream.log.console import ConsoleSink
log = EventLog("run-1", sinks=[ConsoleSink(progress=True)])
def load():
    attempt = STAGE.get()
    log.add("stage.start", attempt=attempt)
    time.sleep(0.3)
    {ask}
log.add("run.start")
run(load)
"""


@pytest.mark.parametrize(
    "ask, question, answer",
    [('input("Name? ")', "Name? ", "Ada\n"), ("breakpoint(); 0", "(Pdb) ", "c\n")],
    ids=["input", "breakpoint"],
)
def test_a_question_stays_on_a_terminal_with_a_live_line(terminal, ask, question, answer):
    """The live line is erased before the question, and does not come back before the answer."""
    shown = terminal(LIVE.format(ask=ask), (question, answer))

    before, _, after = shown.partition(question)
    assert "load  0:00" in before
    assert "load  0:00" not in before.rpartition("\x1b[K")[2]
    assert "\x1b[K" not in after.partition("\n")[0]
