"""Fan: who takes which items, and where their results go."""

from __future__ import annotations

from array import array
from collections import Counter
from contextvars import ContextVar, copy_context
from threading import Thread
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream import Stage
from pypedream.context import Attempt
from pypedream.engine.chunks import Chunk
from pypedream.engine.fan import Fan, counted
from pypedream.engine.item_runs import ItemRuns
from pypedream.engine.sources import Pace, gathered, source_of
from pypedream.engine.wiring import Wire
from pypedream.errors import ExitPipeline, StageKilled, UnpicklableValue
from pypedream.executors.calling import Made
from pypedream.over import Over
from pypedream.stage import arguments_of


class Log:
    """Takes what is said, as the log of a run does."""

    def __init__(self):
        self.said: list[tuple[str, object, dict[str, object]]] = []

    def add(self, kind, event=None, *, attempt=None, level="info", data=None):
        self.said.append((kind, attempt.item, data))


def fan_of(numbers, *, chunk=None, members=1, goes_on=True, retry=lambda *_: None) -> Fan:
    over = Over(("n",))
    stage = Stage(lambda n: n, over=over, name="stage")
    wired = Wire(
        "stage",
        stage,
        stage.function,
        arguments_of(stage.function),
        (),
        is_plain=False,
        flags=0,
        over=over,
    )
    given = {"n": numbers}
    source = source_of(over, dict(given), None)
    attempt = Attempt(Log(), "stage", 1)
    return Fan(wired, attempt, given, {}, source, Pace(chunk, members), goes_on, retry)


def made(chunk: Chunk, count: int | None = None, error: BaseException | None = None) -> Made:
    """Return what becomes of a chunk of which so many items go well."""
    values = [values[0] * 10 for values in chunk.calls[:count]]
    return Made(0, values, array("q", range(1, len(values) + 1)), error)


def test_results_are_in_their_places_whoever_is_first():
    """Chunks may come back in any order."""
    fan = fan_of(range(7), chunk=3)
    chunks = [fan.take(), fan.take(), fan.take()]

    for chunk in reversed(chunks):
        fan.took(chunk, made(chunk))

    assert fan.take() is None
    assert (fan.is_over, fan.done) == (True, 7)
    assert gathered(fan.source, fan.values, Over(("n",)), "list") == [*range(0, 70, 10)]


def test_what_was_not_called_goes_to_the_next():
    """After a failure, or because it took too long."""
    fan = fan_of(range(4), chunk=4)
    chunk = fan.take()
    fan.took(chunk, made(chunk, 1, ValueError()))

    rest = fan.take()
    fan.took(rest, made(rest, 1))
    last = fan.take()

    assert ([*rest.keys], [*last.keys]) == ([2, 3], [3])
    assert [*fan.failed] == [1]


def test_an_item_is_tried_again_alone_when_its_time_has_come():
    """The others do not wait for it."""
    fan = fan_of(range(3), chunk=2, retry=lambda attempt, _: 0.0 if attempt.number == 1 else None)
    chunk = fan.take()
    fan.took(chunk, made(chunk, 0, ValueError()))

    again = fan.take()

    assert ([*again.keys], again.number, fan.retry_in_s) == ([0], 2, None)
    fan.took(again, made(again, 0, ValueError("twice")))
    assert fan.failed[0].attempts == 2
    assert [*fan.take().keys] == [1]


def test_nobody_waits_longer_than_for_the_next_retry():
    """It is due long before the wait would end."""
    fan = fan_of([1], retry=lambda *_: 0.02)
    chunk = fan.take()
    fan.took(chunk, made(chunk, 0, ValueError()))
    start = monotonic()

    fan.wait(30)

    assert monotonic() - start < 15


def test_a_wait_ends_when_somebody_is_done():
    """Though it could have lasted longer."""
    fan = fan_of([1])
    chunk = fan.take()
    other = Thread(target=lambda: fan.took(chunk, made(chunk)))
    start = monotonic()

    other.start()
    fan.wait(30)
    other.join()

    assert monotonic() - start < 15


def test_the_first_failure_ends_it_unless_the_others_go_on():
    """Nothing more is to be had then."""
    fan = fan_of(range(4), chunk=2, goes_on=False)
    chunk, error = fan.take(), ValueError()

    fan.took(chunk, made(chunk, 1, error))

    assert (fan.take(), fan.error, fan.is_over) == (None, error, True)
    assert counted(fan) == {"ok": 1, "failed": 1, "pending": 2}


@pytest.mark.parametrize("error", [ExitPipeline("enough"), KeyboardInterrupt()], ids=repr)
def test_what_ends_the_run_is_no_failure_of_an_item(error):
    """Also where the others would go on."""
    fan = fan_of(range(4), chunk=2)
    chunk = fan.take()

    fan.took(chunk, made(chunk, 1, error))

    assert (fan.take(), fan.error, fan.failed) == (None, error, {})


