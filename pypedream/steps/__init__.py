"""Steps: typed configurations that compute a value and keep it.

A step is a pydantic model with a method `_run`; it is written once, in Python or in YAML, and run
many times. What it computed is kept in the store and found again by its configuration, its code and
its input. A name is loaded when it is first used; all of them need the extra ``steps``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._extras import need
from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.errors import BatchProtocolError
    from pypedream.steps.chain import Chain
    from pypedream.steps.func import Func
    from pypedream.steps.items import StepItems
    from pypedream.steps.lookup import LookupHandle
    from pypedream.steps.no_value import NoValue
    from pypedream.steps.step import Step

_HOMES = {
    "BatchProtocolError": "items",
    "Chain": "chain",
    "Func": "func",
    "LookupHandle": "lookup",
    "NoValue": "no_value",
    "Step": "step",
    "StepItems": "items",
}

__all__ = ["BatchProtocolError", "Chain", "Func", "LookupHandle", "NoValue", "Step", "StepItems"]

_load = lazy_names(__name__, _HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        need("pydantic", extra="steps", for_="pypedream.steps")
    return _load(name)


def __dir__() -> list[str]:
    return sorted(__all__)
