import pytest

from pypedream.context import Attempt
from pypedream.log.event_log import EventLog
from pypedream.log.status import Status


@pytest.fixture
def log():
    return EventLog("run-1")


def status_after(log, *steps, total=0):
    status = Status(total)
    for kind, stage, *more in steps:
        attempt = Attempt(log, stage)
        attempt.item = more[1] if len(more) > 1 else None
        text, data = (more[0] if more else (None, None)) or (None, None)
        log.records.append(
            (next(log.counter), log.start_ns, attempt, kind, "info", text, None, data)
        )
        status.take(log.events[-1])
    return status.text(has_glyphs=True)


def test_what_is_done_and_what_runs(log):
    """The count, the names, the time."""
    steps = [("stage.start", "a"), ("stage.end", "a"), ("stage.start", "b"), ("stage.start", "c")]

    assert status_after(log, *steps, total=5) == "1/5  b, c  0:00"


def test_an_unknown_total(log):
    """Then there is only how many are done."""
    assert status_after(log, ("stage.skip", "a")) == "1 done  0:00"


def test_many_stages_at_a_time(log):
    """Three names and the number of the others; long names are cut."""
    steps = [("stage.start", name) for name in ("a", "b" * 100, "c", "d", "e")]

    assert status_after(log, *steps, total=9) == f"0/9  a, {'b' * 24}, c, +2  0:00"


@pytest.mark.parametrize(
    "progress, expected",
    [
        ((None, {"done": 6, "total": 12}), "██████░░░░░░ 6/12"),
        (("files", {"done": 12, "total": 12}), "████████████ 12/12 files"),
        ((None, {"done": 13, "total": 12}), "████████████ 13/12"),
        ((None, {"done": 6, "total": None}), "6"),
        (("6 files", {"done": 6, "total": None}), "6 files"),
        (("50%|#####     | 5/10", {"done": 5, "total": 10}), "██████░░░░░░ 5/10"),
        (("spinning", None), "spinning"),
        ((None, {"done": "x", "total": 3}), "x"),
        ((None, {"done": 1, "total": 0}), "1"),
        ((None, {"done": float("nan"), "total": 3}), "nan"),
    ],
)
def test_progress_is_a_bar(log, progress, expected):
    """If the share is known it is drawn, else it is told in the stage's own words."""
    steps = [("stage.start", "a"), ("progress", "a", progress)]

    assert status_after(log, *steps, total=1) == f"0/1  a  {expected}  0:00"


def test_progress_without_glyphs(log):
    """ASCII has bars too."""
    status = Status(1)
    log.add("progress", attempt=Attempt(log, "a"), data={"done": 1, "total": 2})
    status.take(log.events[-1])

    assert status.text(has_glyphs=False) == "0/1  a  ######------ 1/2  0:00"


def test_items_are_not_stages(log):
    """The end of an item is not the end of its stage."""
    steps = [("stage.start", "a"), ("stage.start", "a", None, 1), ("stage.end", "a", None, 1)]

    assert status_after(log, *steps, total=1) == "0/1  a  0:00"
