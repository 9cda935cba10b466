"""Whether a function is still the same: its code, and what its code refers to.

A notebook cell that is run again makes new functions in the same namespace, so the old version of
a helper is gone. What a function was is therefore written down, as a `CodeState`, while it is
there. A state holds the byte code, names and constants themselves and no hash of them: it costs
microseconds, and two states are equal only if the code is.

File names, line numbers, docstrings and annotations do not count. What a name refers to is
followed as long as it belongs to the same top-level module as the function: functions, classes,
and simple constants. Everything else that a name may refer to is not looked at.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field, frozen

from pypedream.engine.mutation import SameObject, digest
from pypedream.store.bytecode import LONGEST, PLAIN, behaviour, exact, names_in
from pypedream.store.fields import fields_of
from pypedream.store.functions import (
    CACHED,
    CALLED,
    captured,
    defaults,
    innermost,
    inside,
    is_generated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Key = tuple[str, str, int]

_INSTALLED: Final = ("site-packages", "dist-packages")
_PYTHON: Final = os.path.dirname(os.__file__) + os.sep
_CONSTANTS: Final = (*PLAIN, float, complex, tuple, frozenset, list, dict, set)


@frozen(unsafe_hash=False)
class CodeState:
    """What a function was at one moment; equal to another one if nothing has changed.

    Attributes
    ----------
    name
        Name of the function. It may change: a renamed function is the same.
    parts
        From kind and name of each thing that counts to what can be compared. Things of the same
        kind and name are numbered.
    """

    name: str = field(eq=False)
    parts: Mapping[Key, object]


def same_code(first: Any, second: Any) -> bool:
    """Say whether two functions are the same as far as their code goes.

    Helpers are compared as they are now: to compare with the past, keep a `code_state`.

    Examples
    --------
    >>> same_code(lambda rows: len(rows), lambda rows: len(rows))
    True
    >>> same_code(lambda rows: len(rows), lambda rows: len(rows) - 1)
    False
    """
    return code_state(first) == code_state(second)


def code_state(function: Any) -> CodeState:
    """Write down what *function* is now.

    Parameters
    ----------
    function
        Anything that can be called: a function, method, partial, class or other object.
    """
    inner = innermost(function)
    found = _Parts("" if _is_installed(inner) else _home_of(inner))
    found.add("function", "", function)
    is_named = isinstance(inner, (FunctionType, BuiltinFunctionType, type))
    return CodeState(inner.__name__ if is_named else type(inner).__name__, found.parts)


def changes(old: CodeState, new: CodeState) -> list[str]:
    """Name what is not the same in two states of a function, in the order in which it is used.

    Examples
    --------
    >>> def clean(rows, limit=3): ...
    >>> before = code_state(clean)
    >>> clean.__defaults__ = (4,)
    >>> changes(before, code_state(clean))
    ['default of limit']
    """
    keys = dict.fromkeys([*new.parts, *old.parts])
    shared = [key for key in keys if key in old.parts and key in new.parts]
    changed = [key for key in shared if old.parts[key] != new.parts[key]]
    # What only one of them refers to follows from a change of the code, unless there is none.
    named = changed or [key for key in keys if key not in shared]
    return list(dict.fromkeys(f"{kind} {name or new.name}" for kind, name, _ in named))


@define(eq=False)
class _Parts:
    """The parts of one state while they are collected.

    Attributes
    ----------
    home
        Top-level module of the function; what belongs to it is followed. Empty when the function
        is from a library: libraries do not change while they are used.
    seen
        What was added already, so that functions may call each other in a circle.
    """

    home: str
    parts: dict[Key, object] = Factory(dict)
    seen: dict[int, object] = Factory(dict)

    def add(self, kind: str, name: str, value: Any) -> None:
        """Add one thing that the function depends on, and what that depends on."""
        simple = exact(value)
        if simple is not None:
            self.put(kind, name, simple)
        elif id(value) not in self.seen:
            self.seen[id(value)] = value
            add = next((add for kinds, add in _ADDERS if isinstance(value, kinds)), _add_object)
            add(self, kind, name, value)

    def put(self, kind: str, name: str, content: object) -> None:
        """Keep one part. Another module may have the same name for something else."""
        number = 1
        while self.parts.setdefault((kind, name, number), content) != content:
            number += 1

    def is_own(self, module: object) -> bool:
        """Say whether a module belongs to the same top-level module as the function."""
        return _top(module) == self.home

    def add_fields(self, name: str, value: Any) -> None:
        """Add the attributes of an object."""
        for field_name, content in fields_of(value).items():
            self.add("attribute", _within(field_name, name), content)


def _add_function(parts: _Parts, kind: str, name: str, function: FunctionType) -> None:
    if _home_of(function) == parts.home:
        _add_code(parts, kind, name, function)
    else:
        parts.put(kind, name, SameObject(function))


def _add_code(parts: _Parts, kind: str, name: str, function: FunctionType) -> None:
    module = function.__globals__.get("__name__")
    parts.put(kind, name, behaviour(function.__code__))
    for argument, content in defaults(function):
        parts.add("default of", _within(argument, name), content)
    is_own = parts.is_own(module)
    for variable, content in captured(function):
        if isinstance(content, CALLED):
            # A decorator of another library keeps more than the function that it wraps.
            if is_own or _home_of(content) == parts.home:
                parts.add("helper", getattr(content, "__name__", variable), content)
        elif is_own and not is_generated(function):
            parts.add("captured value", _within(variable, name), content)
    if "__wrapped__" in vars(function):
        inner = innermost(function)
        parts.add("helper", getattr(inner, "__name__", "__wrapped__"), inner)
    if is_own:
        _follow(parts, function)


def _follow(parts: _Parts, function: FunctionType) -> None:
    """Add what the names in the code refer to, of what is written in the same place."""
    for name in dict.fromkeys(names_in(function.__code__)):
        value = function.__globals__.get(name)
        if isinstance(value, CALLED):
            is_itself = getattr(value, "__qualname__", None) == function.__qualname__
            if not is_itself and _home_of(value) == parts.home:
                parts.add("class" if isinstance(value, type) else "helper", name, value)
        elif type(value) in _CONSTANTS and name in function.__globals__:
            parts.add("constant", name, value)


def _add_method(parts: _Parts, kind: str, name: str, method: MethodType) -> None:
    parts.add(kind, name, method.__func__)
    owner = method.__self__
    if isinstance(owner, type):
        parts.add("class", owner.__name__, owner)
    elif parts.is_own(type(owner).__module__):
        parts.add("class", type(owner).__name__, type(owner))
        parts.add_fields(name, owner)
    else:
        parts.put("object", name, SameObject(owner))


def _add_partial(parts: _Parts, kind: str, name: str, value: partial[Any]) -> None:
    parts.add(kind, name and getattr(value.func, "__name__", name), value.func)
    given = {**{str(place): one for place, one in enumerate(value.args, 1)}, **value.keywords}
    for argument, content in given.items():
        parts.add("argument", _within(argument, name), content)


def _add_cached(parts: _Parts, kind: str, name: str, value: Any) -> None:
    parts.add(kind, name, value.__wrapped__)


def _add_class(parts: _Parts, kind: str, name: str, value: type) -> None:
    if not parts.is_own(value.__module__):
        parts.put(kind, name, SameObject(value))
        return
    parts.put(kind, name, tuple(base.__name__ for base in value.__mro__))
    for base in value.__mro__:
        for attribute, content in vars(base).items() if parts.is_own(base.__module__) else ():
            _add_attribute(parts, base, attribute, content)


def _add_attribute(parts: _Parts, owner: type, attribute: str, content: Any) -> None:
    name = f"{owner.__name__}.{attribute}"
    inner = inside(content)
    for method in inner or [content]:
        if isinstance(method, FunctionType) and is_generated(method):
            if attribute == "__init__":  # which has the defaults; the others follow from the fields
                _add_code(parts, "method", name, method)
        elif isinstance(method, CALLED) and _home_of(method) == parts.home:
            parts.add("method", name, method)
    if attribute == "_member_map_":  # of an Enum
        for member_name, member in content.items():
            parts.add("constant", f"{owner.__name__}.{member_name}", member._value_)
    elif type(content) in _CONSTANTS and not (attribute[:1] == attribute[-1:] == "_"):
        parts.add("constant", name, content)


def _add_object(parts: _Parts, kind: str, name: str, value: Any) -> None:
    """Add an object that can be called like a function, or anything else by its content."""
    owner = type(value)
    calls = [vars(base)["__call__"] for base in owner.__mro__ if "__call__" in vars(base)]
    if isinstance(next(iter(calls), None), FunctionType) and parts.is_own(owner.__module__):
        parts.add("class", owner.__name__, owner)
        parts.add_fields(name, value)
    else:
        parts.put(kind, name, _content(value))


_ADDERS: Final[tuple[tuple[Any, Callable[[_Parts, str, str, Any], None]], ...]] = (
    (FunctionType, _add_function),
    (MethodType, _add_method),
    (partial, _add_partial),
    (type, _add_class),
    (CACHED, _add_cached),
)


def _within(name: str, owner: str) -> str:
    return f"{name} in {owner}" if owner else name


def _home_of(function: Any) -> str:
    """Return the top-level module that a function was written in, whoever decorated it."""
    inner = innermost(function)
    if isinstance(inner, FunctionType):
        return _top(inner.__globals__.get("__name__"))
    return _top((inner if isinstance(inner, type) else type(inner)).__module__)


def _is_installed(function: Any) -> bool:
    """Say whether something is from Python itself or from an installed library."""
    if isinstance(function, FunctionType):
        file = function.__code__.co_filename
    else:
        module = (function if isinstance(function, type) else type(function)).__module__
        if module in sys.builtin_module_names:
            return True
        file = getattr(sys.modules.get(module), "__file__", None) or ""
    return file.startswith(_PYTHON) or any(place in file for place in _INSTALLED)


def _top(module: object) -> str:
    return str(module).partition(".")[0]


@frozen(eq=False)
class _Kept:
    """An object that code refers to: the same while it is this object, or one of equal content.

    What stages themselves change, a counter or a list that they append to, is no change of code.
    """

    held: object
    content: object

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Kept):
            return NotImplemented
        return self.held is other.held or self.content == other.content

    __hash__ = None  # type: ignore[assignment]


def _content(value: Any) -> object:
    if type(value) in _CONSTANTS and len(value) > LONGEST:
        return SameObject(value)
    content = digest(value)
    return SameObject(value) if content is None else _Kept(value, content)
