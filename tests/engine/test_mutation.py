from __future__ import annotations

import array
import datetime
import enum
import subprocess
import sys
import threading
from argparse import Namespace
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from copy import copy, deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.engine.mutation import SameObject, copied, digest
from pypedream.errors import MutationError

if TYPE_CHECKING:
    from collections.abc import Callable

NAN = float("nan")


class Colour(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: Any
    y: Any = 0


@dataclass
class Record:
    rows: list[Any] = field(default_factory=list)
    name: str = ""


@dataclass(frozen=True)
class FrozenRecord:
    rows: Any = ()


@attrs.define
class Item:
    rows: list[Any] = attrs.Factory(list)
    name: str = ""


@attrs.frozen
class FrozenItem:
    rows: Any = ()


class Plain:
    def __init__(self, rows: Any = None) -> None:
        self.rows = [] if rows is None else rows


class Slotted:
    __slots__ = ("__private", "rows")

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def hide(self, value: object) -> None:
        self.__private = value


class SlottedChild(Slotted):
    def __init__(self) -> None:
        super().__init__()
        self.more: list[Any] = []


class Memoising:
    def __init__(self) -> None:
        self.rows = [1, 2]
        self._row_cache: dict[str, int] = {}

    @cached_property
    def total(self) -> int:
        self._row_cache["total"] = 1
        return sum(self.rows)


@attrs.define
class SlottedMemoising:
    rows: list[int]

    @cached_property
    def total(self) -> int:
        return sum(self.rows)


class Rows(list[Any]):
    """A list with an attribute, and with methods that mislead."""

    def __iter__(self) -> Any:
        raise AssertionError("a digest calls no code of the user")

    __len__ = __getitem__ = __eq__ = __hash__ = __repr__ = __iter__  # type: ignore[assignment]


class Loud:
    """An object whose every method fails."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def __repr__(self) -> str:
        raise AssertionError("a digest calls no code of the user")

    __eq__ = __hash__ = __len__ = __iter__ = __getattr__ = __repr__  # type: ignore[assignment]


def function() -> None: ...


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2.5,
        NAN,
        1j,
        "text",
        b"bytes",
        ...,
        range(3),
        slice(1, 2),
        (),
        (1, "a", (2.5, None)),
        frozenset({1, "a"}),
        Point(1, "a"),
        datetime.date(2026, 1, 31),
        datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC),
        datetime.timedelta(1),
        Decimal("1.5"),
        Path("a"),
        Colour.RED,
        FrozenRecord(1),
        FrozenItem((1, "a")),
        MappingProxyType({"a": 1}),
        function,
        len,
        Plain,
        sys,
        threading.Lock(),
        ValueError("a"),
        (line for line in ()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_changed_has_no_digest(value: object) -> None:
    """Immutable values, and values that keep nothing in sight, are not watched."""
    assert digest(value) is None


CHANGES: list[tuple[str, Callable[[], Any], Callable[[Any], object]]] = [
    ("list item", lambda: [1, 2], lambda value: value.__setitem__(0, 3)),
    ("list append", list, lambda value: value.append(None)),
    ("list order", lambda: [1, 2], lambda value: value.reverse()),
    ("int to bool", lambda: [1], lambda value: value.__setitem__(0, True)),
    ("int to float", lambda: [1], lambda value: value.__setitem__(0, 1.0)),
    ("sign of zero", lambda: [0.0, "a"], lambda value: value.__setitem__(0, -0.0)),
    ("nan to number", lambda: [NAN, 1.0], lambda value: value.__setitem__(0, 0.0)),
    ("text in mixed", lambda: [1.5, "a"], lambda value: value.__setitem__(1, "b")),
    ("nested list", lambda: [[1], [[2]]], lambda value: value[1][0].append(3)),
    ("list in tuple", lambda: ([1], 2), lambda value: value[0].append(3)),
    ("list in named tuple", lambda: Point([1]), lambda value: value.x.append(3)),
    ("dict item", lambda: {"a": 1}, lambda value: value.update(a=2)),
    ("dict key", lambda: {"a": 1}, lambda value: value.update(b=2)),
    ("dict order", lambda: {"a": 1, "b": 2}, lambda value: value.update(a=value.pop("a"))),
    ("dict of lists", lambda: {"a": [1]}, lambda value: value["a"].clear()),
    ("defaultdict by reading", lambda: defaultdict(list), lambda value: value["a"]),
    ("Counter", lambda: Counter("aab"), lambda value: value.update("a")),
    (
        "OrderedDict order",
        lambda: OrderedDict(a=1, b=2),
        lambda value: value.move_to_end("a"),
    ),
    ("UserDict", lambda: UserDict(a=1), lambda value: value.update(a=2)),
    ("dict behind a proxy", lambda: MappingProxyType({"a": [1]}), lambda value: value["a"].pop()),
    ("set add", lambda: {1, 2}, lambda value: value.add(3)),
    ("set of objects", lambda: {Colour.RED}, lambda value: value.add(function)),
    ("object in a set", lambda: {Plain()}, lambda value: next(iter(value)).rows.append(1)),
    ("deque", lambda: deque([1, 2]), lambda value: value.rotate()),
    ("bytearray", lambda: bytearray(b"ab"), lambda value: value.reverse()),
    ("array.array", lambda: array.array("d", [1, 2]), lambda value: value.append(3)),
    ("dataclass", Record, lambda value: value.rows.append(1)),
    ("dataclass field", Record, lambda value: setattr(value, "name", "a")),
    ("list in frozen dataclass", lambda: FrozenRecord([]), lambda value: value.rows.append(1)),
    ("attrs", Item, lambda value: value.rows.append(1)),
    ("attrs field", Item, lambda value: setattr(value, "name", "a")),
    ("list in frozen attrs", lambda: FrozenItem([]), lambda value: value.rows.append(1)),
    ("object", Plain, lambda value: value.rows.append(1)),
    ("new attribute", Plain, lambda value: setattr(value, "new", 1)),
    ("lost attribute", Plain, lambda value: delattr(value, "rows")),
    ("first attribute", type("Empty", (), {}), lambda value: setattr(value, "new", 1)),
    ("slots", Slotted, lambda value: value.rows.append(1)),
    ("private slot", Slotted, lambda value: value.hide(1)),
    ("slots and attributes", SlottedChild, lambda value: value.more.append(1)),
    ("SimpleNamespace", lambda: SimpleNamespace(a=1), lambda value: setattr(value, "a", 2)),
    ("Namespace", lambda: Namespace(a=1), lambda value: setattr(value, "a", 2)),
    ("object in a list", lambda: [Plain()], lambda value: value[0].rows.append(1)),
    ("other leaf", lambda: [Colour.RED], lambda value: value.__setitem__(0, function)),
    ("other class", lambda: [Record([1])], lambda value: value.__setitem__(0, Item([1]))),
    ("list with methods of its own", Rows, lambda value: list.append(value, 1)),
    ("attribute of a list", Rows, lambda value: setattr(value, "unit", "kg")),
    ("object with methods that fail", Loud, lambda value: value.rows.append(1)),
    ("long text", lambda: ["a" * 10**6], lambda value: value.__setitem__(0, "a" * 10**6 + "b")),
    ("10,000th item", lambda: list(range(10_000)), lambda value: value.__setitem__(5_001, 0)),
    ("last of a million", lambda: [0] * 10**6, lambda value: value.__setitem__(-1, 1)),
    ("first of a million", lambda: [0] * 10**6, lambda value: value.__setitem__(0, 1)),
    ("length of a million", lambda: [0] * 10**6, lambda value: value.pop()),
    ("all of a million", lambda: [[0]] * 10**6, lambda value: value[0].append(1)),
    (
        "many records",
        lambda: [{"id": number, "tags": ["a"]} for number in range(20_000)],
        lambda value: [record["tags"].append("b") for record in value],
    ),
    (
        "large dict",
        lambda: dict.fromkeys(range(10**5), 0),
        lambda value: value.update(dict.fromkeys(range(10**5), 1)),
    ),
    ("large set", lambda: set(range(10**5)), lambda value: value.add(-1)),
    ("large deque", lambda: deque(range(10**5)), lambda value: value.rotate()),
    ("large bytearray", lambda: bytearray(20_000_000), lambda value: value.__setitem__(-1, 1)),
]


@pytest.mark.parametrize(
    "make, change", [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES]
)
def test_a_change_in_place_is_seen(
    make: Callable[[], Any], change: Callable[[Any], object]
) -> None:
    """The digest is the same until the value is changed, and is another one then."""
    value = make()
    before = digest(value)

    assert before is not None
    assert digest(value) == before
    change(value)
    assert digest(value) != before


@pytest.mark.parametrize(
    "value",
    [
        [NAN, 1.0],
        [NAN, "a"],
        [[NAN], Plain(NAN)],
        {NAN: NAN},
        {NAN, 1.0},
        [complex(NAN, 1)],
        [Decimal("nan"), "a"],
    ],
    ids=repr,
)
def test_nan_does_not_look_like_a_change(value: object) -> None:
    """What is not equal to itself has equal digests."""
    assert digest(value) == digest(value) is not None


def test_an_equal_number_in_its_place_is_no_change() -> None:
    """A digest is about content: a new object of the same content is the same."""
    value: list[Any] = [NAN, 10**20, "ab", Plain([1]), [2]]
    before = digest(value)

    value[:] = [float("nan"), 10**19 * 10, "".join(["a", "b"]), Plain([1]), [2]]

    assert digest(value) == before


def test_reading_a_cached_property_is_no_change() -> None:
    """What an object computes once and keeps is not counted."""
    memoising, slotted = Memoising(), SlottedMemoising([1, 2])
    before = digest(memoising), digest(slotted)

    assert memoising.total == slotted.total == 3
    assert (digest(memoising), digest(slotted)) == before
    slotted.rows.append(3)
    assert digest(slotted) != before[1]


def test_circles_are_read_once() -> None:
    """A value that contains itself has a digest, and changes of it are seen."""
    parent, child = Plain(), Plain()
    parent.rows.append(child)
    child.rows.extend([parent, child.rows])
    before = digest(parent)

    assert digest(parent) == before is not None
    child.rows.append(1)
    assert digest(parent) != before


def test_deep_values_are_read_as_far_as_it_is_safe() -> None:
    """Nesting beyond Python's own limit does not end in an error."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    before = digest(deep)

    assert digest(deep) == before is not None
    deep[0].append(1)
    assert digest(deep) != before
    while deep:  # Python would take all of its stack to free it at once
        deep = deep[0]


def test_shared_parts_are_not_read_again_and_again() -> None:
    """A value whose parts are shared at every level takes no longer than its size."""
    shared: list[Any] = [1]
    for _ in range(50):
        shared = [shared, shared]

    assert digest(shared) == digest(shared) is not None


def test_an_id_that_comes_back_is_not_taken_for_the_old_object() -> None:
    """A digest keeps its leaves alive, so that a new object never has their id."""
    value = [object()]
    before = digest(value)

    for _ in range(1000):
        value.pop()
        value.append(object())
        assert digest(value) != before


def test_a_value_that_breaks_while_it_is_read_has_no_digest() -> None:
    """An attribute that raises is the user's own affair."""

    class Broken:
        @property
        def __dict__(self) -> dict[str, object]:  # type: ignore[override]
            raise RuntimeError("no")

    assert digest([Broken()]) is None


def test_nothing_is_imported_for_a_digest() -> None:
    """Arrays and frames are known by name; a digest loads neither numpy nor pandas."""
    code = (
        "import sys; from pypedream.engine.mutation import digest; digest([{'a': [1]}]);"
        "sys.exit('numpy' in sys.modules or 'pandas' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner), max_leaves=3)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(HASHABLE, inner, max_size=5),
        st.sets(HASHABLE, max_size=5),
        st.lists(inner, max_size=5).map(deque),
        st.binary().map(bytearray),
        st.tuples(inner, inner),
        st.builds(Record, st.lists(inner, max_size=3), st.text()),
        st.builds(Item, st.lists(inner, max_size=3), st.text()),
        st.builds(Plain, inner),
    )


VALUES = st.recursive(SCALARS, nested, max_leaves=20)


def changes_of(value: Any) -> list[Callable[[], object]]:
    """List a way to change each part of *value* that can be changed in place."""
    changes: list[Callable[[], object]] = []
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, list | deque | bytearray):
            changes += [
                lambda part=part: part.append(7),
                lambda part=part: part.extend(part or [1]),
            ]
        if isinstance(part, list) and part:
            changes.append(lambda part=part: part.__setitem__(0, Colour.RED))
            changes.append(part.pop)
        if isinstance(part, set):
            changes.append(lambda part=part: part.add(Colour.RED))
        if isinstance(part, dict):
            changes.append(lambda part=part: part.update({Colour.RED: 1}))
            parts.extend(part.values())
        if isinstance(part, list | tuple | deque):
            parts.extend(part)
        if isinstance(part, Record | Item | Plain):
            changes.append(lambda part=part: setattr(part, "rows", Colour.RED))
            parts.append(part.rows)
    return changes


