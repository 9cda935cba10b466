"""Recorded items: which lines of a record belong to one item of a mapped stage.

An item is named as the log names it, ``load[17]``. Of small ones many have one line together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pypedream.log.events import Event


def stage_and_item(name: str, stages: Collection[str]) -> tuple[str, str | None]:
    """Return the stage and the item that *name* names; None for a stage as a whole.

    Examples
    --------
    >>> stage_and_item("load[17]", ["load"]), stage_and_item("load", ["load"])
    (('load', '17'), ('load', None))
    """
    if name in stages or not name.endswith("]") or "[" not in name:
        return name, None
    begun = [stage for stage in stages if name.startswith(f"{stage}[")]
    stage = max(begun, key=len, default=name.partition("[")[0])
    return stage, name[len(stage) + 1 : -1]


def is_of_item(event: Event, item: str) -> bool:
    """Say whether an event is of the item that is called *item*, alone or among others."""
    if event.kind == "items":
        return _holds(event.data or {}, item)
    return event.item is not None and str(event.item) == item


def item_keys(events: Iterable[Event]) -> list[str]:
    """Return what the items are called that have lines of their own, each once."""
    return list(dict.fromkeys(str(event.item) for event in events if event.item is not None))


def nothing_of(item: str, events: Sequence[Event], run: str, stage: str | None) -> str:
    """Say that none of the events is of *item*, with the nearest key or some that there are.

    Parameters
    ----------
    events
        Those of the run, or of one of its stages.
    """
    keys = dict.fromkeys([*item_keys(events), *_ends_of_chunks(events)])
    near = did_you_mean(item, keys) or f": {there_are(keys)}"
    whose = f"run {run}" + (f', stage "{stage}"' if stage else "")
    return f'{whose} says nothing of an item "{item}"{near}'


def _holds(data: dict[str, Any], item: str) -> bool:
    """Say whether the items that a line counts hold this one, as far as it tells."""
    first, last = data.get("first"), data.get("last")
    if isinstance(first, int) and isinstance(last, int) and item.isdecimal():
        return first <= int(item) <= last
    return item in (str(first), str(last))


def _ends_of_chunks(events: Iterable[Event]) -> list[str]:
    """Return the first and the last key that lines name which count items."""
    return [
        str(event.data[name])
        for event in events
        if event.kind == "items" and event.data
        for name in ("first", "last")
        if name in event.data
    ]
