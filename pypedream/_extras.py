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
        package = _CONDA_NAMES.get(module, module.partition(".")[0])
        wanted = package if extra is None else f'"pypedream[{extra}]"'
        raise MissingExtra(
            f"{for_} needs {package}: pip install {wanted}"
            f"  or  conda install -c conda-forge {package}",
            name=module,
        ) from None
