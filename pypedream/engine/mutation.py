"""Whether a value was changed in place: a digest of what is in it, taken before and after.

Two digests of a value that was not changed are equal. They are made of types, counts, checksums
and the immutable leaves themselves, which are compared by type and content or by identity: no
``==``, hash or repr of the user's classes is called, and a digest keeps its leaves alive, so that
no id comes back as another object.

A value is read whole as long as it has no more than about 10,000 leaves and 16 MB of arrays.
Of a bigger one a sample is read: the first and last entries and every n-th between them.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from itertools import islice
from marshal import dumps
from math import ceil, inf
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, frozen

from pypedream.engine import arrays
from pypedream.errors import MutationError
from pypedream.store.fields import Layout, fields_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[["Reading", Any, Any, int], object]

_LEAVES = 10_000
_DEPTH = 60  # well below the depth at which Python itself gives up
_FIRST = 8
_FEWER = 10  # of entries that are not scalars, so many times fewer are sampled
_NEWEST = 2  # marshal writes equal values as equal bytes up to this version

_EXACT: Final = frozenset({int, bool, NoneType, str, bytes})
_INEXACT: Final = frozenset({float, complex})
_NUMBERS: Final = _INEXACT | {int, bool, NoneType}
_SCALARS: Final = _EXACT | _INEXACT


class SameObject:
    """Equal to another one when both hold the very same object, which stays alive for it."""

    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameObject) and other.held is self.held

    def __hash__(self) -> int:
        return id(self.held)


class _TooMuchError(Exception):
    """Reading the value whole would take too long."""


def digest(value: Any) -> object | None:
    """Return what can be compared with a later digest of the same value.

    Never raises, and imports nothing that is not there already.

    Returns
    -------
    None when the value cannot be changed in place, or when nothing can be told of it: it has no
    fields that Python can see, or it breaks while it is read.

    Examples
    --------
    >>> rows = [{"id": 1}]
    >>> before = digest(rows)
    >>> rows[0]["id"] = 2
    >>> digest(rows) == before
    False
    """
    if type(value) in _SCALARS:
        return None
    with suppress(Exception):  # a value may be of any class, and other threads may change it
        try:
            return Reading(_LEAVES).digest(value)
        except _TooMuchError:
            return Reading(inf).digest(value)
    return None


def is_scalar(value: Any) -> bool:
    """Say whether a value is a number or a text, of which nothing can be changed."""
    return type(value) in _SCALARS


def copied(value: Any) -> Any:
    """Return a deep copy of *value*.

    Raises
    ------
    MutationError
        If it cannot be copied. The message names its type.
    """
    from copy import deepcopy

    if type(value) in _SCALARS:
        return value
    try:
        return deepcopy(value)
    except Exception as error:
        kind = type(value)
        text = (
            f"a value of type {kind.__module__}.{kind.__qualname__} cannot be copied"
            f' ({type(error).__name__}: {error}); use mutation="warn" or give each stage its own'
        )
        raise MutationError(text) from error


@frozen(eq=False)
class _Kind:
    """How values of one class are read; without a reader they are leaves."""

    mark: SameObject
    reader: Reader | None = None
    base: type = object
    can_change: bool = True
    layout: Layout | None = None


@define(eq=False)
class Reading:
    """One walk through a value; it lives as long as that.

    Attributes
    ----------
    left
        How many leaves may still be read. Infinite when only a sample is read.
    can_change
        Whether something was met that can be changed in place.
    seen
        From id to number and value: what was read before is not read again.
    """

    left: float
    can_change: bool = False
    depth: int = 0
    seen: dict[int, tuple[int, object]] = Factory(dict)
    kinds: dict[type, _Kind] = Factory(dict)

    def digest(self, value: Any) -> object | None:
        """Read all of *value*; None if nothing in it can be changed in place."""
        found = self.node(value, _LEAVES)
        return found if self.can_change else None

    def node(self, value: Any, share: int) -> object:
        """Read one value. If only a sample is read, it may have *share* leaves."""
        kind = type(value)
        if kind in _SCALARS:
            self.spend(1)
            return (kind, value if kind in _EXACT else dumps(value, _NEWEST))
        known = self.kinds.get(kind)
        if known is None:
            known = self.kinds[kind] = _kind_of(kind)
        if known.reader is None:
            self.spend(1)
            return SameObject(value)
        if id(value) in self.seen:
            return self.seen[id(value)][0]
        return self._inside(value, known, share)

    def _inside(self, value: Any, known: _Kind, share: int) -> object:
        self.seen[id(value)] = (len(self.seen), value)
        self.can_change = self.can_change or known.can_change
        if self.depth == _DEPTH or known.reader is None:
            return known.mark
        self.depth += 1
        found = known.reader(self, known.base, value, share)
        if known.layout is not None:
            found = (found, self.fields(value, known.layout, share))
        self.depth -= 1
        return (known.mark, found)

    def fields(self, value: Any, layout: Layout, share: int) -> object:
        """Read the attributes of an object."""
        fields = fields_of(value, layout)
        return tuple(fields), self.sequence(list(fields.values()), share)

    def sequence(self, source: Any, share: int) -> object:
        """Read the entries of something that has a length and an order."""
        return len(source), self.items(self.chosen(source, share), share)

    def chosen(self, source: Any, share: int) -> list[Any]:
        """Return all entries, or a sample of no more than *share* of them."""
        if self.left != inf:
            self.spend(0, ahead=len(source))
            return list(source)
        entries = _sample(source, share)
        if set(map(type, entries)) <= _SCALARS:
            return entries
        return _sample(source, max(share // _FEWER, min(share, _FIRST)))

    def items(self, values: list[Any], share: int) -> object:
        """Read all of these values, in this order."""
        kinds = set(map(type, values))
        if kinds <= _SCALARS:
            self.spend(len(values))
            return _scalars(values, kinds)
        each = share if self.left != inf else share // len(values)
        return tuple([self.node(value, each) for value in values])

    def spend(self, leaves: int, *, ahead: int = 0) -> None:
        """Count leaves that are read now, and give up if those *ahead* would be too many."""
        self.left -= leaves
        if self.left < ahead:
            raise _TooMuchError


def _scalars(values: list[Any], kinds: set[type]) -> object:
    """Keep text as it is, it may be long; write numbers as bytes: nan is not equal to itself."""
    if kinds <= _NUMBERS:
        return dumps(values, _NEWEST)
    types = tuple(map(type, values))
    if kinds <= _EXACT:
        return types, tuple(values)
    numbers = [value for value in values if type(value) in _INEXACT]
    exact = [value for value in values if type(value) in _EXACT]
    return types, tuple(exact), dumps(numbers, _NEWEST)


def _sample(source: Any, count: int) -> list[Any]:
    """Return the first entries, the last one and every n-th: about *count* in all."""
    length = len(source)
    if length <= count:
        return list(source)
    if count < 1:
        return []
    step = ceil(length / count)
    start = (length - 1) % step
    return [*_cut(source, 0, min(_FIRST, count), 1), *_cut(source, start, length, step)]


def _cut(source: Any, start: int, stop: int, step: int) -> list[Any]:
    try:
        return list(source[start:stop:step])
    except TypeError:  # views of dicts, sets and deques have no slices
        return list(islice(source, start, stop, step))


# Readers: how the entries of a class are got at, whatever its subclasses make of its methods


def _read_list(reading: Reading, base: Any, value: Any, share: int) -> object:
    source = value if type(value) is base else list(base.__iter__(value))
    return reading.sequence(source, share)


def _read_dict(reading: Reading, base: Any, value: Any, share: int) -> object:
    keys = reading.chosen(base.keys(value), share // 2)
    contents = reading.chosen(base.values(value), share // 2)
    return base.__len__(value), reading.items(keys + contents, share)


def _read_set(reading: Reading, base: Any, value: Any, share: int) -> object:
    members = reading.chosen(value if type(value) is base else list(base.__iter__(value)), share)
    scalars = [member for member in members if type(member) in _SCALARS]
    others = [member for member in members if type(member) not in _SCALARS]
    others.sort(key=id)  # a set has no order, but its members stay the same objects
    reading.spend(len(scalars))
    marked = frozenset([(type(member), member) for member in scalars])
    return base.__len__(value), marked, reading.items(others, share)


def _read_told(reading: Reading, _base: Any, value: Any, share: int) -> object:
    return reading.node(value.__pypedream_inside__(), share)


def _read_fields_only(_reading: Reading, _base: Any, _value: Any, _share: int) -> object:
    return None


_FIXED: Final = ("tuple", "frozenset", "mappingproxy", "generic")
_READERS: Final[dict[tuple[str, str], Reader]] = {
    ("builtins", "list"): _read_list,
    ("builtins", "tuple"): _read_list,
    ("collections", "deque"): _read_list,
    ("builtins", "dict"): _read_dict,
    ("builtins", "mappingproxy"): _read_dict,
    ("collections", "OrderedDict"): _read_dict,
    ("builtins", "set"): _read_set,
    ("builtins", "frozenset"): _read_set,
    ("builtins", "bytearray"): arrays.read_bytes,
    ("array", "array"): arrays.read_bytes,
    ("types", "SimpleNamespace"): _read_fields_only,
    ("argparse", "Namespace"): _read_fields_only,
    ("numpy", "ndarray"): arrays.read_array,
    ("numpy", "void"): arrays.read_number,
    ("numpy", "generic"): arrays.read_number,
    ("pandas", "DataFrame"): arrays.read_frame,
    ("pandas", "Series"): arrays.read_series,
    ("pandas", "Index"): arrays.read_index,
    ("pandas", "ExtensionArray"): arrays.read_column,
}
_WITH_FIELDS: Final = ("builtins", "collections", "types", "argparse")
# Values of these cannot be changed in place, or change by being looked at.
_LEAF_HOMES: Final = frozenset(
    {"jax", "jaxlib", "matplotlib", "numpy", "pandas", "polars", "pyarrow", "pypedream"}
)
# Bases from here say nothing of what their children keep.
_OPEN_HOMES: Final = frozenset({"abc", "collections", "contextlib", "numbers", "typing"})


def _kind_of(kind: type) -> _Kind:
    """Find the reader of a class by the first of its bases that has one."""
    mark = SameObject(kind)
    if hasattr(kind, "__pypedream_inside__"):  # it says itself what can be changed in place
        return _Kind(mark, _read_told)
    homes = [(str(base.__module__).partition(".")[0], base) for base in kind.__mro__]
    for home, base in homes:
        reader = _READERS.get((home, base.__name__))
        if reader is not None:
            can_change = base.__name__ not in _FIXED
            has_fields = home in _WITH_FIELDS and (kind is not base or reader is _read_fields_only)
            return _Kind(mark, reader, base, can_change, layout_of(kind) if has_fields else None)
    if any(_is_leaf_home(home) for home, base in homes if base is not object):
        return _Kind(mark)
    layout = layout_of(kind)
    if not layout.slots and not kind.__dictoffset__:
        return _Kind(mark)
    return _Kind(mark, _read_fields_only, kind, not _is_frozen(kind), layout)


def _is_leaf_home(home: str) -> bool:
    return home in _LEAF_HOMES or (home in sys.stdlib_module_names and home not in _OPEN_HOMES)


def _is_frozen(kind: Any) -> bool:
    """Say whether a class is a frozen dataclass or a frozen attrs class."""
    if "__dataclass_params__" in dir(kind):
        return bool(kind.__dataclass_params__.frozen)
    return getattr(kind.__setattr__, "__name__", "") == "_frozen_setattrs"
