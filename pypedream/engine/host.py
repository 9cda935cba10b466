"""Host: another system that calls stages one by one, each in a process of its own.

To the user's code such a run is one run: it has the host's id and times, whatever calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import Factory, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pypedream.engine.part import Part


@frozen(eq=False, repr=False)
class Host:
    """What a host says of the run that a call is part of.

    Attributes
    ----------
    run_id
        What it calls its run; "" if that has no name.
    started_at, logical_date
        When its run began, and the moment that it is for; None where it says nothing.
    attempt
        Which attempt of the stage this is, from 1.
    parts
        From a mapped stage to the items that are to be called.
    """

    run_id: str = ""
    started_at: datetime | None = None
    logical_date: datetime | None = None
    attempt: int = 1
    parts: Mapping[str, Part] = Factory(dict)


NOBODY: Final = Host()
"""Stands for the host of a run that is carried out here as a whole."""
