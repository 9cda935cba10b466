"""PlannedStage: what a plan says of one stage, when somebody asks."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.log.ended import items_text
from pypedream.over import CROSS, NEST

if TYPE_CHECKING:
    from pypedream.engine.wiring import Wire
    from pypedream.over import Over
    from pypedream.parameters import Parameters


@frozen
class PlannedStage:
    """What will happen to one stage.

    Attributes
    ----------
    decision
        "run", "reuse" (its result is there already) or "skip".
    reason
        Why, as a phrase.
    after
        Keys of the stages that it waits for.
    expected_s
        How long it took before, in seconds; None when that is not known.
    over
        What it is mapped over, in words; or "".
    items
        How many items these are; None when only the run will tell.
    """

    key: str
    decision: str
    reason: str
    after: tuple[str, ...] = ()
    expected_s: float | None = None
    over: str = ""
    items: int | None = None

    @property
    def items_said(self) -> str:
        """How many items there are, in words; "" if that is not known."""
        return "" if self.items is None else items_text({"ok": self.items})


def count_of(wired: Wire, over: Over, parameters: Parameters) -> int | None:
    """Return how many items a stage is mapped over, if that can be told before the run."""
    from pypedream.engine.items_planned import items_given

    values = items_given(wired, parameters) if over.how != NEST else None
    if values is None:
        return None
    sizes = [len(value) for value in values.values()]
    if over.how == CROSS:
        return prod(sizes)
    return sizes[0] if len({*sizes}) == 1 else None
