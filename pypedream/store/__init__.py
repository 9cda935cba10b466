"""The store: values kept under a key, in a folder or behind any fsspec URL; and what a key is of.

`cache_store` is what users touch, `folder` and `objects` are the two places where bytes are kept,
`claims` sees to it that a value is computed once. `values` and `identity` give values and code a
digest that is the same in every process. A name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

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


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
