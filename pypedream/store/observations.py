"""What a walk has looked at, so that it need not be done again while all of it is the same.

Simple values are the same if they are the same object, functions and classes if they still live
and are where they were, and everything else if it is written down in the same way. Nothing here
holds on to anything of the user's that could hold on to a function.
"""

from __future__ import annotations

import marshal
from hashlib import sha256
from operator import is_
from types import CodeType, EllipsisType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any, Final
from weakref import ReferenceType, ref

from attrs import Factory, define, frozen

from pypedream.store.constants import Constants
from pypedream.store.functions import CALLABLES
from pypedream.store.references import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Read = Callable[[Any], list[Any]]
    Look = tuple[Read, ReferenceType[Any], tuple[Any, ...]]

SIMPLE: Final = frozenset(
    {bool, int, float, complex, str, bytes, NoneType, EllipsisType, CodeType, Code, object}
)
_NAMED: Final = (*CALLABLES, ModuleType)
_EQUAL: Final = (str, int)
_EXACT: Final = frozenset({bool, int, float, complex, str, NoneType, EllipsisType})
_MOST: Final = 10_000
_LONG: Final = 4_096
_WITHOUT_REFERENCES: Final = 2  # what a later version writes depends on who else has the same text


@frozen(eq=False, repr=False)
class _Content:
    """What was in a value that may change in place."""

    encoded: bytes
    links: tuple[ReferenceType[Any], ...]
    plain: bytes | None

    def is_in(self, value: Any, constants: list[Constants]) -> bool:
        """Say whether it is; what has to be written down is in one place, made by the first."""
        if self.plain is not None and _dumped(value) == self.plain:
            return True  # as most are; a dict may be the same in another order
        if not constants:
            constants.append(Constants())
        found = constants[0].of(value)
        if found.encoded != self.encoded or len(found.links) != len(self.links):
            return False
        return all(link() is each for link, each in zip(self.links, found.links, strict=True))


@define(eq=False, repr=False)
class Observations:
    """What one walk has looked at.

    Attributes
    ----------
    constants
        The values that the walk has met.
    looks
        How each thing was read, a weak reference to it, and what was found.
    is_complete
        Whether everything can be observed.
    """

    constants: Constants
    looks: list[Look] = Factory(list)
    is_complete: bool = True
    _read: list[Any] = Factory(list)  # so that no id is used again during the walk
    _ids: set[int] = Factory(set)

    def look(self, read: Read, owner: Any) -> list[Any]:
        """Read something and keep what was found."""
        values = read(owner)
        self._read.append(values)
        mark = self._mark
        marks = [each if type(each) in SIMPLE else mark(each) for each in values]
        self.looks.append((read, self._weak(owner), tuple(marks)))
        return values

    def must_know(self, value: Any) -> None:
        """Say that a value counts; if it was not looked at, its changes would not be seen."""
        if type(value) not in SIMPLE and id(value) not in self._ids:
            self.is_complete = False

    def _mark(self, value: Any) -> Any:
        if isinstance(value, _NAMED):
            return self._weak(value)
        self._ids.add(id(value))
        if type(value) is tuple and SIMPLE.issuperset(map(type, value)):
            return value
        constant = self.constants.of(value)
        plain = _dumped(value) if _is_plain(value) else None
        return _Content(constant.encoded, tuple(map(self._weak, constant.links)), plain)

    def _weak(self, value: Any) -> Any:
        try:
            return ref(value)
        except TypeError:  # it does not allow that
            self.is_complete = False
            return None


def _is_plain(value: Any) -> bool:
    """Say whether all that is in a value is of types that `marshal` writes down as they are.

    Bytes are not: `marshal` makes the same of them and of an array with the same content. A list
    that comes again and again in others it writes down each time, so few may be in it.
    """
    waiting, met = [value], 0
    while waiting:
        each = waiting.pop()
        kind = type(each)
        if kind in _EXACT:
            continue
        if kind is not dict and kind is not list and kind is not tuple:
            return False
        met += 1 + len(each)
        if met > _MOST:
            return False
        waiting.extend(each)
        if kind is dict:
            waiting.extend(each.values())
    return True


def _dumped(value: Any) -> bytes | None:
    """Write a value down in a tenth of the time that its encoding takes, if that can be done."""
    try:
        written = marshal.dumps(value, _WITHOUT_REFERENCES)
    except ValueError:
        return None
    return written if len(written) <= _LONG else sha256(written).digest()


def still_hold(looks: Iterable[Look]) -> bool:
    """Say whether everything that was looked at is what it was."""
    constants: list[Constants] = []
    for read, owner, marks in looks:
        thing = owner()
        if thing is None:
            return False
        values = read(thing)
        if len(values) != len(marks):
            return False
        if all(map(is_, values, marks)):
            continue
        for value, mark in zip(values, marks, strict=True):
            if mark is not value and not _is_same(value, mark, constants):
                return False
    return True


def _is_same(value: Any, mark: Any, constants: list[Constants]) -> bool:
    kind = type(mark)
    if kind is ReferenceType:
        return value is not None and mark() is value
    if kind is _Content:
        return bool(mark.is_in(value, constants))
    return kind in _EQUAL and kind is type(value) and bool(mark == value)
