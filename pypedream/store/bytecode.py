"""What a code object does, as bytes that can be compared.

File names, line numbers, docstrings and the names of local variables do not count, and constants
count by type and content.
"""

from __future__ import annotations

import sys
from inspect import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    CO_ITERABLE_COROUTINE,
    CO_VARARGS,
    CO_VARKEYWORDS,
)
from marshal import dumps
from opcode import EXTENDED_ARG, hasconst, hasjrel, opmap
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

from pypedream.store.per_code import PerCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FLAGS: Final = (
    CO_VARARGS
    | CO_VARKEYWORDS
    | CO_GENERATOR
    | CO_COROUTINE
    | CO_ITERABLE_COROUTINE
    | CO_ASYNC_GENERATOR
)
# The last format in which equal things have equal bytes: later ones refer back to the same object.
_MARSHAL = 2
_BYTE = 8
_HALF = 4
_UNIT = 2  # bytes of one operation and its argument
_WITH_CONSTANT: Final = frozenset(hasconst)
_JUMPS: Final = frozenset(hasjrel)
_BACKWARD: Final = frozenset(opmap[name] for name in opmap if "BACKWARD" in name)
_SILENT: Final = frozenset((opmap["CACHE"], opmap["NOP"]))
_PUSH_NULL: Final = opmap["PUSH_NULL"]
_LOAD_ATTR: Final = opmap["LOAD_ATTR"]
_LOAD_METHOD: Final = opmap.get("LOAD_METHOD", 0) if sys.version_info < (3, 12) else 0
# Their lowest bit says whether what they load is called.
_SAY_HOW_CALLED: Final = frozenset(
    (opmap["LOAD_GLOBAL"], *(() if sys.version_info < (3, 12) else (_LOAD_ATTR,)))
)
_MORE = 64  # says of a number in the exception table that it goes on
_DIGIT = 6


def _halves(name: str) -> tuple[int, int] | None:
    """Return the two operations that one stands for, as LOAD_FAST_LOAD_FAST does."""
    for middle in range(1, len(name)):
        first, second = name[:middle], name[middle + 1 :]
        if name[middle] == "_" and first in _FAST and second in _FAST:
            return opmap[first], opmap[second]
    return None


_FAST: Final = frozenset({"LOAD_FAST", "STORE_FAST", "LOAD_FAST_BORROW"} & opmap.keys())
_DOUBLE: Final = {opmap[name]: pair for name in opmap if (pair := _halves(name)) is not None}
_COMPOUND: Final = frozenset((EXTENDED_ARG, *_DOUBLE))
_STORE_NAME: Final = opmap["STORE_NAME"]
# What Python itself writes into the body of each class.
_SAID_OF_CLASSES: Final = frozenset(
    {"__doc__", "__qualname__", "__firstlineno__", "__static_attributes__"}
)


def instructions(code: CodeType) -> list[tuple[int, int, int]]:
    """Return offset, operation and argument of each step.

    What depends on how the text was laid out is left out: steps that do nothing are there for the
    line numbers, and Python takes two steps in one only if they are on the same line.
    """
    raw = code.co_code
    operations = raw[::_UNIT]
    read = zip(range(0, len(raw), _UNIT), operations, raw[1::_UNIT], strict=True)
    if _COMPOUND.isdisjoint(operations):
        return [step for step in read if step[1] not in _SILENT]
    return _taken_apart(step for step in read if step[1] not in _SILENT)


