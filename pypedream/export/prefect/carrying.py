"""Carrying: how a value comes from one task of Prefect's to the next.

Prefect hands over what tasks return as it is, so no store is needed. It looks through lists and
dicts for futures, however long they are; a value is held in something that it does not look into.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import HandOverError
from pypedream.export.hand_over import FORMAT, STORE, Carrier, Handle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.export.hand_over import Place


@frozen(eq=False, repr=False)
class Held:
    """A value between two tasks."""

    value: Any

    def __repr__(self) -> str:
        return f"<{type(self.value).__qualname__}>"


class InMemory(Carrier):
    """Hands over values as they are."""

    def give(self, value: Any, where: Place) -> Handle:
        """Return a handle that holds the value."""
        del where
        return {"pypedream": FORMAT, "held": Held(value)}

    def take(self, handle: Handle, what: str) -> Any:
        """Return the value that a handle holds.

        Raises
        ------
        HandOverError
            If it holds none.
        """
        held = handle.get("held") if "pypedream" in handle else None
        if not isinstance(held, Held):
            raise HandOverError(f"{what} was not handed over by this process or one like it")
        return held.value


def carrier_of(about: Mapping[str, Any]) -> Carrier:
    """Return what carries the values of a flow: its store if it has one."""
    store = about.get("store", "") or os.environ.get(STORE, "")
    return Carrier(store) if store else InMemory()


def handles_of(handed: Any) -> Any:
    """Return what one task gave as the engine's own worker gets it.

    Of a mapped stage that is the handle of its shape, and those of its parts; one whose item ended
    the run gave none.
    """
    if isinstance(handed, (list, tuple)):
        items, parts = handed
        return [items["shape"], [each for each in parts if each is not None]]
    return handed
