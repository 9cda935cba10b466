"""An identity that is asked for again is that of a new walk, whatever was changed meanwhile."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pypedream.store import code_identity
from pypedream.store.identity import stage_identity
from pypedream.store.remembered import _KEPT as KEPT
from pypedream.store.walk import Walk

OTHER = """
RATE = 1
NAMES = ["a"]
def deep(row):
    return row * RATE
def lazy(row):
    return row
"""
PROGRAM = """
import contextlib, functools
from collections import defaultdict
from dataclasses import dataclass
import others_module as other
RATE, CONFIG, SIZES = 2, {"a": [1, {"b": 2}]}, (1, (2, 3))
FLAGS, BYTES, ORDER = [1, "a", None], [b"ab"], {"a": 1, "b": 2}
log, slots, counts = [], [0, 0], defaultdict(int)
class Base:
    def run(self):
        return RATE
class Second:
    def run(self):
        return 2
class Model(Base):
    size, sizes = 1, [1]
    def fit(self):
        return self.size
    @property
    def x(self):
        return 1
    @staticmethod
    def y():
        return helper(1)
@dataclass
class Data:
    a: int = 1
    b: list = None
class Settings:
    def __init__(self):
        self.rate, self.unused = [1], 0
class Hooked:
    counts = [1]
    def __pypedream_hash__(self):
        return self.counts
config, hooked, data = Settings(), Hooked(), Data()
def helper(row, k=1):
    return row * RATE * k
def second(row, k=1):
    return row
TABLE = {"helper": helper, "kind": Model}
@functools.lru_cache
def cached(row):
    return helper(row)
@contextlib.contextmanager
def managed():
    yield CONFIG
@functools.singledispatch
def dispatched(row):
    return row
def layer(function):
    @functools.wraps(function)
    def wrapper(row):
        return function(row) + RATE
    return wrapper
@layer
def wrapped(row):
    return row
fixed = functools.partial(helper, 1, k=[2])
method = config.__init__
join = ",".join
def make(n, rows, inner):
    def stage(row, first=1, last=(1, [2]), *, k={"a": 1}):
        from others_module import lazy
        log.append(row)
        slots[0] = row
        counts[row] += 1
        with managed() as found:
            pass
        return (
            len(row), n, rows, inner, helper, Model, config.rate, hooked, other.deep,
            other.NAMES, cached, dispatched, wrapped, fixed, method, join, TABLE, SIZES, CONFIG,
            data, lazy, FLAGS, BYTES, ORDER, MORE,
        )
    return stage
