"""Retries: when a stage is tried again, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream import Stage
from pypedream.engine.retry import Retries, retry_delay_s
from pypedream.engine.wiring import Wire
from pypedream.stage import Arguments, Policy


def wire(key: str, **policy: object) -> Wire:
    stage = Stage(lambda: 1, name=key, **policy)
    return Wire(key, stage, stage.function, Arguments({}), (), is_plain=False, flags=0)


@given(st.floats(0, 10), st.floats(1, 4), st.integers(1, 6), st.booleans())
def test_a_delay_grows_with_each_attempt(delay_s, backoff, number, jitter):
    """With jitter it lies between half of that and all of it."""
    policy = Policy(retry_delay_s=delay_s, backoff=backoff, jitter=jitter)

    delay = retry_delay_s(policy, number)

    whole = delay_s * backoff ** (number - 1)
    assert delay == whole if not jitter else whole / 2 <= delay <= whole


def test_those_whose_time_has_come_are_taken_in_order():
    """Of two at the same time the one that came first; others wait."""
    retries = Retries()
    for key, delay_s in (("late", 60), ("a", 0), ("b", 0)):
        retries.plan(wire(key, retry_delay_s=delay_s, jitter=False), 1)

    taken = [retries.take(), retries.take(), retries.take()]

    assert [one and (one[0].key, one[1]) for one in taken] == [("a", 2), ("b", 2), None]
    assert len(retries) == 1


def test_nothing_waits_at_first():
    """There is nothing to take, and no time to wait for."""
    retries = Retries()

    assert retries.take() is None
    assert not retries
    with pytest.raises(IndexError):
        _ = retries.next_at
