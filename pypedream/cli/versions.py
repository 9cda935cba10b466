"""Versions of what is installed, without importing it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version
from re import match, search


def version_of(distribution: str) -> str | None:
    """Return the installed version of a distribution; None when it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def requirements() -> dict[str, list[str]]:
    """Return what pypedream needs, by extra; "" is the base.

    Empty when pypedream itself runs from a folder and is not installed.
    """
    try:
        lines = requires("pypedream") or []
    except PackageNotFoundError:
        return {}
    needed: dict[str, list[str]] = {"": []}
    for line in lines:
        name = match(r"[\w.-]+", line)
        extra = search(r"extra *== *['\"]([\w-]+)['\"]", line)
        if name is not None:
            needed.setdefault(extra[1] if extra else "", []).append(name[0])
    return needed
