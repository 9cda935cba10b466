"""Prefect: results of tasks in a `CacheStore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.export.prefect.result import XpersistResult
    from pypedream.export.prefect.storage import StoreBlock

_HOMES = {"StoreBlock": "storage", "XpersistResult": "result"}

__all__ = ["StoreBlock", "XpersistResult"]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
