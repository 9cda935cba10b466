"""Deferred: a result that stands for a value which is had when somebody reads it."""

from __future__ import annotations

from typing import Any


class Deferred:
    """What a run holds in place of a value that is elsewhere, in files for example."""

    __slots__ = ()

    @property
    def identity(self) -> str:
        """What the value is: equal for equal values."""
        raise NotImplementedError

    def present(self) -> Any:
        """Return the value."""
        raise NotImplementedError
