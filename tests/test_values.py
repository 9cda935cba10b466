from __future__ import annotations

import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.values import short

Point = namedtuple("Point", "x y")


class Colour(Enum):
    RED = 1


class Plain:
    pass


class Broken:
    def __repr__(self) -> str:
        raise ZeroDivisionError


class Wordy:
    def __repr__(self) -> str:
        return "Wordy(\n  at 0x7f00\n)"


class Verbose:
    def __repr__(self) -> str:
        return "v" * 10**6


@dataclass
class Row:
    name: str
    sizes: list[int]
    hidden: int = field(default=0, repr=False)


@attrs.define
class Model:
    depth: int
    secret: str = attrs.field(default="", repr=False)


LONG = list(range(1000))


@pytest.mark.parametrize(
    "value, expected",
    [
        (3, "3"),
        (None, "None"),
        ("a\nb", r"'a\nb'"),
        ("a" * 100, f"'{'a' * 37}...{'a' * 37}'"),
        (b"a" * 100, f"b'{'a' * 37}...{'a' * 37}'"),
        ([], "[]"),
        ((1,), "(1,)"),
        (set(), "set()"),
        ({1}, "{1}"),
        (frozenset({1}), "frozenset({1})"),
        (LONG, "[0, 1, 2, 3, 4, 5, 6, 7, ... 992 more]"),
        ({"a": LONG[:2]}, "{'a': [0, 1]}"),
        ([[[[1]]]], "[[[[...]]]]"),
        (deque(LONG), "deque([0, 1, 2, 3, 4, 5, 6, 7, ... 992 more])"),
        (OrderedDict(a=1), "OrderedDict({'a': 1})"),
        (defaultdict(list, a=[1]), "defaultdict({'a': [1]})"),
        (Counter("aa"), "Counter({'a': 2})"),
        (MappingProxyType({"a": 1}), "mappingproxy({'a': 1})"),
        (10**10000, "<int of 33220 bits>"),
        (Point(1, LONG), "Point(x=1, y=[0, 1, 2, 3, 4, 5, 6, 7, ... 992 more])"),
        (Row("a", LONG), "Row(name='a', sizes=[0, 1, 2, 3, 4, 5, 6, 7, ... 992 more])"),
        (Model(3, "hunter2"), "Model(depth=3)"),
        (Colour.RED, "Colour.RED"),
        (date(2026, 1, 31), "2026-01-31"),
        (PurePosixPath("a/b"), "Path('a/b')"),
        (Plain(), "<Plain object>"),
        (Broken(), "<Broken object (its repr failed)>"),
        ([Broken(), 1], "[<Broken object (its repr failed)>, 1]"),
        (Wordy(), r"Wordy(\n \n)"),
        (len, "<built-in function len>"),
        (short, "<function short>"),
        ("\x1b[31m\u202e", r"'\x1b[31m\u202e'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_in_one_line(value: object, expected: str) -> None:
    """Each kind of value has a short text that says what it is."""
    assert short(value) == expected


WORDS = ["affairs", "age", "yrs_married", "religious"]


@pytest.mark.parametrize(
    "value, expected",
    [
        (WORDS, "['affairs', 'age', ... 2 more]"),
        ({"a": 1, "b": WORDS}, "{'a': 1, 'b': ['affairs', ... 3 more]}"),
        ({"a": 1, "b": 2, "c": [10**30]}, "{'a': 1, 'b': 2, ... 1 more}"),
        ([10**19, "y" * 90], "[10000000000000000000, ... 1 more]"),
        (["y" * 90, 2], "['yyyyyyyyyy...yyyyyyyyyy', 2]"),
        ((1, "y" * 90), "(1, 'yyyyyyyyyyyyyyy...yyyyyyyyyyyyyyy')"),
    ],
    ids=["list", "nested", "dict", "torn", "first", "text"],
)
def test_a_container_is_cut_between_its_members(value: object, expected: str) -> None:
    """What does not fit is counted; only a text of which much is seen is cut inside."""
    assert short(value, 40) == expected


def test_list_that_holds_itself() -> None:
    """A container that holds itself has a short text too."""
    value: list[object] = []
    value.append(value)

    assert short(value) == "[[[[...]]]]"


def test_own_repr_is_cut() -> None:
    """A repr that a class writes itself is cut to the limit."""
    assert len(short(Verbose())) <= 80


@pytest.mark.parametrize("limit", [10, 40, 200])
def test_limit_is_kept(limit: int) -> None:
    """The text is never longer than the limit."""
    for value in ("a" * 500, LONG, {str(key): LONG for key in LONG}, Verbose(), Broken()):
        assert len(short(value, limit)) <= limit


@given(st.recursive(st.text() | st.integers() | st.binary(), st.lists, max_leaves=20))
def test_any_value_is_one_printable_line(value: object) -> None:
    """Whatever the value, the text is one bounded line without control characters."""
    text = short(value)

    assert len(text) <= 80
    assert text.isprintable()


def test_cost_does_not_grow_with_the_value() -> None:
    """A huge container is looked at for a few members only."""
    looked_at = 0

    class Counted:
        def __repr__(self) -> str:
            nonlocal looked_at
            looked_at += 1
            return "counted"

    short({"rows": [Counted() for _ in range(10000)]})

    assert looked_at < 50


def test_numpy_values() -> None:
    """An array is its type and shape, a number is itself."""
    numpy = pytest.importorskip("numpy")

    assert short(numpy.zeros((100, 3))) == "ndarray float64 (100, 3)"
    assert short([numpy.zeros(3)]) == "[ndarray float64 (3,)]"
    assert "1.5" in short(numpy.float64(1.5))


def test_pandas_values() -> None:
    """A frame is its shape, a series its type and length; a column may be called dtype."""
    pandas = pytest.importorskip("pandas")

    assert short(pandas.DataFrame({"dtype": [1], "shape": [2]})) == "DataFrame 1 x 2"
    assert short(pandas.Series([1, 2], dtype="int64")) == "Series int64 (2,)"


def test_frame_of_a_subclass() -> None:
    """A frame of a library that builds on pandas is a frame."""
    pandas: Any = pytest.importorskip("pandas")

    class GeoFrame(pandas.DataFrame):
        pass

    assert short(GeoFrame({"a": [1]})) == "GeoFrame 1 x 1"


def test_short_imports_nothing_heavy() -> None:
    """Describing values loads neither numpy nor pandas."""
    code = (
        "import sys; from pypedream.values import short; short([1, {}, object()]);"
        "print([name for name in ('numpy', 'pandas', 'polars') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert done.stdout.strip() == "[]"
