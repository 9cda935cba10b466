"""Functions by name: "package.module.function" as the function, and the other way round."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["function_at", "name_of_function"]


def function_at(given: Any) -> Callable[..., Any]:
    """Return a function, from itself or from where it is.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> function_at("math.sqrt")(9.0)
    3.0
    """
    if callable(given):
        found: Callable[..., Any] = given
        return found
    if not isinstance(given, str) or "." not in given.replace(":", "."):
        raise ValueError(f'function must be a function or "package.module.name", not {given!r}')
    names = given.replace(":", ".").split(".")
    for count in range(len(names) - 1, 0, -1):
        module = ".".join(names[:count])
        try:
            value: Any = import_module(module)
        except ModuleNotFoundError as error:
            if error.name is not None and (
                module == error.name or module.startswith(f"{error.name}.")
            ):
                continue
            raise
        return _member(value, names[count:], given)
    raise ValueError(f'function "{given}": there is no module "{names[0]}"')


def _member(value: Any, names: list[str], given: str) -> Callable[..., Any]:
    for name in names:
        if not hasattr(value, name):
            near = did_you_mean(name, dir(value))
            raise ValueError(f'function "{given}": there is no "{name}"{near}')
        value = getattr(value, name)
    if not callable(value):
        raise ValueError(  # noqa: TRY004 - pydantic takes it for a mistake in the configuration
            f'function "{given}" is {type(value).__name__}, which cannot be called'
        )
    found: Callable[..., Any] = value
    return found


def name_of_function(function: Any) -> Any:
    """Return by what name `function_at` finds a function; itself if by none."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    given = f"{module}.{name}"
    if not module or "<" in name:
        return function
    try:
        return given if function_at(given) is function else function
    except (ImportError, ValueError):
        return function
