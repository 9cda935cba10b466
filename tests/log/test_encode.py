import collections
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import sys
import types
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.context import Attempt
from pypedream.log.encode import DEEPEST, LONGEST_REPR, MOST_TEXT, plain, quoted, safe_encode
from pypedream.log.event_log import EventLog
from pypedream.log.json_lines import lines_of


class Raises:
    """Its repr raises what it was made with."""

    def __init__(self, error):
        self._error = error

    def __repr__(self):
        raise self._error


class LongRepr:
    def __repr__(self):
        return "x" * 1_000_000


class NoTextRepr:
    def __repr__(self):
        return 3


class EndlessRepr:
    def __repr__(self):
        return repr(self)


class ClassLies:
    @property
    def __class__(self):
        raise RuntimeError("no class")


class EverythingRaises:
    def __getattribute__(self, name):
        raise RuntimeError(name)


class EndlessItems(dict):
    def items(self):
        while True:
            yield "a", 1


class EndlessMapping(collections.abc.Mapping):
    def __getitem__(self, key):
        return 1

    def __iter__(self):
        number = 0
        while True:
            yield number
            number += 1

    def __len__(self):
        return 2**40


class LyingLength(list):
    def __len__(self):
        raise RuntimeError("no length")


class EndlessList(list):
    def __iter__(self):
        while True:
            yield 1


class LoudText(str):
    def __str__(self):
        raise RuntimeError("no text")

    def __len__(self):
        raise RuntimeError("no length")

    __slots__ = ()


class LoudInt(int):
    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __repr__
    __int__ = __repr__


class LoudFloat(float):
    def __repr__(self):
        raise RuntimeError("no repr")

    __float__ = __repr__


class NamelessType(type):
    @property
    def __name__(cls):
        raise RuntimeError("no name")


class Nameless(metaclass=NamelessType):
    def __repr__(self):
        raise RuntimeError("no repr")


class UnhashableLater:
    def __init__(self):
        self.is_hashable = True

    def __hash__(self):
        if not self.is_hashable:
            raise RuntimeError("no hash")
        return 1


class FakeShape:
    shape = (10**9, 10**9)


class LyingShape:
    @property
    def shape(self):
        raise RuntimeError("no shape")


class Color(enum.Enum):
    RED = 1


class Size(enum.IntEnum):
    LARGE = 3


Point = collections.namedtuple("Point", "x y")


def cycle():
    value = [1]
    value.append(value)
    return value


def dict_cycle():
    value = {}
    value["me"] = value
    return value


def mutual():
    one, other = {}, []
    one["other"] = other
    other.append(one)
    return one


def deep(levels):
    value = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def late_hash():
    key = UnhashableLater()
    value = {key: 1}
    key.is_hashable = False
    return value