@settings(deadline=None)
@given(VALUES)
def test_a_digest_is_the_same_until_something_changes(value: Any) -> None:
    """Reading a value, or having a copy of it changed, does not change its digest."""
    before = digest(value)
    other = deepcopy(value)
    for change in changes_of(other):
        change()

    assert digest(value) == before


@settings(deadline=None)
@given(VALUES, st.data())
def test_any_change_of_any_part_is_seen(value: Any, data: st.DataObject) -> None:
    """Whatever is changed in a nested value, and wherever, its digest is another one."""
    changes = changes_of(value)
    before = digest(value)

    assert (before is None) == (not changes)
    if changes:
        data.draw(st.sampled_from(changes))()
        assert digest(value) != before


def test_a_copy_shares_nothing_that_can_be_changed() -> None:
    """A change of a copy does not reach the value."""
    value = {"rows": [Plain([1])]}
    before = digest(value)

    copied(value)["rows"][0].rows.append(2)

    assert digest(value) == before
    assert copied(3) == 3


def test_what_cannot_be_copied_is_named() -> None:
    """The error says which type it is about and what Python said."""
    value = Plain(threading.Lock())

    with pytest.raises(MutationError, match=r"Plain cannot be copied \(TypeError: .*lock"):
        copied(value)


def test_a_holder_is_equal_for_the_same_object_only() -> None:
    """Objects that are equal to everything are still told apart."""
    first = [1]

    assert SameObject(first) == SameObject(first)
    assert hash(SameObject(first)) == hash(SameObject(first))
    assert SameObject(first) != SameObject(copy(first))
    assert SameObject(first) != first
