from __future__ import annotations

import pytest

from pypedream.view.memory import memory_text


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_large_frame_says_what_it_takes(library):
    """Two columns of a million numbers of eight bytes."""
    module = pytest.importorskip(library)
    numpy = pytest.importorskip("numpy")
    make = module.table if library == "pyarrow" else module.DataFrame

    assert (
        memory_text(make({"a": numpy.zeros(1_000_000), "b": numpy.zeros(1_000_000)})) == "16.0 MB"
    )
    assert memory_text(make({"a": [1.5]})) == ""


@pytest.mark.parametrize(
    "count, text",
    [(124_999, ""), (125_000, "1.0 MB"), (1_234_000, "9.9 MB"), (250_000_000, "2.0 GB")],
)
def test_an_array_says_what_it_takes(count, text):
    """From a megabyte on, in one decimal."""
    numpy = pytest.importorskip("numpy")

    assert memory_text(numpy.broadcast_to(numpy.float64(1), count)) == text


@pytest.mark.parametrize("value", [None, 3, "x" * 2_000_000, [0] * 1_000_000], ids=type)
def test_other_values_say_nothing(value):
    """What they take is not known without a look at all that they hold."""
    assert memory_text(value) == ""


def test_a_frame_that_cannot_tell_says_nothing():
    """Whatever a class of the user's does."""
    pandas = pytest.importorskip("pandas")

    class Odd(pandas.DataFrame):
        def memory_usage(self, index=True, deep=False):
            raise RuntimeError("not now")

    assert memory_text(Odd({"a": [1]})) == ""
