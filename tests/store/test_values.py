from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import UnhashableInput
from pypedream.parameters import Secret
from pypedream.store.values import hash_file, hash_value


class Colour(Enum):
    RED = 1
    BLUE = 2


class Size(IntEnum):
    ONE = 1


@attrs.define
class Item:
    size: int = 1
    name: str = "a"


@dataclasses.dataclass
class Row:
    size: int = 1
    name: str = "a"


class Point(NamedTuple):
    size: int = 1
    name: str = "a"


Other = namedtuple("Other", "size name")


class Names(list[str]):
    pass


class Hooked:
    def __init__(self, counts: int, ignored: int) -> None:
        self.counts, self.ignored = counts, ignored

    def __pypedream_hash__(self) -> object:
        return self.counts


class Plain:
    def __init__(self, content: object) -> None:
        self.content = content


ZONE = ZoneInfo("UTC")
MOMENT = dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC)

# Groups of values of which each has to have a digest of its own.
DIFFERENT: dict[str, list[Any]] = {
    "numbers": [1, 1.0, True, "1", b"1", 1 + 0j, Decimal(1), Fraction(1), Size.ONE, None],
    "zeros": [0, 0.0, -0.0, False, "", b"", None],
    "empty": [
        "",
        b"",
        [],
        {},
        (),
        set(),
        frozenset(),
        bytearray(),
        deque(),
        OrderedDict(),
        range(0),
    ],
    "sequences": [[1, 2], (1, 2), {1, 2}, frozenset({1, 2}), deque([1, 2]), {1: 2}, range(1, 3)],
    "nesting": [[1, [2]], [[1], 2], [1, 2], [[1, 2]], [1, 2, []], [[], 1, 2]],
    "borders": [["ab", "c"], ["a", "bc"], ["abc"], ["a", "b", "c"], ["abc", ""]],
    "tags": ["int=1:1", b"int=1:1", 1, ["int", 1]],
    "none": [None, "None", "", [None], ...],
    "order of lists": [[1, 2], [2, 1]],
    "keys": [{1: "a"}, {1.5: "a"}, {"1": "a"}, {True: "a"}],
    "floats": [0.1, 0.1 + 2**-56, float("nan"), float("inf"), float("-inf"), 5e-324],
    "big numbers": [2**64, 2**64 + 1, -(2**64), float(2**64)],
    "moments": [
        MOMENT,
        MOMENT.replace(tzinfo=None),
        MOMENT.astimezone(dt.timezone(dt.timedelta(hours=1))),
        MOMENT.date(),
        MOMENT.time(),
        MOMENT.replace(microsecond=1),
        MOMENT.isoformat(),
        dt.timedelta(1),
    ],
    "enums": [Colour.RED, Colour.BLUE, 1, "RED", Size.ONE],
    "records": [Item(), Row(), Point(), Other(1, "a"), (1, "a"), {"size": 1, "name": "a"}],
    "fields": [Item(1), Item(2), Item(1, "b"), Item(1.0)],  # type: ignore[arg-type]
    "derived": [Names(["a"]), ["a"], Names(["b"])],
    "paths": [Path("a/b"), Path("a/c"), "a/b"],
    "slices": [slice(1), slice(1, None, 2), slice(0, 1), (None, 1, None)],
    "ranges": [range(3), range(0, 3, 2), [0, 1, 2], range(4)],
    "identifiers": [uuid.UUID(int=1), uuid.UUID(int=2), 1],
    "secrets": [Secret("a"), Secret("b"), "a", Secret(b"a")],
    "patterns": [re.compile("a"), re.compile("a", re.IGNORECASE), re.compile(b"a"), "a"],
    "decimals": [Decimal("1"), Decimal("1.1"), Decimal("-1"), Decimal("NaN"), Decimal("Infinity")],
    "partials": [functools.partial(max, 1), functools.partial(max, 2), functools.partial(min, 1)],
    "functions": [lambda row: row + 1, lambda row: row + 2, len, max, [].append, "".join],
    "classes": [Item, Row, Point, int, float],
    "types": [list[int], list[str], int | str, int | None, int],
    "counts": [Counter("aab"), Counter("ab"), {"a": 2, "b": 1}, defaultdict(int, a=2, b=1)],
    "orders": [OrderedDict(a=1, b=2), OrderedDict([("b", 2), ("a", 1)]), {"a": 1, "b": 2}],
    "hooks": [Hooked(1, 0), Hooked(2, 0), 1],
    "long text": ["a" * 10_000, "a" * 9_999 + "b", b"a" * 10_000, ["a" * 10_000]],
}

