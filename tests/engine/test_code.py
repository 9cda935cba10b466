from __future__ import annotations

import functools
import itertools
import json
import sys
from decimal import Decimal
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.engine.code import changes, code_state, same_code

_CELLS = itertools.count(1)


class Notebook:
    """One module in which cells of code are run."""

    def __init__(self, name: str = "notebook_under_test") -> None:
        self.module = ModuleType(name)
        self.names: dict[str, Any] = vars(self.module)

    def run(self, text: str) -> None:
        file = f"<cell {next(_CELLS)}>"
        exec(compile(dedent(text), file, "exec", dont_inherit=True), self.names)

    def changes(self, first: str, second: str) -> list[str]:
        """Run two cells and say what the second one changed of the function ``stage``."""
        self.run(first)
        before = code_state(self.names["stage"])
        self.run(second)
        return changes(before, code_state(self.names["stage"]))


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, notebook.module.__name__, notebook.module)
    return notebook


CELL = """
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache, partial, wraps
import attrs

LIMIT = 3
RATE = 0.5
NAMES = ("a", ("b", 1))
CONFIG = {"columns": ["a", "b"]}

class Colour(Enum):
    RED = 1
    BLUE = 2

@dataclass
class Row:
    size: int = 1
    def double(self):
        return self.size * 2

@attrs.define
class Item:
    size: int = 1
    @property
    def half(self):
        return self.size / 2
    @staticmethod
    def of(text):
        return Item(int(text))

class Cleaner:
    unit = "kg"
    @cached_property
    def doubled(self):
        return self.factor * 2
    def __init__(self, factor):
        self.factor = factor
    def __call__(self, rows):
        return self.scaled(rows)
    def scaled(self, rows):
        return [row * self.factor for row in rows]

def noisy(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        print("calling")
        return function(*args, **kwargs)
    return wrapper

def innermost(row):
    return row + 1

def inner(row):
    return innermost(row) * RATE

@noisy
def decorated(row):
    return row - 1

@lru_cache
def cached(row):
    return row // 2

def recursive(rows):
    return rows and recursive(rows[1:])

shorter = partial(inner, 1)

def make(power):
    def powered(row, shift=0):
        return row ** power + shift
    return powered

squared = make(2)

def stage(rows, limit=10, *, options=None, key=lambda row: row):
    '''Clean rows.'''
    for row in rows:
        if row < LIMIT and Colour.RED:
            yield [inner(value) for value in row]
    try:
        decorated(rows), cached(rows), recursive(rows), squared(rows), shorter()
    except ValueError:
        return (lambda value: value in {1, 2}, NAMES, CONFIG)
    return Row(), Item(), Cleaner(2), key(rows), 1.5, "text", -1, None
"""

