"""What another process could not find by its name, and so has to travel as a whole."""

from __future__ import annotations

import sys
from collections import ChainMap
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from importlib import import_module
from io import BytesIO, TextIOWrapper
from threading import Lock
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pickle import PickleBuffer

__all__ = ["dumped_as_a_whole", "module_by_value", "why_as_a_whole", "why_not_by_name"]

_by_value = Lock()
_origins: dict[tuple[str, str], bool] = {}


def why_as_a_whole(value: Any, by_value: str | None) -> str:
    """Say why *value* has to go as a whole."""
    why = why_not_by_name(getattr(value, "function", value))
    if not why and by_value is not None:
        why = f"is defined in {by_value}, which another process cannot import"
    why = why or "takes or gives what is defined in __main__ or within a function"
    return f"{why}: to call it in another process"


def why_not_by_name(function: Any) -> str:
    """Say why another process cannot find a function by its name; "" if it seems that it can."""
    function = _innermost(function)
    name = getattr(function, "__qualname__", "")
    if "<lambda>" in name:
        return "is a lambda"
    if "<locals>" in name:
        return "is defined within a function"
    return "is defined in __main__" if getattr(function, "__module__", "") == "__main__" else ""


def dumped_as_a_whole(
    value: Any, by_value: str | None, keep: Callable[[PickleBuffer], bool]
) -> bytes:
    """Return the pickle of *value* that cloudpickle makes.

    Parameters
    ----------
    by_value
        Name of a module that the other process cannot import.
    keep
        Says of each buffer whether it goes into the pickle.
    """
    with _registered(by_value), BytesIO() as file:
        pickler = _whole_pickler()(file, 5, buffer_callback=keep)
        pickler.dump(value)
        return file.getvalue()


@cache
def _whole_pickler() -> Any:
    """Return cloudpickle's pickler; ours knows pypedream's context variables, and no files.

    Code keeps the name of its file, which cloudpickle leaves out: tracebacks show its lines.
    """
    usual: Any = import_module("cloudpickle").Pickler
    code_reduced = partial(_with_file, usual.dispatch_table[CodeType])
    own = {ContextVar: _named, TextIOWrapper: _standard, CodeType: code_reduced}
    # Its own way for files is to read them, and to send their text.
    return type("Pickler", (usual,), {"dispatch_table": ChainMap(own, usual.dispatch_table)})


def _named(variable: ContextVar[Any]) -> tuple[Any, ...]:
    from pypedream import context

    name = variable.name.rpartition(".")[2]
    if getattr(context, name, None) is not variable:
        raise TypeError("cannot pickle 'ContextVar' object")
    return getattr, (context, name)


def _with_file(reduce: Callable[[CodeType], Any], code: CodeType) -> tuple[Any, ...]:
    make, parts = reduce(code)[:2]
    return _code_of_file, (code.co_filename, make, parts)


def _code_of_file(file: str, make: Callable[..., CodeType], parts: tuple[Any, ...]) -> CodeType:
    return make(*parts).replace(co_filename=file)


def _standard(file: TextIOWrapper) -> tuple[Any, ...]:
    for name in ("stdin", "stdout", "stderr"):
        if file is getattr(sys, name):
            return getattr, (sys, name)
    raise TypeError("cannot pickle '_io.TextIOWrapper' object")


@contextmanager
def _registered(module: str | None) -> Iterator[None]:
    """Let cloudpickle take along as a whole what *module* defines."""
    if module is None or module not in sys.modules:
        yield
        return
    cloudpickle = import_module("cloudpickle")
    with _by_value:
        cloudpickle.register_pickle_by_value(sys.modules[module])
        try:
            yield
        finally:
            cloudpickle.unregister_pickle_by_value(sys.modules[module])


def module_by_value(function: Any) -> str | None:
    """Return the module of *function* if another process could not import it by its name."""
    name = getattr(_innermost(function), "__module__", None)
    if not isinstance(name, str) or name == "__main__":  # that is seen in the pickle
        return None
    return None if _is_importable(name) else name


def _innermost(function: Any) -> Any:
    while isinstance(function, partial) or _is_around(function):
        function = function.func if isinstance(function, partial) else function.__wrapped__
    return function


def _is_around(function: Any) -> bool:
    """Say whether it is an object that calls a function, and says which."""
    return hasattr(type(function), "__wrapped__")


def _is_importable(name: str) -> bool:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:  # built in, or made by hand: then cloudpickle knows
        return True
    found = _origins.get((name, file))
    if found is None:
        found = _origins[name, file] = _origin_of(name) == file
    return found


def _origin_of(name: str) -> str | None:
    """Return the file that importing *name* anew would load."""
    parent, _, _ = name.rpartition(".")
    path = getattr(sys.modules.get(parent), "__path__", None) if parent else None
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = None if find is None else find(name, path)
        if spec is not None:
            origin: str | None = spec.origin
            return origin
    return None
