"""What is picked for a value gives back the very same value."""

from __future__ import annotations

import collections
import enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pypedream.formats import get, pick_serializer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
)


class Colour(enum.IntEnum):
    RED = 1


class Name(str):
    __slots__ = ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_what_is_picked_gives_back_the_value(tmp_path: Path, value: Any) -> None:
    """load(dump(x)) is x, types and signs of zero included, whatever x is."""
    serializer = get(pick_serializer(value))
    serializer.dump(value, tmp_path / "x")

    assert repr(serializer.load(tmp_path / "x")) == repr(value)


@pytest.mark.parametrize(
    "value,name",
    [
        (None, "json"),
        ({"a": [1, 2.5, True]}, "json"),
        ("text", "text"),
        (b"bytes", "bytes"),
        ((1, 2), "pickle"),
        ({1: 2}, "pickle"),
        ([float("nan")], "pickle"),
        ("\ud800", "pickle"),
        (list(range(100_000)), "pickle"),
        (Colour.RED, "pickle"),
        (Name("x"), "pickle"),
        (collections.OrderedDict(a=1), "pickle"),
        (object, "pickle"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_picked(value: Any, name: str) -> None:
    """Plain values are JSON, text and bytes; what these would change is a pickle."""
    assert pick_serializer(value) == name


def test_a_type_of_ones_own_gets_its_serializer() -> None:
    """Users extend it as any singledispatch; subclasses follow."""

    class Recipe:
        pass

    class Cake(Recipe):
        pass

    @pick_serializer.register(Recipe)
    def pick(value: Recipe) -> str:
        return "yaml"

    assert pick_serializer(Cake()) == "yaml"


def test_the_users_choice_for_a_library_stays() -> None:
    """A choice that was registered before the first frame was seen is not overwritten."""
    pytest.importorskip("pandas")
    import subprocess
    import sys

    code = """
import pandas
from pypedream.formats import pick_serializer
pick_serializer.register(pandas.DataFrame, lambda frame: "pandas.csv")
print(pick_serializer(pandas.Series([1])), pick_serializer(pandas.DataFrame({"a": [1]})))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )

    assert done.stdout.split()[1] == "pandas.csv"