HOSTILE = {
    "surrogate": "\ud800",
    "surrogate pair in halves": "\ud83d\ude00 \ude00\ud83d",
    "escaped bytes": b"\xff\xfe caf\xe9".decode("utf-8", "surrogateescape"),
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei",
    "newlines": "a\nb\r\nc\rd",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "escape sequence": "\x1b]0;title\x07\x1b[2J",
    "bidi": "\u202eevil\u202c",
    "forged line": 'x"}\n{"ts":"2000-01-01T00:00:00Z","run":"forged',
    "script": "</script><script>alert(1)</script>",
    "quotes": '"\'`\\\\"',
    "emoji": "\U0001f469\u200d\U0001f680",
    "noncharacter": "\uffff\ufffe\U0010ffff",
    "null": "\x00",
    "long text": "x" * 10_000_000,
    "long wide text": "é" * 1_000_000,
    "nan": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "minus zero": -0.0,
    "smallest float": 5e-324,
    "65 bits": 2**64,
    "minus 65 bits": -(2**64),
    "huge integer": 10**5000,
    "huger integer": 1 << 1_000_000,
    "complex": complex(1, math.nan),
    "decimal": decimal.Decimal("NaN"),
    "fraction": fractions.Fraction(1, 3),
    "bytes": b"\x00\xff",
    "many bytes": b"\xff" * 50_000_000,
    "bytearray": bytearray(b"abc"),
    "memoryview": memoryview(b"abc"),
    "list cycle": cycle(),
    "dict cycle": dict_cycle(),
    "mutual cycle": mutual(),
    "deep list": deep(100_000),
    "deeper than the limit": deep(DEEPEST + 1),
    "deep dict": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}},
    "tuple key": {(1, 2): 3},
    "integer key": {1: "a", "1": "b"},
    "boolean key": {True: "a", "true": "b"},
    "none key": {None: 1},
    "nan key": {math.nan: 1},
    "bytes key": {b"a": 1},
    "surrogate key": {"\ud800": 1},
    "long key": {"k" * 1_000_000: 1},
    "frozenset key": {frozenset([1]): 1},
    "key that raises": {Raises(ValueError("no")): 1},
    "key without a hash later": late_hash(),
    "key called coerced": {"coerced": "no"},
    "set": {1, 2, 3},
    "set of mixed types": {1, "a", None},
    "many items": list(range(1_000_000)),
    "many keys": {f"k{number}": number for number in range(100_000)},
    "wide and deep": [[[[["x" * 100] * 30] * 30] * 30] * 30],
    "generator": (number for number in range(3)),
    "range": range(10**12),
    "iterator": iter([1, 2]),
    "repr raises": Raises(ValueError("no")),
    "repr raises without a text": Raises(type("Odd", (Exception,), {"__str__": None})()),
    "repr leaves": Raises(SystemExit(3)),
    "repr ends a generator": Raises(GeneratorExit()),
    "repr out of memory": Raises(MemoryError()),
    "long repr": LongRepr(),
    "repr is no text": NoTextRepr(),
    "endless repr": EndlessRepr(),
    "class raises": ClassLies(),
    "everything raises": EverythingRaises(),
    "nameless type": Nameless(),
    "endless items": EndlessItems(a=1),
    "endless mapping": EndlessMapping(),
    "list without a length": LyingLength([1, 2]),
    "endless list": EndlessList([1, 2]),
    "text that raises": LoudText("abc"),
    "integer that raises": LoudInt(3),
    "float that raises": LoudFloat(1.5),
    "shape without a value": FakeShape(),
    "shape that raises": LyingShape(),
    "function": lambda: None,
    "class": dict,
    "module": math,
    "exception": ValueError("no\nnewline"),
    "frame": sys._getframe(),
    "namespace": types.SimpleNamespace(a=1),
    "proxy": types.MappingProxyType({"a": 1}),
    "ordered": collections.OrderedDict(a=1),
    "default": collections.defaultdict(list, a=[1]),
    "counter": collections.Counter("aab"),
    "deque": collections.deque([1, 2]),
    "named tuple": Point(1, 2),
    "enum": Color.RED,
    "integer enum": Size.LARGE,
    "date": datetime.date(2026, 11, 21),
    "time with zone": datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC),
    "path": pathlib.PurePosixPath("/a/b"),
    "uuid": uuid.UUID(int=5),
    "ellipsis": ...,
    "not implemented": NotImplemented,
    "object": object(),
}
hostile = pytest.mark.parametrize("name", HOSTILE)  # pytest itself does not stand the values


