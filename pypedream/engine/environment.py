"""Environment: what a run is carried out with, besides the user's own code and values."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BASE = ("pypedream", "attrs", "click", "structlog", "toolz")
_KEYS = ("python", "platform", "host")
_INFO = ".dist-info"


def environment() -> dict[str, Any]:
    """Return what is recorded of the environment of a run, as what JSON can hold.

    Packages that the user's code names are not among it: the record of the results has them.
    """
    return {
        "python": sys.version.partition(" ")[0],
        "platform": _platform(),
        "host": _host(),
        "packages": dict(_base_versions()),
    }


def environment_in(description: Mapping[str, Any]) -> dict[str, str]:
    """Return what a ``run.json`` says of the environment, from name to text."""
    found = {name: description[name] for name in _KEYS if isinstance(description.get(name), str)}
    packages = description.get("packages")
    if isinstance(packages, dict):
        found |= {f"package {name}": str(version) for name, version in packages.items()}
    return found


def _platform() -> str:
    """Return system, release and machine; to import `platform` costs more than the record."""
    if hasattr(os, "uname"):
        about = os.uname()
        return f"{about.sysname} {about.release} {about.machine}"
    return f"{sys.platform} {os.environ.get('PROCESSOR_ARCHITECTURE', '')}".rstrip()


def _host() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME", "")


@cache
def _base_versions() -> tuple[tuple[str, str], ...]:
    found = _installed_beside_attrs()
    return tuple((name, found.get(name) or _looked_up(name)) for name in _BASE)


def _installed_beside_attrs() -> dict[str, str]:
    """Return the versions that names of folders tell.

    To import importlib.metadata takes longer than many a run does.
    """
    import attrs

    try:
        names = os.listdir(os.path.dirname(os.path.dirname(attrs.__file__)))
    except OSError:
        return {}
    split = [
        name.removesuffix(_INFO).rpartition("-") for name in sorted(names) if name.endswith(_INFO)
    ]
    return {name.lower(): version for name, _, version in split}


def _looked_up(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
