"""Whose code something is: the user's own, or of an installed package that has a version."""

from __future__ import annotations

import sys
from functools import lru_cache
from types import FunctionType
from typing import Any, Final

from pypedream.places import is_library, is_ours

# What a person types, whatever module it is typed in.
_TYPED: Final = ("<stdin>", "<doctest ", "<ipython-input", "<cell ")


def is_users(value: Any) -> bool:
    """Say whether a function or class was written by the user."""
    if isinstance(value, FunctionType):
        file = value.__code__.co_filename
        if file[:1] != "<":
            return _is_users_file(file)
        if file.startswith(_TYPED):
            return True
        if is_ours(file):  # a method that attrs wrote
            return False
        name = value.__globals__.get("__name__")
        return name is None or is_users_module(str(name))  # text that was run has no module
    return is_users_module(str(getattr(value, "__module__", "")))


def is_users_module(name: str) -> bool:
    """Say whether a module is the user's own. It need not be loaded."""
    if name == "__main__":
        return True
    top = name.partition(".")[0]
    if top in ("pypedream", "builtins", "None", ""):
        return False
    module = sys.modules.get(name)
    file = _file_of(module) if module is not None else _file_of_missing(top)
    if file is None:
        return top not in sys.stdlib_module_names
    return _is_users_file(file)


@lru_cache(maxsize=10_000)
def _is_users_file(file: str) -> bool:
    return not is_library(file) and not is_ours(file)


def _file_of(module: Any) -> str | None:
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return file
    return next(iter(getattr(module, "__path__", ())), None)


def _file_of_missing(top: str) -> str | None:
    from importlib.util import find_spec

    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    return spec.origin or next(iter(spec.submodule_search_locations or ()), None)


@lru_cache(maxsize=1_000)
def package_of(module: str) -> tuple[str, str] | None:
    """Return package and version of a module that is not the user's own.

    None for Python itself, whose version counts anyway, and for pypedream.
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("pypedream", "None", ""):
        return None
    return top, _version(top)


def _version(top: str) -> str:
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    try:
        return version(top)
    except PackageNotFoundError:
        for name in packages_distributions().get(top, ()):
            return version(name)
    return str(getattr(sys.modules.get(top), "__version__", "unknown"))
