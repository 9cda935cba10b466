"""Handed in: parameters and given values, which the next run of the caller's is handed as well.

Lists and dicts are copied for each run. A frame, an array or an object of a class is the caller's
own, so a stage that changes it in place has changed what the next run begins with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.engine.mutation import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pypedream.engine.plan import Plan

    HandedIn = dict[tuple[str, str], tuple[object, object]]


def handed_in(plan: Plan) -> HandedIn:
    """Return each value that can be changed in place, with its digest, by kind and name."""
    values = [
        *((("parameter", name), value) for name, value in plan.parameters.given.items()),
        *((("stage", key), value) for key, value in plan.selection.given.items()),
    ]
    found = {of: (value, digest(value)) for of, value in values}
    return {of: pair for of, pair in found.items() if pair[1] is not None}


def said_of_changes(plan: Plan, handed: HandedIn) -> Iterator[str]:
    """Yield a line for each value that is not what it was when the run began."""
    for (kind, name), (value, before) in handed.items():
        if digest(value) == before:
            continue
        what = f'the parameter "{name}"' if kind == "parameter" else f'what is given for "{name}"'
        who = " or ".join(f'"{key}"' for key in _readers(plan, kind, name)) or "something"
        yield (
            f"{what} was changed in place by {who}, and the next run gets it as it is now:"
            " copy it first"
        )


def _readers(plan: Plan, kind: str, name: str) -> list[str]:
    wires: dict[str, Any] = plan.blueprint.wiring.wires
    return [
        key
        for key, wired in wires.items()
        if key in plan.chosen
        and any(link.kind == kind and _is_within(name, link.name) for link in wired.links)
    ]


def _is_within(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")
