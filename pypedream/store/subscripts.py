"""Whether code reads what it has loaded, or only stores entries in it: ``seen[key] = row``.

The steps that follow are gone through with a picture of the stack. What is too odd to follow, such
as a key that is chosen by an ``if``, counts as read.
"""

from __future__ import annotations

import sys
from opcode import opmap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENTRY: Final = "entry"
UPDATE: Final = "update"
_IT, _PART, _NEW, _OTHER = "it", "part", "new", "other"
_KEY = ["other"]


def _numbers(*names: str) -> frozenset[int]:
    return frozenset(opmap[name] for name in names if name in opmap)


# Since 3.12 a method that is called at once is loaded as an attribute, with a flag.
HAS_FLAG: Final = sys.version_info >= (3, 12)
_COPY: Final = opmap["COPY"]
_SWAP: Final = opmap["SWAP"]
_BINARY: Final = opmap["BINARY_OP"]
# Arguments of BINARY_OP: "+=" and the like, and "[]", which was an operation of its own.
_IN_PLACE: Final = frozenset(range(13, 26))
_SUBSCRIPT: Final = 26
_READ_ENTRY: Final = _numbers("BINARY_SUBSCR")
_STORE_ENTRY: Final = opmap["STORE_SUBSCR"]
_STORE_SLICE: Final = _numbers("STORE_SLICE")
STORES: Final = _numbers("STORE_SUBSCR", "STORE_SLICE")

# How many values an operation takes from the stack and puts there.
_NONE: Final = _numbers("PRECALL", "KW_NAMES", "NOT_TAKEN")
_PUSH: Final = _numbers(
    *(f"LOAD_{kind}" for kind in ("CONST", "FAST", "FAST_CHECK", "FAST_BORROW", "DEREF", "NAME")),
    *("LOAD_SMALL_INT", "PUSH_NULL"),
)
_CHANGE: Final = _numbers(
    *("UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT", "CONVERT_VALUE", "FORMAT_SIMPLE", "TO_BOOL")
)
_COMBINE: Final = _numbers("COMPARE_OP", "IS_OP", "CONTAINS_OP", "FORMAT_WITH_SPEC") | _READ_ENTRY
_BUILD: Final = _numbers("BUILD_TUPLE", "BUILD_LIST", "BUILD_SET", "BUILD_STRING", "BUILD_SLICE")
_FIXED: Final[dict[int, tuple[int, int]]] = {
    **dict.fromkeys(_NONE, (0, 0)),
    **dict.fromkeys(_PUSH, (0, 1)),
    **dict.fromkeys(_CHANGE, (1, 1)),
    **dict.fromkeys(_COMBINE | {_BINARY}, (2, 1)),
    **dict.fromkeys(_numbers("LOAD_METHOD"), (1, 2)),
    **dict.fromkeys(_numbers("BINARY_SLICE"), (3, 1)),
}
# The numbers of others follow from their argument.
_CALLED = 2  # beside its arguments, a call takes what is called and the object that it belongs to
_HAS_FORMAT = 4
_VARIED: Final[dict[int | None, Callable[[int], tuple[int, int]]]] = {
    opmap["LOAD_GLOBAL"]: lambda argument: (0, 1 + argument % 2),
    opmap["LOAD_ATTR"]: lambda argument: (1, 1 + (argument % 2 if HAS_FLAG else 0)),
    opmap["CALL"]: lambda argument: (argument + _CALLED, 1),
    opmap.get("CALL_KW"): lambda argument: (argument + _CALLED + 1, 1),
    opmap.get("FORMAT_VALUE"): lambda argument: (2 if argument & _HAS_FORMAT else 1, 1),
    **dict.fromkeys(_BUILD, lambda argument: (argument, 1)),
}


def entry_use(steps: Sequence[tuple[int, int, int]], start: int) -> str:
    """Say what becomes of what is on top of the stack before a step.

    Returns
    -------
    "entry" if it only gets an entry, "update" if an entry of it is only changed in place, and
    nothing if it may be read.
    """
    stack = [_IT]
    for place in range(start, len(steps)):
        _, operation, argument = steps[place]
        if operation in STORES:
            return _stored(stack, operation)
        if not _step(stack, operation, argument):
            break
    return ""


def _stored(stack: list[str], operation: int) -> str:
    keys = 1 if operation == _STORE_ENTRY else 2
    *below, container = stack[:-keys] or [""]
    if container != _IT or set(stack[-keys:]) != {_OTHER}:
        return ""
    return {(): ENTRY, (_NEW,): UPDATE}.get(tuple(below), "")


def _step(stack: list[str], operation: int, argument: int) -> bool:
    """Do one step; say whether it could be followed and has read nothing."""
    if operation in (_COPY, _SWAP):
        if argument > len(stack):
            return False
        if operation == _COPY:
            stack.append(stack[-argument])
        else:
            stack[-1], stack[-argument] = stack[-argument], stack[-1]
        return True
    takes, puts = _effect(operation, argument)
    if not 0 <= takes <= len(stack):
        return False
    taken = stack[len(stack) - takes :]
    del stack[len(stack) - takes :]
    stack += [_made(operation, argument, taken)] * puts
    return not stack or stack[-1] != ""


def _made(operation: int, argument: int, taken: list[str]) -> str:
    """Return what an operation makes of what it takes; nothing if it reads what counts."""
    if all(each == _OTHER for each in taken):
        return _OTHER
    if taken == [_IT, _OTHER] and _is_subscript(operation, argument):
        return _PART
    if taken == [_PART, _OTHER] and operation == _BINARY and argument in _IN_PLACE:
        return _NEW
    return ""


def _is_subscript(operation: int, argument: int) -> bool:
    return operation in _READ_ENTRY or (operation == _BINARY and argument == _SUBSCRIPT)


def _effect(operation: int, argument: int) -> tuple[int, int]:
    """Return how many values an operation takes and puts; a negative number if it is not known."""
    vary = _VARIED.get(operation)
    return _FIXED.get(operation, (-1, 0)) if vary is None else vary(argument)
