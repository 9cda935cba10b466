"""Optional dependencies: import one, or say how to install it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.errors import MissingExtra

if TYPE_CHECKING:
    from types import ModuleType

_CONDA_NAMES = {"yaml": "pyyaml"}


def need(module: str, *, extra: str | None, for_: str) -> ModuleType:
    """Import *module*, or raise an error that says how to install it.

    Parameters
    ----------
    module
        The module to import, as in ``import module``.
    extra
        The extra of pypedream that brings it. None when no extra does: it is installed by itself.
    for_
        What the user was doing, as the subject of the message: "--params flow.yaml".

    Raises
    ------
    MissingExtra
        If the module is not installed; the text has a pip and a conda command.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtra(_how_to_install(module, extra, for_), name=module) from None


def why_missing(module: str, *, extra: str | None, for_: str) -> str:
    """Return what `need` would say if *module* is not installed, without importing it; else ""."""
    from importlib.util import find_spec

    is_there = find_spec(module.partition(".")[0]) is not None
    return "" if is_there else _how_to_install(module, extra, for_)


def _how_to_install(module: str, extra: str | None, for_: str) -> str:
    package = _CONDA_NAMES.get(module, module.partition(".")[0])
    wanted = package if extra is None else f'"pypedream[{extra}]"'
    return (
        f"{for_} needs {package}: pip install {wanted}  or  conda install -c conda-forge {package}"
    )
