"""Whether what is annotated one way can be given to an argument annotated another way.

The answer is no only when it is certain that no value can fit: a plan that refuses a pipeline
that would have run is worse than one that leaves a mistake to the run.
"""

from __future__ import annotations

import sys
from abc import ABCMeta
from collections import abc
from contextlib import suppress
from enum import Enum
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    Union,
    Unpack,
    get_args,
    get_origin,
)

from pypedream.engine.annotations import UNKNOWN, annotations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UNKNOWN", "annotations_of", "can_fit", "shown"]

_TYPING: Final = ("typing", "typing_extensions")
_NUMBERS: Final = (int, float, complex)
_NUMPY_NUMBERS: Final = ("number", "bool", "bool_")
_BYTES: Final = (bytes, bytearray, memoryview)
# The engine waits for these, or collects what they give: what arrives is not what is annotated.
_COLLECTED: Final = (abc.Iterator, abc.AsyncIterable, abc.Awaitable)
# Nothing is two of these, although no class says so.
_APART: Final = (abc.Sequence, abc.Set, abc.Mapping)
# The parameters of these classes mean the same in every one that has the same number of them.
_ALIKE: Final = ("builtins", "collections", "collections.abc")
_MEMBER_OF: Final[dict[type, type]] = {str: str, bytes: int, bytearray: int, range: int}
_CALLABLE: Final[Any] = abc.Callable
_SHOWN = 80


def can_fit(produced: Any, consumed: Any) -> bool:
    """Say whether some value of *produced* can be a value of *consumed*.

    Never raises. False means that it is certain: an annotation that is broader than needed
    fits (`int | None` for `int`, `Sequence` for `list`, `float` for `int`).

    Examples
    --------
    >>> can_fit(list[int], list[str]), can_fit(bool, float), can_fit(int | None, int)
    (False, True, True)
    """
    with suppress(Exception):  # a metaclass or an ABC of the user's may do anything when asked
        return _fits(produced, consumed)
    return True


def shown(annotation: Any) -> str:
    """Return an annotation as short text, as its author would write it.

    Examples
    --------
    >>> shown(dict[str, int | None])
    'dict[str, int | None]'
    """
    with suppress(Exception):  # an annotation may be any object, and its attributes may be code
        text = _text(annotation)
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    return type(annotation).__name__


def _fits(produced: Any, consumed: Any) -> bool:
    return any(
        _member_fits(ours, theirs) for ours in _members(produced) for theirs in _members(consumed)
    )


def _members(annotation: Any) -> Iterator[Any]:
    """Give what a union is made of, each without what is written around a type."""
    if get_origin(annotation) is Annotated:
        yield from _members(annotation.__origin__)
    elif isinstance(annotation, NewType):
        yield from _members(annotation.__supertype__)
    elif get_origin(annotation) in (Union, UnionType):
        for member in annotation.__args__:
            yield from _members(member)
    else:
        yield NoneType if annotation is None else annotation


def _member_fits(produced: Any, consumed: Any) -> bool:
    if get_origin(produced) is Literal and get_origin(consumed) is Literal:
        return any(value in consumed.__args__ for value in produced.__args__)
    if get_origin(produced) is Literal:
        return any(_fits(type(value), consumed) for value in produced.__args__)
    if get_origin(consumed) is Literal:
        return any(_fits(produced, type(value)) for value in consumed.__args__)
    ours, theirs = _class_of(produced), _class_of(consumed)
    if ours is None or theirs is None or issubclass(ours, _COLLECTED):
        return True
    return _classes_fit(ours, theirs) and _arguments_fit((ours, produced), (theirs, consumed))


def _class_of(annotation: Any) -> type | None:
    """Return the class that values of *annotation* belong to; None when that is not certain."""
    origin = get_origin(annotation) or annotation
    if not isinstance(origin, type) or origin is object or origin.__module__ in _TYPING:
        return None
    if type(origin).__name__ == "_TypedDictMeta":
        return dict
    is_loose = Any in origin.__mro__ or getattr(origin, "_is_protocol", False)
    return None if is_loose or _decides_itself(type(origin)) else origin


def _decides_itself(metaclass: Any) -> bool:
    """Say whether a metaclass has its own idea of what an instance is, as array types do."""
    home = getattr(metaclass.__instancecheck__, "__module__", None)
    return home is not None and home not in (ABCMeta.__module__, *_TYPING)