SAME: dict[str, tuple[Any, Any]] = {
    "order of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "order of a set": ({"a", "b", "c"}, {"c", "b", "a"}),
    "mixed keys": ({1: 0, "1": 0, None: 0}, {None: 0, "1": 0, 1: 0}),
    "set of tuples": ({(1, "a"), (2, "b")}, {(2, "b"), (1, "a")}),
    "nan": (float("nan"), -float("nan")),
    "digits of a decimal": (Decimal("1.0"), Decimal("1.000")),
    "big decimals": (Decimal("1e3"), Decimal(1000)),
    "fractions": (Fraction(2, 4), Fraction(1, 2)),
    "defaults": (Item(), Item(1, "a")),
    "ranges": (range(0, 3, 2), range(0, 4, 2)),
    "kinds of paths": (Path("a/b"), PurePosixPath("a/b")),
    "text that is one object": (["ab" * 2] * 2, ["abab", "".join(["ab", "ab"])]),
    "zones": (
        dt.datetime(2024, 1, 1, tzinfo=ZONE),
        dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")),
    ),
    "unions": (int | str, str | int),
    "hooks": (Hooked(1, 0), Hooked(1, 5)),
    "secret in a secret": (Secret("a"), Secret(Secret("a"))),
    "functions": (lambda row: row + 1, lambda row: row + 1),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_values_have_different_digests(name: str) -> None:
    """Values of different types or content are told apart, alone and in a list."""
    values = DIFFERENT[name]
    digests = [hash_value(value) for value in values]

    assert len(set(digests)) == len(values)
    assert len({hash_value([value]) for value in values}) == len(values)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


@pytest.mark.parametrize("name", SAME)
def test_equal_values_have_equal_digests(name: str) -> None:
    """Values that are equal for their user are one."""
    first, second = SAME[name]

    assert hash_value(first) == hash_value(second)


STABLE = """
import sys, json
from tests.store import test_values as values
found = {}
for name, each in values.DIFFERENT.items():
    found[name] = [values.hash_value(value) for value in each]
for name, pair in values.SAME.items():
    found["same " + name] = values.hash_value(pair[0])
print(json.dumps(found))
"""


def test_digests_are_the_same_in_every_process(tmp_path: Path) -> None:
    """Neither PYTHONHASHSEED nor the working directory counts."""
    said = set()
    for seed in range(5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        environment = {
            **os.environ,
            "PYTHONHASHSEED": str(seed),
            "PYTHONPATH": os.pathsep.join(_roots()),
        }
        done = subprocess.run(
            [sys.executable, "-c", STABLE],
            check=True,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        said.add(done.stdout)

    assert len(said) == 1
    assert len(json.loads(said.pop())) == len(DIFFERENT) + len(SAME)


def _roots() -> list[str]:
    return [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]


def test_a_digest_is_what_it_was_when_this_was_written() -> None:
    """What is kept on disk is found again: a change of these digests needs a new version tag."""
    assert hash_value([1, "a", None, {"b": 2.5}]) == KEPT


KEPT = "37778a084df2cf04b8a4a7cd60a62c185d592c01cf193a53ac277101427855a5"


def test_a_value_that_contains_itself_has_no_digest() -> None:
    """A circle is an error that names the type, and no endless loop."""
    rows: list[Any] = [1]
    rows.append({"rows": rows})

    with pytest.raises(UnhashableInput, match=r"builtins\.list contains itself") as caught:
        hash_value(rows)
    assert caught.value.kind is list
    assert isinstance(caught.value, TypeError)


def test_one_object_at_many_places_is_no_circle() -> None:
    """A value is read once however often it is referred to."""
    shared: list[Any] = [1]
    copied: list[Any] = [1]
    for _ in range(60):  # 2**60 entries
        shared = [shared, shared]
    for _ in range(8):
        copied = [copied, json.loads(json.dumps(copied))]

    assert hash_value(shared) != hash_value(shared[0])
    assert hash_value(copied) == hash_value(json.loads(json.dumps(copied)))


def test_what_is_nested_too_deeply_is_an_error() -> None:
    """A value deeper than Python's stack is refused in one line."""
    rows: list[Any] = []
    for _ in range(100_000):
        rows = [rows]

    with pytest.raises(UnhashableInput, match="nested too deeply"):
        hash_value(rows)


def test_an_unknown_type_counts_by_its_content_and_warns_once() -> None:
    """Pickle takes an unknown object apart; the order of a set in it does not count."""
    with pytest.warns(UserWarning, match=r"Plain counts by what pickle makes of it"):
        first = hash_value(Plain({"a", "b", "c"}))

    assert hash_value(Plain({"c", "b", "a"})) == first
    assert hash_value(Plain({"c", "b"})) != first


def test_an_unknown_type_is_an_error_if_asked_for() -> None:
    """In strict mode nothing is guessed."""
    with pytest.raises(UnhashableInput, match=r"Plain is of a type .* __pypedream_hash__"):
        hash_value([Plain(1)], strict=True)


def test_what_cannot_be_taken_apart_is_an_error() -> None:
    """Nothing is made of an address."""
    with pytest.raises(UnhashableInput, match=r"_thread\.lock cannot be taken apart"):
        hash_value({"lock": threading.Lock()})


def test_a_secret_is_not_shown_in_an_error() -> None:
    """What is in a secret is written nowhere."""
    secret = Secret(["hunter2", threading.Lock()])

    with pytest.raises(UnhashableInput) as caught:
        hash_value(secret)
    assert "hunter2" not in str(caught.value)


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    """The digest of a file is its sha256; a path alone is only text."""
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n")

    before = hash_value(path)
    assert hash_file(path) == hashlib.sha256(b"a,b\n").hexdigest()
    path.write_bytes(b"c,d\n")
    assert hash_value(path) == before
    with pytest.raises(FileNotFoundError, match="missing"):
        hash_file(tmp_path / "missing")


def test_pydantic_models_count_by_class_and_fields() -> None:
    """Defaults count like values that were given."""
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        size: int = 1

    class Extra(pydantic.BaseModel, extra="allow"):
        size: int = 1

    assert hash_value(Model()) == hash_value(Model(size=1))
    assert hash_value(Model()) != hash_value(Model(size=2))
    assert hash_value(Extra(other=1)) != hash_value(Extra(other=2))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4),
        st.frozensets(st.integers() | st.text(max_size=3), max_size=4),
    ),
    max_leaves=10,
)


