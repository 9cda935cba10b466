"""Given: numbers and short texts that a step gave for such inputs, while its store is as it was.

Who asks the same step again for thousands of small results would wait longer for their keys than
for what is kept under them. They were compared with their digests when they were read.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pypedream.steps.ram import UNCHANGING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Given"]

_INPUTS: Final = frozenset({int, str, bool})  # equal ones of the same type are the same input
_LONGEST = 200
_LASTS_S = 600.0  # then it is looked for again, so that the store knows that it is used
_MISSING: Final = object()


class Given:
    """What was given at one place whose results are kept.

    Parameters
    ----------
    most
        How many values are remembered.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._values: dict[tuple[type, Any], Any] = {}
        self._state: object = None
        self._since = 0.0

    def begin(self, state: object) -> None:
        """Forget everything unless the *state* of the store is that of the last time."""
        is_known = state is not None and state == self._state
        if not is_known or monotonic() - self._since > _LASTS_S:
            self._values, self._state, self._since = {}, state, monotonic()

    def all_of(self, inputs: Sequence[Any]) -> list[Any] | None:
        """Return what was given for inputs; None if one of them is not known."""
        known = self._values
        if len(known) == 0:
            return None
        found = [
            known.get((each.__class__, each), _MISSING) if each.__class__ in _INPUTS else _MISSING
            for each in inputs
        ]
        return None if _MISSING in found else found

    def add(self, value: Any, result: Any) -> None:
        """Remember a result if it and its input are small and nobody can change them."""
        if value.__class__ not in _INPUTS or result.__class__ not in UNCHANGING:
            return
        are_short = all(len(each) < _LONGEST for each in (value, result) if each.__class__ is str)
        if are_short and self._state is not None and len(self._values) < self._most:
            self._values[value.__class__, value] = result
