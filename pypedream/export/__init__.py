"""A pipeline written in another form: as a module that needs no notebook.

>>> from pypedream.export import to_module

is what ``flow.to_module("flow.py")`` calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.export.module import Written, to_module
    from pypedream.export.proof import Proof

_HOMES = {"Proof": "proof", "Written": "module", "to_module": "module"}

__all__ = ["Proof", "Written", "to_module"]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
