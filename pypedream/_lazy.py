"""What is loaded when it is first used, so that importing a package is cheap."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def shown_as(subject: object, include: object = None, exclude: object = None) -> dict[str, str]:
    """Return what a notebook shows of *subject*."""
    bundle: dict[str, str] = view("bundle").mimebundle(subject, include, exclude)
    return bundle


def view(name: str) -> Any:
    """Return a module of the views, loaded when it is first used.

    Views are on a shelf above everything that they show, and objects show themselves. This is the
    one way up, with `export`.
    """
    return import_module(f"pypedream.view.{name}")


def export(name: str) -> Any:
    """Return a module of the exports, which are on the same shelf, in the same way."""
    return import_module(f"pypedream.export.{name}")


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package.

    Parameters
    ----------
    package
        The package's ``__name__``.
    homes
        From each name to the module of the package that has it.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
