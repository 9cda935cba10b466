"""Steps: typed configurations that compute a value and keep it.

A step is a pydantic model with a method `_run`; it is written once, in Python or in YAML, and run
many times. What it computed is kept in the store and found again by its configuration, its code and
its input. A name is loaded when it is first used; all of them need the extra ``steps``.
"""

from __future__ import annotations

from pypedream._lazy import lazy_names

_HOMES: dict[str, str] = {}

__all__: list[str] = []

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