def written(value: Any) -> str:
    """Write a value so that two are written alike if and only if they are the same."""
    if isinstance(value, dict):
        return str(sorted((written(key), written(each)) for key, each in value.items()))
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(written, value))}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + str([written(each) for each in value])
    return f"{type(value).__name__} {value!r}"


@given(VALUES, VALUES)
def test_digests_are_equal_if_and_only_if_values_are(first: Any, second: Any) -> None:
    """No two values that differ in type or content share a digest."""
    assert (hash_value(first) == hash_value(second)) == (written(first) == written(second))


@given(st.dictionaries(st.text() | st.integers(), VALUES), st.randoms(use_true_random=False))
def test_the_order_of_a_dict_does_not_count(content: dict[Any, Any], random: Any) -> None:
    """A dict that was filled in another order is the same."""
    items = list(content.items())
    random.shuffle(items)

    assert hash_value(dict(items)) == hash_value(content)


@given(
    st.lists(st.text() | st.integers() | st.tuples(st.text())), st.randoms(use_true_random=False)
)
def test_the_order_of_a_set_does_not_count(members: list[Any], random: Any) -> None:
    """A set that was filled in another order is the same."""
    mixed = list(members)
    random.shuffle(mixed)

    assert hash_value(set(mixed)) == hash_value(set(members))
