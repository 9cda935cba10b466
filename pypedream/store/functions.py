"""What belongs to a function beside its byte code: layers around it, defaults, captured values."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, lru_cache, partial
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHED: Final[Any] = type(lru_cache(str))
# What can be written down as code, and where the function is in what is only a layer around it.
CALLED: Final = (FunctionType, MethodType, partial, type, CACHED)
BUILTIN: Final = (
    BuiltinFunctionType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
)
CALLABLES: Final = (*CALLED, *BUILTIN)
_LAYER: Final[tuple[tuple[Any, str], ...]] = (
    ((FunctionType, CACHED), "__wrapped__"),
    (MethodType, "__func__"),
    (partial, "func"),
)
# Where the methods are in what stands for them in a class.
_INSIDE: Final[tuple[tuple[Any, str], ...]] = (
    ((staticmethod, classmethod), "__func__"),
    (property, "fget"),
    (property, "fset"),
    (property, "fdel"),
    (cached_property, "func"),
)
_LAYERS = 100


def innermost(function: Any) -> Any:
    """Return what is left when decorators, partials and the like are taken off."""
    if type(function) is FunctionType and "__wrapped__" not in vars(function):
        return function  # as most are
    for _ in range(_LAYERS):  # decorators can wrap each other in a circle
        attribute = next((name for kinds, name in _LAYER if isinstance(function, kinds)), None)
        if attribute is None or not hasattr(function, attribute):
            break
        function = getattr(function, attribute)
    return function


def inside(attribute: Any) -> list[Any]:
    """Return the functions in what stands for them in a class: a property or static method."""
    found = [getattr(attribute, name) for kinds, name in _INSIDE if isinstance(attribute, kinds)]
    return [function for function in found if function is not None]


def defaults(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Give the arguments that have a default, and the default."""
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    yield from zip(reversed(names), reversed(values), strict=False)
    yield from (function.__kwdefaults__ or {}).items()


def captured(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Give the names and values of the variables of enclosing functions."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a cell that is not filled yet
            yield name, cell.cell_contents


def is_generated(function: Any) -> bool:
    """Say whether a method was made by attrs or dataclasses: the fields say all of it.

    One that attrs shares between classes bears the name of the class that was made last.
    """
    inner = innermost(function)
    code = getattr(inner, "__code__", None)
    if not isinstance(code, CodeType):
        return False
    made = code.co_filename.startswith("<attrs generated")
    is_of_attrs = str(getattr(inner, "__globals__", {}).get("__name__")).startswith("attr.")
    return made or is_of_attrs or code.co_qualname.startswith("__create_fn__")