EDITS = {
    "body": ("row < LIMIT", "row > LIMIT", ["function stage"]),
    "number": ("1.5", "2.5", ["function stage"]),
    "number of another type": ('"text", -1', '"text", -1.0', ["function stage"]),
    "numbers of one hash": ('"text", -1', '"text", -2', ["function stage"]),
    "text": ('"text"', '"other"', ["function stage"]),
    "attribute": ("Colour.RED:", "Colour.BLUE:", ["function stage"]),
    "argument name": ("stage(rows, limit", "stage(rows, most", ["function stage"]),
    "nested lambda": ("{1, 2}", "{1, 3}", ["function stage"]),
    "comprehension": ("[inner(value) for", "[inner(value + 1) for", ["function stage"]),
    "caught exception": ("ValueError", "KeyError", ["function stage"]),
    "default": ("limit=10", "limit=11", ["default of limit"]),
    "keyword default": ("options=None", "options=[1]", ["default of options"]),
    "default function": ("key=lambda row: row", "key=lambda row: -row", ["default of key"]),
    "helper": ("innermost(row) * RATE", "innermost(row) + RATE", ["helper inner"]),
    "helper of a helper": ("row + 1", "row + 2", ["helper innermost"]),
    "constant": ("LIMIT = 3", "LIMIT = 4", ["constant LIMIT"]),
    "constant of another type": ("LIMIT = 3", "LIMIT = 3.0", ["constant LIMIT"]),
    "constant of a helper": ("RATE = 0.5", "RATE = 0.6", ["constant RATE"]),
    "tuple": ('("b", 1)', '("b", True)', ["constant NAMES"]),
    "list in a dict": ('["a", "b"]', '["a", "c"]', ["constant CONFIG"]),
    "enum": ("RED = 1", "RED = 3", ["constant Colour.RED"]),
    "decorator": ('"calling"', '"now calling"', ["helper decorated"]),
    "decorated function": ("row - 1", "row - 2", ["helper decorated"]),
    "cached function": ("row // 2", "row // 3", ["helper cached"]),
    "recursive function": ("rows and", "rows or", ["helper recursive"]),
    "closure": ("make(2)", "make(3)", ["captured value power in squared"]),
    "code of a closure": ("power + shift", "power - shift", ["helper squared"]),
    "default of a helper": ("shift=0", "shift=1", ["default of shift in squared"]),
    "argument of a partial": ("(inner, 1)", "(inner, 2)", ["argument 1 in shorter"]),
    "method": ("self.size * 2", "self.size * 3", ["method Row.double"]),
    "property": ("self.size / 2", "self.size / 4", ["method Item.half"]),
    "static method": ("int(text)", "int(text) + 1", ["method Item.of"]),
    "cached property": ("factor * 2", "factor * 3", ["method Cleaner.doubled"]),
    "default of a dataclass field": (
        "class Row:\n    size: int = 1",
        "class Row:\n    size: int = 2",
        ["constant Row.size", "default of size in Row.__init__"],
    ),
    "default of an attrs field": (
        "class Item:\n    size: int = 1",
        "class Item:\n    size: int = 2",
        ["default of size in Item.__init__"],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_change_is_named(notebook: Notebook, name: str) -> None:
    """Whatever a function depends on in its own notebook is seen, and said by name."""
    old, new, expected = EDITS[name]
    assert CELL.count(old) == 1

    assert notebook.changes(CELL, CELL.replace(old, new)) == expected


NO_EDITS = {
    "nothing": ("", ""),
    "lines": ("def stage", "\n\n# a comment\n\ndef stage"),
    "comment": ("for row in rows:", "for row in rows:  # a comment"),
    "layout": ("row < LIMIT", "(row\n            < LIMIT)"),
    "docstring": ("'''Clean rows.'''", "'''Clean the rows.'''"),
    "no docstring": ("'''Clean rows.'''", ""),
    "annotations": ("(rows, limit=10", "(rows: list, limit: int = 10"),
    "future": ("from dataclasses", "from __future__ import annotations\nfrom dataclasses"),
    "something else": ("LIMIT = 3", "LIMIT = 3\nOTHER = 1\ndef other(): ..."),
    "what is not used": ("LIMIT = 3", "def unused():\n    return 1\nLIMIT = 3"),
}


@pytest.mark.parametrize("name", NO_EDITS)
def test_what_does_not_change_the_work_does_not_count(notebook: Notebook, name: str) -> None:
    """A cell that is run again, reformatted or documented leaves its functions as they were."""
    old, new = NO_EDITS[name]

    assert notebook.changes(CELL, CELL.replace(old, new, 1)) == []
    assert notebook.changes(CELL.replace(old, new, 1), CELL) == []


OBJECTS = {
    "nothing": ("", "", []),
    "attribute": ("Cleaner(4)", "Cleaner(5)", ["attribute factor"]),
    "method": ("self.scaled(rows)", "self.scaled(rows[1:])", ["method Cleaner.__call__"]),
    "attribute of the class": ('unit = "kg"', 'unit = "g"', ["constant Cleaner.unit"]),
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("made", ["Cleaner(4)", "Cleaner(4).scaled"])
def test_objects_are_compared_by_class_and_attributes(
    notebook: Notebook, made: str, name: str
) -> None:
    """An object that is made again is the same as long as its class and attributes are."""
    old, new, expected = OBJECTS[name]
    cell = f"{CELL}\nstage = {made}"

    assert notebook.changes(cell, cell.replace(old, new)) == expected


def test_the_method_of_an_object_is_a_function(notebook: Notebook) -> None:
    """A bound method as a stage is named by the method."""
    cell = f"{CELL}\nstage = Cleaner(4).scaled"

    assert notebook.changes(cell, cell.replace("row * self", "row / self")) == ["function scaled"]


def test_a_class_can_be_a_stage(notebook: Notebook) -> None:
    """The methods of a class are the code of a stage that makes instances of it."""
    cell = f"{CELL}\nstage = Cleaner"

    assert notebook.changes(cell, cell) == []
    assert notebook.changes(cell, cell.replace("= factor", "= -factor")) == [
        "method Cleaner.__init__"
    ]


@pytest.mark.parametrize(
    "made",
    ["partial(stage, 1, limit=2)", "noisy(stage)", "lru_cache(stage)", "noisy(noisy(stage))"],
)
def test_layers_around_a_function_are_seen_through(notebook: Notebook, made: str) -> None:
    """A decorated function is the same when its cell is run again, and only then."""
    cell = f"{CELL}\nstage = {made}"

    assert notebook.changes(cell, cell) == []
    assert notebook.changes(cell, cell.replace("row < LIMIT", "row > LIMIT")) in (
        ["function stage"],
        ["helper stage"],
    )


def test_arguments_of_a_partial_are_named(notebook: Notebook) -> None:
    """What a partial fills in is a part of the function."""
    cell = f"{CELL}\nstage = partial(stage, [1], limit=2)"

    assert notebook.changes(cell, cell.replace("[1], limit=2", "[2], limit=3")) == [
        "argument 1",
        "argument limit",
    ]


def test_a_helper_that_appears_is_a_change(notebook: Notebook) -> None:
    """What was missing when the run failed is there now: the stage has to run again."""
    found = notebook.changes("def stage():\n    return missing()", "def missing(): ...")

    assert found == ["helper missing"]


def test_functions_of_one_name_are_kept_apart(notebook: Notebook) -> None:
    """Several helpers may be called alike: a change of any of them is seen."""
    cell = """
    def make(first, second):
        return lambda row: first(row) + second(row)
    stage = make(lambda row: row + 1, lambda row: row + 2)
    """

    assert notebook.changes(cell, cell) == []
    for number in (1, 2):
        assert notebook.changes(cell, cell.replace(f"row + {number}", "row + 3")) != []


def test_a_renamed_function_is_the_same(notebook: Notebook) -> None:
    """The name of a function is not a part of its code."""
    notebook.run("def first(row):\n    return row + 1\ndef second(row):\n    return row + 1")

    assert same_code(notebook.names["first"], notebook.names["second"])


def test_async_functions_and_generators_are_not_plain_functions(notebook: Notebook) -> None:
    """How a function is called is a part of its code."""
    notebook.run("def plain(row):\n    return row\nasync def waiting(row):\n    return row")

    assert not same_code(notebook.names["plain"], notebook.names["waiting"])


def test_the_reach_of_a_try_block_is_code(notebook: Notebook) -> None:
    """Two functions may have the same byte code and catch different errors."""
    narrow = (
        "def stage(a, b):\n    a()\n    try:\n        b()\n    except ValueError:\n        pass"
    )
    wide = (
        "def stage(a, b):\n    try:\n        a()\n        b()\n    except ValueError:\n        pass"
    )

    assert notebook.changes(narrow, wide) == ["function stage"]


def test_other_modules_are_not_followed(notebook: Notebook) -> None:
    """What a library does inside is not a part of the user's code."""
    other = Notebook("library")
    other.run("LIMIT = 1\ndef helper(row):\n    return row + LIMIT")
    notebook.names["helper"] = other.names["helper"]
    notebook.run("def stage(row):\n    return helper(row)")
    before = code_state(notebook.names["stage"])

    other.run("LIMIT = 2")

    assert code_state(notebook.names["stage"]) == before


def test_modules_of_one_package_are_followed(notebook: Notebook) -> None:
    """A helper in another file of the same package is the user's code too."""
    other = Notebook("notebook_under_test.helpers")
    other.run("LIMIT = 1\ndef helper(row):\n    return row + LIMIT")
    notebook.names["helper"] = other.names["helper"]
    notebook.run("LIMIT = 1\ndef stage(row):\n    return helper(row) < LIMIT")
    before = code_state(notebook.names["stage"])

    other.run("LIMIT = 2")

    assert changes(before, code_state(notebook.names["stage"])) == ["constant LIMIT"]


def test_what_stages_themselves_change_is_no_change_of_code(notebook: Notebook) -> None:
    """A list that a stage appends to is the same list; one that was made anew is compared."""
    cell = "CONFIG = {'a': [1]}\ndef stage(rows=[]):\n    return CONFIG"
    notebook.run(cell)
    stage = notebook.names["stage"]
    before = code_state(stage)

    notebook.names["CONFIG"]["a"].append(2)
    stage.__defaults__[0].append(1)

    assert changes(before, code_state(stage)) == []
    assert notebook.changes(cell, cell.replace("[1]", "[2]")) == ["constant CONFIG"]
    assert notebook.changes(cell, cell.replace("[]", "[0]")) == ["default of rows"]


def test_running_a_function_does_not_change_its_code(notebook: Notebook) -> None:
    """Python rewrites the code of functions that are called often; that does not count."""
    notebook.run("def stage(rows):\n    return sum(row * 2.5 + 1 for row in rows)")
    stage = notebook.names["stage"]
    before = code_state(stage)

    for _ in range(1000):
        stage([1, 2])

    assert code_state(stage) == before


def test_more_constants_than_fit_in_a_byte_are_told_apart(notebook: Notebook) -> None:
    """The numbers of constants above 255 are read right."""
    lines = "\n".join(f"    rows.append({number}.5)" for number in range(300))
    cell = f"def stage(rows):\n{lines}"

    assert notebook.changes(cell, cell) == []
    assert notebook.changes(cell, cell.replace("299.5", "300.5")) == ["function stage"]


@pytest.mark.parametrize(
    "function", [len, "".join, list, dict.get, Decimal, json.dumps, functools.partial(json.dumps)]
)
def test_libraries_are_not_read(function: Any) -> None:
    """A function of Python or of a library is the same as itself, and costs nothing to look at."""
    state = code_state(function)

    assert len(state.parts) == 1
    assert state == code_state(function)
    assert not same_code(function, print)


def test_methods_of_library_objects_belong_to_one_object() -> None:
    """Two objects of a library may keep anything: only the same one is the same."""
    first, second = json.JSONEncoder(), json.JSONEncoder()

    assert same_code(first.encode, first.encode)
    assert not same_code(first.encode, second.encode)


def test_long_constants_are_compared_by_identity(notebook: Notebook) -> None:
    """A constant that would take long to read is the same as long as it is the same object."""
    notebook.run("ROWS = list(range(10**6))\ndef stage():\n    return ROWS")
    before = code_state(notebook.names["stage"])

    assert code_state(notebook.names["stage"]) == before
    notebook.run("ROWS = list(range(10**6))")
    assert changes(before, code_state(notebook.names["stage"])) == ["constant ROWS"]


def test_empty_cells_and_circles_are_no_obstacle(notebook: Notebook) -> None:
    """A closure that is not filled yet, and functions that refer to each other, have a state."""
    notebook.run(
        """
        def make():
            def stage():
                return later
            if False:
                later = 1
            return stage
        def ping():
            return pong()
        def pong():
            return ping()
        stage = make()
        """
    )

    assert same_code(notebook.names["stage"], notebook.names["stage"])
    assert changes(code_state(notebook.names["ping"]), code_state(notebook.names["pong"])) != []


CONSTANTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.tuples(inner, inner),
    max_leaves=4,
)


@given(CONSTANTS, CONSTANTS)
def test_states_are_equal_when_the_constants_are(first: Any, second: Any) -> None:
    """Constants count by type and content, wherever they stand."""
    is_same = repr(first) == repr(second)  # 1 is not True, and nan is nan

    def stage(value: Any) -> Any:
        return lambda: value

    assert same_code(stage(first), stage(second)) == is_same
    assert same_code(functools.partial(max, first), functools.partial(max, second)) == is_same