def test_what_an_exit_takes_down_is_no_item_either():
    """A `SystemExit` stops the others, and is the item's failure."""
    fan = fan_of(range(4), chunk=1)
    chunk = fan.take()

    fan.took(chunk, made(chunk, 0, SystemExit(1)))

    assert ([*fan.failed], fan.is_over) == ([0], True)


def test_so_many_help_as_may_and_no_more():
    """One of the members leads."""
    fan = fan_of(range(4), members=3)

    assert [fan.let_in(), fan.let_in(), fan.let_in()] == [True, True, False]
    fan.let_out()
    assert fan.let_in()


def test_nobody_helps_where_nothing_is_left():
    """All items are being called."""
    fan = fan_of([1, 2], chunk=5, members=3)
    fan.take()

    assert not fan.let_in()


def test_the_iterator_is_read_within_the_context_of_the_stage():
    """It may be the user's, and say something."""
    name = ContextVar("name", default="outside")
    read = []

    def numbers():
        read.append(name.get())
        yield 1

    def within():
        name.set("stage")
        return fan_of(numbers())

    fan = copy_context().run(within)
    fan.take()

    assert read == ["stage"]


def test_what_the_iterator_raises_ends_it():
    """It is not an item's."""

    def numbers():
        yield 1
        raise OSError("broken")

    fan = fan_of(numbers(), chunk=2)

    assert fan.take() is None
    assert (type(fan.error), fan.failed, fan.is_over) == (OSError, {}, True)


def test_it_is_known_what_became_of_each_item():
    """In the order of the items."""
    fan = fan_of({"a": 1, "b": 2, "c": 3}, chunk=1)
    for error in (None, ValueError("broken"), None):
        chunk = fan.take()
        fan.took(chunk, made(chunk, None if error is None else 0, error))

    runs = ItemRuns(fan)

    assert [(run.key, run.state) for run in runs] == [("a", "ok"), ("b", "failed"), ("c", "ok")]
    assert (repr(runs), runs.said) == ("<2 ok, 1 failed>", "3 items, 1 failed")
    assert str(runs[1].error) == "broken"


fates = st.tuples(
    st.sampled_from(["well", "raised", "left", "lost", "unreadable", "killed"]),
    st.integers(0, 20),
)


@settings(max_examples=300)
@given(
    st.integers(0, 12),
    st.sampled_from([None, 1, 3, 20]),
    st.integers(0, 2),
    st.lists(fates, max_size=30),
    st.randoms(use_true_random=False),
)
def test_every_item_ends_once_and_in_its_place(count, chunk, retries, becomes, random):
    """Whatever becomes of chunks, and in whatever order they come back."""
    fan = fan_of(
        range(count),
        chunk=chunk,
        members=3,
        retry=lambda attempt, _: 0.0 if attempt.number <= retries else None,
    )
    waiting = [*becomes]
    taken: list[Chunk] = []
    to_blame: Counter[int] = Counter()
    while not fan.is_over:
        one = fan.take() if len(taken) < 3 else None
        if one is not None:
            taken.append(one)
            continue
        if not taken:
            continue
        one = taken.pop(random.randrange(len(taken)))
        fate, where = waiting.pop(0) if waiting else ("well", 0)
        place = where % len(one.calls)
        if fate == "well":
            fan.took(one, made(one))
        elif fate == "left":
            fan.took(one, made(one, place))
        elif fate == "raised":
            to_blame[one.first + place] += 1
            fan.took(one, made(one, place, ValueError()))
        elif fate == "killed":
            to_blame[one.first + place] += 1
            fan.took(one, Made(error=StageKilled("killed"), is_lost=True, lost_at=place))
        else:
            if len(one.calls) == 1:
                to_blame[one.first] += 1
            error = StageKilled("lost") if fate == "lost" else UnpicklableValue("unreadable")
            fan.took(one, Made(error=error, is_lost=True))

    failed = sorted(place for place, times in to_blame.items() if times > retries)
    assert sorted(fan.failed) == failed
    assert fan.done == count - len(failed)
    well = {place: value for place, value in enumerate(fan.values) if place not in fan.failed}
    assert well == {place: place * 10 for place in range(count) if place not in failed}
    assert [run.key for run in ItemRuns(fan)] == [*range(count)]


def test_nothing_that_calls_need_is_held_afterwards():
    """Of items that went well not even the results, which the run has."""
    fan = fan_of([1])
    chunk = fan.take()
    fan.took(chunk, made(chunk))
    fan.take()

    fan.release()

    assert (fan.make, fan.retry, fan.values, fan.given) == (None, None, [], {})


def test_results_are_held_while_others_are_to_be_called_again():
    """A run that goes on takes them over."""
    fan = fan_of([1, 2], chunk=1)
    chunk = fan.take()
    fan.took(chunk, made(chunk, 0, ValueError()))
    fan.stop()

    fan.release()

    assert fan.given == {"n": [1, 2]}
