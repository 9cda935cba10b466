"""What a name stands for, found without running the code of the object that has it."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from pypedream.store.bytecode import names_in
from pypedream.store.fields import fields_of
from pypedream.store.functions import CALLABLES
from pypedream.store.packages import is_users, is_users_module

if TYPE_CHECKING:
    from pypedream.store.scan import Reference

MISSING: Final = object()
_PLAIN: Final = (bool, int, float, complex, str, bytes, tuple, frozenset, list, dict, set)


def of_module(module: ModuleType, name: str) -> Any:
    """Return what a module holds, without running a ``__getattr__`` of it."""
    found = vars(module).get(name, MISSING)
    return sys.modules.get(f"{module.__name__}.{name}", MISSING) if found is MISSING else found


def is_of(module: ModuleType, name: str, value: Any) -> bool:
    """Say whether something was written in a module, and not imported into it."""
    if name[:2] == "__" or isinstance(value, ModuleType):
        return False
    return not isinstance(value, CALLABLES) or getattr(value, "__module__", "") == module.__name__


def of_object(value: Any, name: str) -> Any:
    """Return an attribute that is plain data of an object or class of the user."""
    if isinstance(value, CALLABLES) and not isinstance(value, type):
        return MISSING
    if isinstance(value, type):
        holders = [vars(base) for base in value.__mro__ if is_users(base)]
        found = next((names[name] for names in holders if name in names), MISSING)
        return found if type(found) in _PLAIN else MISSING
    if not is_users(type(value)) or hasattr(type(value), "__pypedream_hash__"):
        return MISSING
    return fields_of(value).get(name, MISSING)


def load(function: FunctionType, reference: Reference) -> ModuleType | None:
    """Return the module that is imported inside a function; one of the user is loaded for it."""
    from importlib.util import resolve_name

    name = reference.name
    try:
        if reference.level:
            package = str(function.__globals__.get("__package__") or "")
            name = resolve_name("." * reference.level + name, package)
        if is_users_module(name):
            import_module(name)
        found = name if reference.has_from else name.partition(".")[0]
        is_open = reference.has_from and is_users_module(name)
        for attribute in reference.attributes if is_open else ():
            with suppress(ModuleNotFoundError):
                if not hasattr(sys.modules[name], attribute):
                    import_module(f"{name}.{attribute}")
        return sys.modules.get(found) or (None if is_users_module(name) else ModuleType(name))
    except ImportError:  # the function itself will say so when it is called
        return None


def read_of(function: FunctionType, module: ModuleType) -> list[str]:
    """Return the names that a function reads and that a module has."""
    names = dict.fromkeys(names_in(function.__code__))
    return [name for name in names if of_module(module, name) is not MISSING]
