"""Account: all that is known of a run when it is looked at again, whatever is left of it.

It is the same for a run that is still in memory and for one of which only the record is left, so
that any two can be compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import Factory, field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pypedream.engine.calls import Call
    from pypedream.log.events import Event

DONE = ("ok", "reused")
"""The states of a stage that has given something."""

CALLED = ("ok", "failed", "timeout", "killed")
"""The states of a stage whose call came to an end."""

STAGE = re.compile(r'stage "(.+)"$')
"""Finds in the source of an input the stage that it reads."""

_NOT_COMPARABLE = "of call "


@frozen
class RunHead:
    """What names a run and tells how it went.

    Attributes
    ----------
    started
        Time in UTC, ISO 8601.
    duration_s
        Seconds from start to end; None when that is not known.
    """

    id: str
    pipeline: str
    state: str
    started: str
    duration_s: float | None


@frozen
class StageAccount:
    """What is known of one stage in one run.

    Attributes
    ----------
    state
        As in `StageRun`; "killed" when the process was gone before the stage ended.
    duration_s
        Seconds that its last call took; None if it was not called, or did not end.
    function_s
        Seconds of these that its function took, without keeping what it gave; None if not known.
    reason
        Why it was skipped, reused or blocked.
    identity
        What it gave: equal for equal values; "" if it gave nothing or that is not known.
    call
        What it was called with; None if that is not known.
    is_unstated
        Whether it used something of the run which its inputs do not say.
    error
        Type, message and traceback of what its last call raised.
    printed, warned
        How many lines it printed, and how many warnings it gave.
    items
        Of a mapped stage how many items ended in each state.
    failed_items
        From the key of an item that failed to its error, in one line; of the first hundred.
    workers
        Who made its calls, as in `StageRun`.
    """

    state: str = "pending"
    duration_s: float | None = None
    function_s: float | None = None
    reason: str = ""
    identity: str = ""
    call: Call | None = None
    is_unstated: bool = False
    error: Mapping[str, str] = Factory(dict)
    printed: int = 0
    warned: int = 0
    items: Mapping[str, int] = Factory(dict)
    failed_items: Mapping[str, str] = Factory(dict)
    workers: tuple[str, ...] = ()

    @property
    def has_result(self) -> bool:
        """Whether it has given something."""
        return self.state in DONE

    @property
    def is_comparable(self) -> bool:
        """Whether it can be told if it gave what it gave another time."""
        return bool(self.identity) and not self.identity.startswith(_NOT_COMPARABLE)


@frozen
class Account:
    """All that is known of one run.

    Attributes
    ----------
    parameters, options
        From the name, with dots for each level, to what it was set to.
    environment
        From name to text: Python, platform, host, versions of packages.
    stages
        In the order of the run.
    has_results
        Whether it is known what the stages were called with and gave.
    is_recorded
        Whether it is known from a record; the code is that of the run then, else that of now.
    unreadable
        In a line each what of the record cannot be read.
    find_numbers
        Returns the results that are numbers, by name.
    """

    head: RunHead
    parameters: Mapping[str, Any]
    options: Mapping[str, Any]
    environment: Mapping[str, str]
    stages: Mapping[str, StageAccount] = field(repr=False)
    has_results: bool
    is_recorded: bool
    unreadable: tuple[str, ...] = ()
    find_numbers: Callable[[], Mapping[str, int | float]] = field(default=dict, repr=False)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values in nested mappings, each under its name with dots.

    Examples
    --------
    >>> dict(flat({"seed": 1, "model": {"depth": 3}}))
    {'seed': 1, 'model.depth': 3}
    """
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def options_in(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return options and selection of what a run was asked for, as `asked_of` describes it."""
    found: dict[str, Any] = {}
    for part in ("options", "selection"):
        values = asked.get(part)
        found |= values if isinstance(values, dict) else {}
    return {name.rstrip("_"): value for name, value in found.items()}


def environment_with(
    environment: Mapping[str, str], calls: Iterable[Call | None]
) -> dict[str, str]:
    """Return the environment with the packages that the code of *calls* names."""
    found = dict(environment)
    for call in calls:
        for part in call.code.parts if call is not None else ():
            package, _, version = part.partition(": ")
            if package.startswith("package ") and version:
                found[package] = version
    return found


def spoken(events: Iterable[Event]) -> tuple[dict[str, int], dict[str, int]]:
    """Count by stage the lines that were printed and the warnings."""
    printed: dict[str, int] = {}
    warned: dict[str, int] = {}
    for event in events:
        stage = event.stage or ""
        if event.kind == "print" and not (event.data or {}).get("continues"):
            printed[stage] = printed.get(stage, 0) + 1
        elif event.kind in ("log", "warning") and event.level == "warning":
            warned[stage] = warned.get(stage, 0) + 1
    return printed, warned
