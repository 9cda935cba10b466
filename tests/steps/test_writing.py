from __future__ import annotations

import threading

import numpy as np
import pytest

from pypedream import Secret
from pypedream.errors import StepError, StoreError
from pypedream.steps.cache import Cache, Unkept, is_error
from pypedream.steps.failures import mark
from pypedream.steps.ram import Ram
from pypedream.store import CacheStore


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path))


def test_small_results_that_come_fast_are_written_together(cache):
    """At the end of the block at the latest; others write meanwhile."""
    with cache.writing() as writing:
        for number in range(10):
            writing.keep(f"step/a/{number}", number, 1e-6)
        before = len(cache.find([f"step/a/{number}" for number in range(10)]))
        CacheStore(cache.location).put("other", 1)

    assert before < 10
    assert len(cache.keys("step/a/")) == 10


def test_a_result_that_took_long_is_written_at_once(cache):
    """With those before it: they might be lost while the next one is computed."""
    with cache.writing() as writing:
        writing.keep("step/a", 1, 1e-6)
        writing.keep("step/b", 2, 0.1)

        assert set(cache.find(["step/a", "step/b"])) == {"step/a", "step/b"}


def test_a_secret_is_not_kept_outside_of_a_run_either(cache):
    """Nor what holds one, in a file as well, nor an error that does."""
    error = ValueError(Secret("right word"))
    mark(error)
    with cache.writing() as writing:
        assert not writing.keep("step/a", Secret("right word"), 1e-6)
        assert not writing.keep("step/b", {"token": [Secret("right word")]}, 1e-6)
        assert not writing.keep("step/l", [Secret("right word"), b"long" * 100_000], 1e-6)
        assert not writing.keep("step/n", [Secret("right word"), np.zeros(100_000)], 1e-6)
        assert not writing.keep_error("step/e", error)
        assert writing.keep("step/c", {"token": "shown"}, 1e-6)

    assert cache.keys("step/") == ["step/c"]


def test_what_is_kept_is_as_it_was_then(cache):
    """Though it was not written yet, and is changed."""
    value, array = [1], np.zeros(3)
    with cache.writing() as writing:
        writing.keep("step/list", value, 1e-6)
        writing.keep("step/array", array, 1e-6)
        value.append(2)
        array[:] = 7

    found = cache.find(["step/list", "step/array"])
    assert cache.load(found["step/list"]) == [1]
    assert not cache.load(found["step/array"]).any()


def test_an_error_is_kept_in_place_of_a_result(cache):
    """If a step raised it, and not what is around it."""
    ours, machine, step = StepError("a"), OSError("b"), LookupError("c")
    mark(step)
    with cache.writing() as writing:
        assert not writing.keep_error("step/a", ours)
        assert not writing.keep_error("step/b", machine)
        assert writing.keep_error("step/c", step)

    (entry,) = cache.find(["step/a", "step/b", "step/c"]).values()
    assert is_error(entry)
    with pytest.raises(LookupError, match="c"):
        cache.load(entry)


def test_an_error_whose_class_is_gone_keeps_its_text(cache):
    """In another error, with what to do."""

    class Gone(Exception):
        def __reduce__(self):
            return threading.Lock, (1, 2, 3)  # which makes none again

    error = Gone("what happened")
    mark(error)
    with cache.writing() as writing:
        writing.keep_error("step/a", error)

    with pytest.raises(Exception, match="what happened") as caught:
        cache.load(cache.find(["step/a"])["step/a"])
    assert "computes the step again" in caught.value.__notes__[-1]


def test_what_no_format_can_hold_is_refused(cache):
    """With the reason."""
    with cache.writing() as writing, pytest.raises(Unkept, match="cannot pickle"):
        writing.keep("step/a", threading.Lock(), 0.0)
    assert isinstance(Unkept("x"), StoreError)


@pytest.mark.parametrize("value", [[1], {"a": [1]}, 5, "text"], ids=repr)
def test_what_is_in_memory_is_read_once(cache, value):
    """And every reader has an object of his own, if it can be changed."""
    with cache.writing() as writing:
        writing.keep("step/a", value, 0.0)
    entry = cache.find(["step/a"])["step/a"]
    ram, reads = Ram(), []

    def load(one):
        reads.append(one)
        return cache.load(one)

    first, second, third = (ram.value(entry, load) for _ in range(3))

    assert first == second == third == value
    assert len(reads) == 1
    assert first is not second or isinstance(value, (int, str))


def test_what_cannot_be_pickled_is_copied_for_each_reader(cache):
    """As a function that was made in a function."""
    with cache.writing() as writing:
        writing.keep("step/a", 1, 0.0)
    entry = cache.find(["step/a"])["step/a"]
    made = [lambda: 1]
    ram = Ram()

    ram.value(entry, lambda _: made)
    again = ram.value(entry, lambda _: made)

    assert again == made
    assert again is not made
