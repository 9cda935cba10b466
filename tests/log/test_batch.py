import json

import pytest

from pypedream.context import Attempt
from pypedream.log.batch import Batch
from pypedream.log.event_log import EventLog


@pytest.fixture
def batch():
    log = EventLog("run-1")
    attempt = Attempt(log, "load")
    log.records.append((1, log.start_ns, "load", "step", None, None, None, None))
    log.records.append((2, log.start_ns, attempt, "print", "info", "text", "stdout", None))
    log.records.append((3, log.start_ns, "clean", "step", "load", None, 3, log.start_ns))
    return Batch(log.records, log)


def kinds_in(text):
    return [json.loads(line)["kind"] for line in text.decode("ascii").splitlines()]


@pytest.mark.parametrize(
    "kinds, expected",
    [
        (None, ["stage.start", "print", "stage.end", "stage.start"]),
        ({"print", "log"}, ["print"]),
        ({"stage.start", "stage.end", "run.end"}, ["stage.start", "stage.end", "stage.start"]),
        ({"warning"}, []),
    ],
    ids=["all", "spoken", "states", "none"],
)
def test_a_sink_gets_the_lines_of_its_kinds(batch, kinds, expected):
    """The lines of a step are those of its two events."""
    assert kinds_in(batch.text(kinds)) == expected


def test_files_that_want_everything_share_the_text(batch):
    """It is put together once."""
    assert batch.text() is batch.text(frozenset(["print", "stage.start", "stage.end"]))