stage = make(1, [1], lambda row: row)
"""
CELL = "stage.__closure__[stage.__code__.co_freevars.index('{}')].cell_contents"
EDITS = {
    "constant": "RATE += 1",
    "constant in place": "CONFIG['a'][1]['b'] += 1",
    "constant of another type": "RATE = float(RATE)",
    "constant of another type in place": "FLAGS[0] = True",
    "list in place of a tuple": "FLAGS = tuple(FLAGS)",
    "other bytes of the same content": "BYTES[0] = bytearray(b'ab')",
    "tuple": "SIZES = (*SIZES, 1)",
    "constant that was missing": "MORE = 1",
    "function by the name of a builtin": "def len(row): return row",
    "helper": "def helper(row, k=1): return row + k",
    "code of a helper": "helper.__code__ = second.__code__",
    "default of a helper": "helper.__defaults__ = (helper.__defaults__[0] + 1,)",
    "code": (
        "stage.__code__ = stage.__code__.replace(co_consts=(*stage.__code__.co_consts[:-1], 'z'))"
    ),
    "number of defaults": "stage.__defaults__ = (1, *stage.__defaults__)",
    "default": "stage.__defaults__ = (7, [2])",
    "default in place": "stage.__defaults__[-1][-1].append(3)",
    "keyword default": "stage.__kwdefaults__ = {'k': 3}",
    "captured number": f"{CELL.format('n')} += 1",
    "captured list in place": f"{CELL.format('rows')}.append(1)",
    "captured function": f"{CELL.format('inner')} = lambda row: -row",
    "constant of a class": "Model.size += 1",
    "constant of a class in place": "Model.sizes.append(1)",
    "method": "Model.fit = lambda self: 0",
    "new method": "Model.more = lambda self: 0",
    "method that is gone": "del Model.y",
    "property": "Model.x = property(lambda self: 2)",
    "code of a property": "Model.x.fget.__code__ = (lambda self: 3).__code__",
    "method of a base class": "Base.run = lambda self: 5",
    "base class": "Model.__bases__ = (Second,)",
    "default of a field": "Data.__dataclass_fields__['a'].default += 1",
    "attribute of an object": "config.rate = [2]",
    "attribute of an object in place": "config.rate.append(1)",
    "whole object": "data.b = [1]",
    "what a hook returns": "Hooked.counts.append(1)",
    "function of a module": "other.deep = second",
    "constant of a module in place": "other.NAMES.append('b')",
    "constant of a helper of a module": "other.RATE += 1",
    "function that is imported inside": "other.lazy = second",
    "module": "other = renewed(); other.RATE = 9",
    "cached function": "cached.__wrapped__.__code__ = second.__code__.replace(co_argcount=1)",
    "function in a table": "TABLE['helper'] = second",
    "function in a decorator of Python": (
        "managed.__wrapped__.__code__ = (lambda: (yield 1)).__code__"
    ),
    "function of a dispatch": "dispatched.register(int)(lambda row: -row)",
    "decorated function": "wrapped.__wrapped__.__code__ = (lambda row: -row).__code__",
    "argument of a partial in place": "fixed.keywords['k'].append(1)",
    "partial": "fixed = functools.partial(helper, 2, k=[2])",
    "object of a method": "method.__self__.unused = [1]",
    "object of a builtin method": "join = ';'.join",
    "length of a list whose entries are stored": "slots.append(1)",
    "factory of a container that is filled": "counts.default_factory = list",
}
NO_EDITS = {
    "nothing": "pass",
    "unused attribute": "other.unused = 1",
    "unused name": "unused = 1",
    "order of a dict": "ORDER = {'b': 2, 'a': 1}",
    "another list of the same": "FLAGS = FLAGS[:]",
    "contents of what is only filled": "log.append(1); slots[0] = 7; counts['a'] += 1",
}


def renewed() -> ModuleType:
    """Import the second module anew."""
    module = ModuleType("others_module")
    exec(OTHER, vars(module))
    sys.modules["others_module"] = module
    return module


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    """The variables of a program whose functions depend on a bit of everything."""
    yield program()
    sys.modules.pop("others_module", None)


def program() -> dict[str, Any]:
    renewed()
    names: dict[str, Any] = {"__name__": "__main__", "renewed": renewed}
    exec(compile(PROGRAM, "program.py", "exec"), names)
    return names


def walked(function: Any) -> tuple[str, dict[str, str]]:
    walk = Walk()
    walk.run(function)
    return walk.digest(), walk.parts


@pytest.mark.parametrize("name", EDITS)
def test_a_change_is_noticed(names: dict[str, Any], name: str) -> None:
    """What was remembered is given up when anything changes that counts."""
    before = code_identity(names["stage"])

    exec(EDITS[name], names)

    after = code_identity(names["stage"])
    assert (after.digest, after.parts) == walked(names["stage"])
    assert after != before


@pytest.mark.parametrize("name", NO_EDITS)
def test_what_does_not_count_does_not_matter(names: dict[str, Any], name: str) -> None:
    """Without a change that counts no walk is done: the very same identity is given."""
    before = code_identity(names["stage"])

    exec(NO_EDITS[name], names)

    assert code_identity(names["stage"]) is before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([*EDITS, *NO_EDITS]), min_size=1, max_size=8))
def test_what_is_remembered_is_what_a_new_walk_finds(edits: list[str]) -> None:
    """After any edits in any order."""
    names = program()
    for name in edits:
        try:
            exec(EDITS.get(name, NO_EDITS.get(name, "")), names)
        except (AttributeError, TypeError, ValueError):
            continue  # an edit before has taken away what this one edits
        found = code_identity(names["stage"])
        assert (found.digest, found.parts) == walked(names["stage"])
    sys.modules.pop("others_module", None)


def test_a_simple_function_is_remembered_with_what_is_added() -> None:
    """Variables of the environment are looked up each time."""
    names: dict[str, Any] = {}
    exec("def stage(a):\n    return a", names)
    environ = {"RATE": "1"}

    before = stage_identity(names["stage"], env=["RATE"], environ=environ)
    assert stage_identity(names["stage"], env=["RATE"], environ=environ) == before
    environ["RATE"] = "2"
    assert stage_identity(names["stage"], env=["RATE"], environ=environ) != before


def test_functions_that_nobody_uses_are_forgotten() -> None:
    """Ten thousand functions that are gone leave nothing behind, whatever they refer to."""

    def make(number: int) -> Any:
        names = {"number": number, "table": {}}
        exec("def g(a): return f(a)\ndef f(a, b=[g]): return g, number, table", names)
        names["table"] = {"f": names["f"]}
        return names["f"]

    code_identity(make(0))
    gc.collect()
    before = len(KEPT), len(gc.get_objects())
    for number in range(10_000):
        code_identity(make(number))
    gc.collect()

    assert len(KEPT) <= before[0]
    assert len(gc.get_objects()) < before[1] + 1_000
