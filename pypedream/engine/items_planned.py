"""Items as a plan sees them: those of parameters, which are known before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.engine.item_keeping import item_key, shared_by_items
from pypedream.engine.sources import source_of
from pypedream.errors import PypedreamError
from pypedream.over import NEST

if TYPE_CHECKING:
    from pypedream.engine.calls import Call
    from pypedream.engine.wiring import Wire
    from pypedream.parameters import Parameters
    from pypedream.store.results import Results

PLAIN = (list, tuple, dict, set, frozenset, range)
"""To look into a value of another type may be the user's code, which a plan does not call."""
MOST = 1000
"""Of more items a plan does not ask what is kept: that takes longer than a look at it."""


def items_given(wired: Wire, parameters: Parameters) -> dict[str, Any] | None:
    """Return the values that a stage is mapped over; None unless all are plain parameters."""
    over = wired.over
    assert over is not None
    read = {link.argument: link.name for link in wired.links if link.kind == "parameter"}
    if any(name not in read for name in over.names):
        return None
    try:
        values = {name: parameters[read[name]] for name in over.names}
    except PypedreamError:  # not set, or refused by its class: a problem of its own
        return None
    return values if all(type(value) in PLAIN for value in values.values()) else None


def kept_items(
    wired: Wire, call: Call, parameters: Parameters, results: Results
) -> tuple[int, int]:
    """Return how many items of a mapped stage are kept, and how many it has; (0, 0) if many."""
    over, values = wired.over, items_given(wired, parameters)
    shared = shared_by_items(wired, call)
    if over is None or over.how == NEST or values is None or shared is None:
        return 0, 0
    if any(len(value) > MOST for value in values.values()):
        return 0, 0
    try:
        _, calls = source_of(over, values, None).pull(MOST + 1)
    except PypedreamError:  # they do not go together: the run says so
        return 0, 0
    if len(calls) > MOST:
        return 0, 0
    keys = [item_key(shared, each) for each in calls]
    found = results.find_many(list({*keys} - {""}))
    return sum(key in found for key in keys), len(keys)