def _taken_apart(read: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Join arguments that are too long for one byte, and split two steps that are in one."""
    extended, start = 0, 0
    steps = []
    for offset, operation, byte in read:
        if operation == EXTENDED_ARG:
            start = start if extended else offset
            extended = (byte | extended) << _BYTE
            continue
        place, argument = start if extended else offset, byte | extended
        extended = 0
        if operation in _DOUBLE:
            first, second = _DOUBLE[operation]
            steps.append((place, first, argument >> _HALF))
            steps.append((place, second, argument & ((1 << _HALF) - 1)))
        else:
            steps.append((place, operation, argument))
    return steps


def behaviour(code: CodeType) -> bytes:
    """Return what a code object does, without where it stands and what it says of itself.

    A docstring is the first of the constants, so that it moves the others: the numbers of
    constants do not count, but the constants themselves do. Jumps count by the step where they
    lead.
    """
    return _KNOWN.of(code)


def behaviour_of(code: CodeType, steps: list[tuple[int, int, int]]) -> bytes:
    """Return what a code object does, from its steps."""
    steps = [step for step in map(_as_any_call, steps) if step[1] != _PUSH_NULL]
    operations = bytes([operation for _, operation, _ in steps])
    has_jumps = bool(code.co_exceptiontable) or not _JUMPS.isdisjoint(operations)
    numbers = _numbers(code, steps) if has_jumps else {}
    return dumps(
        (
            operations,
            _numbers_given(code, steps, numbers),
            _constants(code, steps, is_class=_STORE_NAME in operations),
            code.co_names,
            code.co_varnames[: _arguments(code)],
            (code.co_nlocals, len(code.co_cellvars), len(code.co_freevars)),
            (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
            code.co_flags & _FLAGS,
            tuple(_guarded(code, numbers)),
        ),
        _MARSHAL,
    )


_KNOWN: Final = PerCode(lambda code: behaviour_of(code, instructions(code)))


def _as_any_call(step: tuple[int, int, int]) -> tuple[int, int, int]:
    """Leave out how a call is prepared.

    ``np.sum(x)`` is called as a method only where np is imported in another cell or file.
    """
    offset, operation, argument = step
    if operation == _LOAD_METHOD:
        return offset, _LOAD_ATTR, argument
    return (offset, operation, argument & ~1) if operation in _SAY_HOW_CALLED else step


def _numbers(code: CodeType, steps: list[tuple[int, int, int]]) -> dict[int, int]:
    """Return the number of the step at each offset, or of the next one after it."""
    found: dict[int, int] = {}
    place = 0
    for offset in range(0, len(code.co_code) + _UNIT, _UNIT):
        while place < len(steps) and steps[place][0] < offset:
            place += 1
        found[offset] = place
    return found


def _numbers_given(
    code: CodeType, steps: list[tuple[int, int, int]], numbers: dict[int, int]
) -> tuple[int, ...]:
    """Return the arguments of all steps; constants count by themselves and not by number."""
    return tuple(
        [
            0
            if operation in _WITH_CONSTANT
            else numbers[_target(code, offset, operation, argument)]
            if operation in _JUMPS
            else argument
            for offset, operation, argument in steps
        ]
    )


def _constants(
    code: CodeType, steps: list[tuple[int, int, int]], *, is_class: bool
) -> tuple[tuple[str, bytes], ...]:
    """Return the constants in the order in which the code uses them."""
    said = set(_said_of_class(code, steps)) if is_class else ()
    return tuple(
        [
            ("none", b"") if place in said else _constant(code.co_consts[argument])
            for place, (_, operation, argument) in enumerate(steps)
            if operation in _WITH_CONSTANT
        ]
    )


def _said_of_class(code: CodeType, steps: list[tuple[int, int, int]]) -> Iterator[int]:
    for place, (_, operation, argument) in enumerate(steps):
        if operation == _STORE_NAME and code.co_names[argument] in _SAID_OF_CLASSES:
            yield place - 1


def _target(code: CodeType, offset: int, operation: int, argument: int) -> int:
    """Return the offset where a jump leads, counted from the end of the step."""
    raw = code.co_code
    while raw[offset] == EXTENDED_ARG:
        offset += _UNIT
    offset += _UNIT
    while offset < len(raw) and raw[offset] == opmap["CACHE"]:
        offset += _UNIT
    return offset + _UNIT * (-argument if operation in _BACKWARD else argument)


def _guarded(code: CodeType, numbers: dict[int, int]) -> Iterator[tuple[int, ...]]:
    """Give which steps are guarded by a try block, and where an error leads."""
    read = iter(code.co_exceptiontable)
    for first in read:
        start = _number(first, read) * _UNIT
        length, target, about = (_number(next(read), read) for _ in range(3))
        span = numbers[start], numbers[start + length * _UNIT]
        if span[0] != span[1]:
            yield (*span, numbers[target * _UNIT], about)


def _number(first: int, read: Iterator[int]) -> int:
    value = first & (_MORE - 1)
    while first & _MORE:
        first = next(read)
        value = value << _DIGIT | first & (_MORE - 1)
    return value


def _arguments(code: CodeType) -> int:
    """Return how many of the local variables are arguments."""
    collected = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + collected


def _constant(value: Any) -> tuple[str, bytes]:
    """Return a constant with what it is, so that a text is not taken for code."""
    if isinstance(value, CodeType):
        return "code", behaviour(value)
    try:
        return "constant", dumps(value, _MARSHAL)
    except ValueError:  # a constant that was put there by hand
        return type(value).__qualname__, repr(value).encode("utf-8", "backslashreplace")


def names_in(code: CodeType) -> Iterator[str]:
    """Give the names that a code object and the functions inside it look up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
