"""Outputs: the names of those that no mapper names, and what stands where no value was given."""

from __future__ import annotations

from typing import Final

RETURN: Final = "return"
EXTRA: Final = "_extra"


class _NotGiven:
    """Stands for "no value"; None is a value like any other."""

    def __repr__(self) -> str:
        return "NOT_GIVEN"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = _NotGiven()