def strict(text):
    """Read JSON as a strict reader does: no NaN, no half of a surrogate pair."""

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    value = json.loads(text, parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def test_there_are_enough_hostile_values():
    """The catalogue below is the promise: sixty kinds of values or more."""
    assert len(HOSTILE) >= 60


@hostile
def test_any_value_becomes_strict_json(name):
    """Whatever a value does, its object is JSON on one line, in ASCII, of a bounded size."""
    text = safe_encode({"value": HOSTILE[name], "after": 1})

    assert strict(text)["after"] == 1
    assert text.isascii()
    assert text.split("\n") == text.splitlines() == [text]
    assert len(text) < 8 * MOST_TEXT


@hostile
@pytest.mark.parametrize("place", ["data", "event", "item", "input", "mapping"])
def test_any_value_in_any_place_of_a_line(name, place):
    """A line is one line of JSON wherever the value is: data, text, item or logged input."""
    value = HOSTILE[name]
    log = EventLog("run-1")
    attempt = Attempt(log, "load")
    attempt.item = value if place == "item" else None
    attempt.data = {"value": value} if place == "input" else None
    data = {"data": {"value": value}, "mapping": value if issubclass(type(value), dict) else None}
    event = value if place == "event" else "text"
    log.records.append((1, log.start_ns, attempt, "log", "info", event, None, data.get(place)))

    (line,) = lines_of(log.records, log)

    assert line.split("\n") == [*line.splitlines(), ""]
    assert len(line.splitlines()) == 1
    assert strict(line)["seq"] == 1


@pytest.mark.parametrize(
    "value",
    [1, -1.5, "text", "é", True, None, [1, "a", None], {"a": {"b": [True]}}, 2**64 - 1, -(2**63)],
    ids=repr,
)
def test_what_json_can_hold_stays_what_it_is(value):
    """Plain values come back as they were, and there is no mark."""
    assert strict(safe_encode({"value": value})) == {"value": value}


@pytest.mark.parametrize(
    "value, expected",
    [
        ((1, 2), [1, 2]),
        (Point(1, 2), [1, 2]),
        (Size.LARGE, 3),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
    ],
    ids=repr,
)
def test_what_has_a_json_form_gets_it(value, expected):
    """Tuples and subclasses are what they stand for, without a mark."""
    assert strict(safe_encode({"value": value})) == {"value": expected}


@pytest.mark.parametrize(
    "name, expected",
    [
        ("nan", "nan"),
        ("minus infinity", "-inf"),
        ("65 bits", "18446744073709551616"),
        ("huge integer", "<int of 16610 bits>"),
        ("bytes", "b'\\x00\\xff'"),
        ("surrogate", "\\ud800"),
        ("set", [1, 2, 3]),
        ("date", "2026-11-21"),
        ("path", "/a/b"),
        ("enum", "Color.RED"),
        ("tuple key", {"[1,2]": 3}),
        ("none key", {"null": 1}),
        ("proxy", {"a": 1}),
        ("repr raises", "<Raises: ValueError in its repr>"),
        ("endless repr", "<EndlessRepr: RecursionError in its repr>"),
        ("list cycle", [1, "<cycle>"]),
    ],
)
def test_what_json_cannot_hold_becomes_text_and_is_marked(name, expected):
    """The reader sees something useful, and that it is not the value itself."""
    assert strict(safe_encode({"value": HOSTILE[name]})) == {"value": expected, "coerced": True}


def test_a_key_that_becomes_another_key_does_not_replace_it():
    """1 and "1" are two keys for Python, and stay two."""
    assert plain({"a": {1: "x", "1": "y"}})["a"] == {"1": "x", "1_": "y"}


def test_what_is_too_deep_is_named():
    """Below the deepest level there is a word for what was there."""
    text = safe_encode({"value": deep(100)})

    assert '"<list of 1>"' in text
    assert strict(text)["coerced"] is True


def test_what_is_too_long_is_cut():
    """A repr may take 8 KiB, a text 64; how long it was is said."""
    data = strict(safe_encode({"repr": LongRepr()}))
    text = strict(safe_encode({"text": "x" * 1_000_000}))

    assert data["repr"].endswith("... (1000000 characters)")
    assert len(data["repr"]) < LONGEST_REPR + 40
    assert len(text["text"]) < MOST_TEXT + 40


def test_what_is_too_many_is_counted():
    """A long list is broken off, and the number of the rest is said."""
    values = strict(safe_encode({"values": list(range(100_000))}))["values"]

    assert values[:3] == [0, 1, 2]
    assert values[-1] == f"... {100_000 - len(values) + 1} more"


def test_a_generator_is_not_consumed():
    """To log a generator takes nothing from it."""
    generator = (number for number in range(3))

    safe_encode({"value": generator})

    assert list(generator) == [0, 1, 2]


def test_ctrl_c_in_a_repr_is_the_users():
    """KeyboardInterrupt is not swallowed."""
    with pytest.raises(KeyboardInterrupt):
        safe_encode({"value": Raises(KeyboardInterrupt())})


def test_the_data_is_not_changed():
    """Encoding leaves the values as they are."""
    data = {"a": {1: [math.nan]}, "password": "hunter2"}

    safe_encode(data)

    assert list(data) == ["a", "password"]
    assert list(data["a"]) == [1]
    assert data["password"] == "hunter2"


def test_secret_names_hide_their_values_at_any_depth():
    """A value under a name that says so is hidden, whatever its type."""
    data = {"password": 1234, "db": {"api_key": ["a"], "user": "me"}, "list": [{"token": b"x"}]}

    assert strict(safe_encode(data)) == {
        "password": "***",
        "db": {"api_key": "***", "user": "me"},
        "list": [{"token": "***"}],
    }


@given(st.text())
def test_quoted_text_is_ascii_and_comes_back(text):
    """Every text without half a surrogate pair survives."""
    line = quoted(text)

    assert line.isascii()
    assert line.splitlines() == [line]
    assert json.loads(line) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner, max_size=4)
        | st.tuples(inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values, max_size=6))
def test_plain_data_is_what_is_written(data):
    """`plain` and `safe_encode` agree, and encoding twice changes nothing but the mark."""
    text = safe_encode(data)

    assert strict(text) == plain(data)
    assert strict(safe_encode(plain(data))) == plain(data)