def _classes_fit(produced: type, consumed: type) -> bool:
    if issubclass(produced, consumed) or issubclass(consumed, produced):
        return True  # a narrower consumer may know better
    for kinds in (_is_number, _is_bytes):
        if kinds(produced) and kinds(consumed):
            return True
    return _may_meet(produced, consumed)


def _is_number(kind: type) -> bool:
    """Say whether a value counts as a number; bool, int, float and complex stand for each other."""
    return issubclass(kind, _NUMBERS) or any(
        base.__module__ == "numpy" and base.__name__ in _NUMPY_NUMBERS for base in kind.__mro__
    )


def _is_bytes(kind: type) -> bool:
    return issubclass(kind, _BYTES)


def _may_meet(produced: Any, consumed: Any) -> bool:
    """Say whether a class may well be both: abstract ones tell nothing of their children."""
    if not all(getattr(kind, "__abstractmethods__", ()) for kind in (produced, consumed)):
        return False
    ours = [one for one in _APART if issubclass(produced, one)]
    theirs = [one for one in _APART if issubclass(consumed, one)]
    return not (ours and theirs)


def _arguments_fit(produced: tuple[type, Any], consumed: tuple[type, Any]) -> bool:
    """Compare what stands in the brackets, where it means the same on both sides."""
    (ours, source), (theirs, target) = produced, consumed
    is_alike = ours.__module__ in _ALIKE and theirs.__module__ in _ALIKE
    if theirs is _CALLABLE or not (ours is theirs or is_alike) or target is theirs:
        return True
    given, wanted = get_args(source), get_args(target)
    if ours is tuple or theirs is tuple:
        return _tuple_fits(source, target)
    if source is ours and ours in _MEMBER_OF:
        given = (_MEMBER_OF[ours],)
    return len(given) != len(wanted) or all(map(_fits, given, wanted))


def _tuple_fits(source: Any, target: Any) -> bool:
    """Compare member by member; one side may be a sequence or a set of any length."""
    given, wanted = _tuple_members(source), _tuple_members(target)
    if given is None or wanted is None:
        return True
    length = next((len(one) for one in (given, wanted) if ... not in one), 1)
    ours, theirs = _of_length(given, length), _of_length(wanted, length)
    return len(ours) == len(theirs) and all(map(_fits, ours, theirs))


def _tuple_members(annotation: Any) -> tuple[Any, ...] | None:
    """Return the types of the members, as ``(int, ...)`` when there may be any number."""
    members = get_args(annotation)
    if any(getattr(one, "__unpacked__", False) or get_origin(one) is Unpack for one in members):
        return None
    if get_origin(annotation) is tuple and hasattr(annotation, "__args__"):
        return members
    return (*members, ...) if len(members) == 1 else None


def _of_length(members: tuple[Any, ...], length: int) -> tuple[Any, ...]:
    return members[:1] * length if ... in members else members


def _text(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _plain_text(annotation)
    if origin is Annotated:
        return _text(annotation.__origin__)
    if origin in (Union, UnionType):
        return " | ".join(map(_text, arguments))
    inside = ", ".join(map(_literal_text if origin is Literal else _text, arguments))
    is_bare = not hasattr(annotation, "__args__")  # typing.List, without brackets
    return _text(origin) if is_bare else f"{_text(origin)}[{inside or '()'}]"


def _plain_text(annotation: Any) -> str:
    if annotation is None or annotation is NoneType:
        return "None"
    if annotation is ...:
        return "..."
    if isinstance(annotation, list):  # the parameters of a Callable
        return f"[{', '.join(map(_text, annotation))}]"
    if isinstance(annotation, type):
        return _class_text(annotation)
    if isinstance(annotation, str) or annotation is UNKNOWN:
        return str(annotation)
    name = getattr(annotation, "__forward_arg__", None) or getattr(annotation, "__name__", None)
    return name if isinstance(name, str) else type(annotation).__name__


def _literal_text(value: Any) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)


def _class_text(kind: type) -> str:
    home = _shortest_home(kind)
    return kind.__qualname__ if home is None else f"{home}.{kind.__qualname__}"


def _shortest_home(kind: type) -> str | None:
    """Return the outermost package that offers the class: pandas, not pandas.core.frame."""
    if kind.__module__ in ("builtins", "collections.abc", "__main__", *_TYPING):
        return None
    parts = kind.__module__.split(".")
    for count in range(1, len(parts)):
        package = sys.modules.get(".".join(parts[:count]))
        if package is not None and vars(package).get(kind.__qualname__) is kind:
            return ".".join(parts[:count])
    return kind.__module__
