"""What a code object does, as something that can be compared.

File names, line numbers, docstrings and the names of local variables do not count, and constants
count by type and content.
"""

from __future__ import annotations

from inspect import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    CO_ITERABLE_COROUTINE,
    CO_VARARGS,
    CO_VARKEYWORDS,
)
from opcode import EXTENDED_ARG, hasconst, opmap
from types import CodeType, EllipsisType, NoneType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS: Final = (
    CO_VARARGS
    | CO_VARKEYWORDS
    | CO_GENERATOR
    | CO_COROUTINE
    | CO_ITERABLE_COROUTINE
    | CO_ASYNC_GENERATOR
)
_BYTE = 8
_WITH_CONSTANT: Final = tuple(operation for operation in hasconst if operation < 1 << _BYTE)
_STORE_NAME: Final = opmap["STORE_NAME"]
# What Python itself writes into the body of each class.
_SAID_OF_CLASSES: Final = frozenset(
    {"__doc__", "__qualname__", "__firstlineno__", "__static_attributes__"}
)
PLAIN: Final = frozenset({int, bool, str, bytes, NoneType, EllipsisType})
LONGEST = 1_000  # longer constants are the same only if they are the same object


def behaviour(code: CodeType) -> tuple[object, ...]:
    """Return what a code object does, without where it stands and what it says of itself.

    A docstring is the first of the constants, so that it moves the others: the numbers of
    constants do not count, but the constants themselves do.
    """
    operations, arguments = code.co_code[::2], bytearray(code.co_code[1::2])
    constants: list[object] = []
    for operation in _WITH_CONSTANT:
        place = operations.find(operation)
        while place >= 0:
            constants.append(_constant(code, _number(operations, arguments, place), place))
            arguments[place] = 0
            place = operations.find(operation, place + 1)
    return (
        operations,
        bytes(arguments),
        tuple(constants),
        code.co_names,
        code.co_varnames[: _arguments(code)],
        (code.co_nlocals, len(code.co_cellvars), len(code.co_freevars)),
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        code.co_flags & _FLAGS,
        code.co_exceptiontable,
    )


def _number(operations: bytes, arguments: bytearray, place: int) -> int:
    """Return the number of a constant; one above 255 is spread over several operations."""
    number = arguments[place]
    shift = _BYTE
    while place > 0 and operations[place - 1] == EXTENDED_ARG:
        place -= 1
        number |= arguments[place] << shift
        shift += _BYTE
    return number


def _arguments(code: CodeType) -> int:
    """Return how many of the local variables are arguments."""
    collected = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + collected


def _constant(code: CodeType, number: int, place: int) -> object:
    value, stored = code.co_consts[number], code.co_code[2 * place + 2 : 2 * place + 4]
    if stored and stored[0] == _STORE_NAME and code.co_names[stored[1]] in _SAID_OF_CLASSES:
        return None
    if isinstance(value, CodeType):
        return behaviour(value)
    simple = exact(value)
    return (type(value), repr(value)) if simple is None else simple


def exact(value: Any) -> object | None:
    """Return a simple constant with its type, so that 1, 1.0 and True are not the same."""
    kind = type(value)
    if kind in PLAIN:
        return kind, value
    if kind is float or kind is complex:
        return kind, repr(value)  # nan is not equal to itself, and 0.0 is equal to -0.0
    if (kind is tuple or kind is frozenset) and len(value) <= LONGEST:
        members = [exact(member) for member in value]
        return None if None in members else (kind, kind(members))
    return None


def names_in(code: CodeType) -> Iterator[str]:
    """Give the names that a code object and the functions inside it look up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
