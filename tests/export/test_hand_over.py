"""Values from one task to the next, through a store that others may write to."""

from __future__ import annotations

import pytest
from attrs import frozen

from pypedream.errors import HandOverError
from pypedream.export.hand_over import Carrier, Place

KEY = "PYPEDREAM_CACHE_KEY"
OPEN = "memory://hand-over"
PLACE = Place("flow", "run-1", "load")


@frozen
class Model:
    """What only a pickle can hold."""

    depth: int


@pytest.fixture(autouse=True)
def _extra(monkeypatch, tmp_path):
    pytest.importorskip("fsspec")
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # where a key may be kept


def test_a_pickle_that_nobody_would_read_fails_where_it_is_given():
    """The message says what to set, and where."""
    with pytest.raises(HandOverError) as raised:
        Carrier(OPEN).give(Model(3), PLACE)

    assert str(raised.value) == (
        'stage "load" gives a value of type Model, kept as a pickle, and others may write'
        " to memory://hand-over: set PYPEDREAM_CACHE_KEY to the same secret text wherever tasks run"
    )


def test_a_signed_pickle_is_handed_over(monkeypatch):
    """Both tasks have the key."""
    monkeypatch.setenv(KEY, "of ours")

    handle = Carrier(OPEN).give(Model(3), PLACE)

    assert Carrier(OPEN).take(handle, "the result") == Model(3)


def test_a_pickle_with_another_key_is_refused(monkeypatch):
    """Or with none, where it is taken."""
    monkeypatch.setenv(KEY, "of ours")
    handle = Carrier(OPEN).give(Model(3), PLACE)
    monkeypatch.setenv(KEY, "of theirs")

    with pytest.raises(HandOverError, match=f"not signed with the key of this task: set {KEY}"):
        Carrier(OPEN).take(handle, "the result")


def test_what_is_no_pickle_needs_no_key():
    """As large texts."""
    handle = Carrier(OPEN).give("x" * 40_000, PLACE)

    assert Carrier(OPEN).take(handle, "the result") == "x" * 40_000
