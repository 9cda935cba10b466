"""Batch: which runs belong together, and which point of a sweep each of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


_TIME_LETTERS = 10


@frozen
class Batch:
    """The place of one run among those that a sweep carries out.

    Attributes
    ----------
    id
        Of the sweep; sorts by time of start.
    index
        Number of the point, from 0 up.
    of
        How many points there are.
    point
        From each parameter that some point sets, by dotted name, to its value in this run. In a
        record secrets are ``***``, and what JSON does not know is a short text.
    """

    id: str
    index: int
    of: int
    point: Mapping[str, Any] = field(factory=dict)

    @property
    def short_id(self) -> str:
        """As much of the id as tells sweeps apart: the time to the millisecond."""
        return self.id[:_TIME_LETTERS]

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.of} of {self.id}"


def batch_in(about: Any) -> Batch | None:
    """Return the batch that ``run.json`` describes; None if there is none, or it is damaged."""
    if not isinstance(about, dict):
        return None
    index, of, point = about.get("index"), about.get("of"), about.get("point")
    if not (isinstance(index, int) and isinstance(of, int)):
        return None
    return Batch(str(about.get("id")), index, of, point if isinstance(point, dict) else {})
