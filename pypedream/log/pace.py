"""How often a stage's progress is worth a record."""

from __future__ import annotations

from typing import Any

from pypedream.log.encode import FAILURES

__all__ = ["Pace"]

PERIOD_NS = 1_000_000_000
MOST_ATTEMPTS = 1000


class Pace:
    """When each attempt of one log last said how far it is; lives as long as the log."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[Any, int] = {}

    def is_too_soon(self, attempt: Any, data: dict[str, Any] | None, now: int) -> bool:
        """Say whether *attempt* told its progress less than a second ago, and is not done."""
        last = self._last.get(attempt)
        if last is not None and now - last < PERIOD_NS and not _is_done(data):
            return True
        if len(self._last) >= MOST_ATTEMPTS:  # attempts that ended
            self._last.clear()
        self._last[attempt] = now
        return False


def _is_done(data: dict[str, Any] | None) -> bool:
    done, total = (data or {}).get("done"), (data or {}).get("total")
    try:
        return total is not None and bool(done == total)
    except FAILURES:  # an array, for one, cannot say
        return False
