"""The store: values kept under a key, in a folder or behind any fsspec URL; and what a key is of.

`cache_store` is what users touch, `folder` and `objects` are the two places where bytes are kept,
`claims` sees to it that a value is computed once. `values` and `identity` give values and code a
digest that is the same in every process. A name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypedream.store.artifact import Artifact
    from pypedream.store.cache_store import CacheStore
    from pypedream.store.corruption import CorruptEntryWarning
    from pypedream.store.identity import code_identity, fingerprint

__all__ = ["Artifact", "CacheStore", "CorruptEntryWarning", "code_identity", "fingerprint"]

_HOMES = {
    "Artifact": "artifact",
    "CacheStore": "cache_store",
    "CorruptEntryWarning": "corruption",
    "code_identity": "identity",
    "fingerprint": "identity",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
