"""How a stage ended: the data of a ``stage.end`` record, kept as it is until somebody reads it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from pypedream.log.encode import FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class Ended(NamedTuple):
    """How a stage ended.

    Attributes
    ----------
    state
        "ok", "reused", "skipped", "blocked", "failed", "timeout", "cancelled" or "interrupted".
    duration_ns
        How long its last attempt took.
    attempts
        How often it was called.
    reason
        Why, when it was not called or ended the run.
    error
        What its last attempt raised.
    traceback
        The user's part of its traceback; raising the error again would add frames to its own.
    items
        How many items of a mapped stage ended in each state.
    worker
        Who made the last attempt; "" for the thread of the run itself.
    """

    state: str
    duration_ns: int = 0
    attempts: int = 0
    reason: str = ""
    error: BaseException | None = None
    traceback: TracebackType | None = None
    items: Mapping[str, int] | None = None
    worker: str = ""

    def data(self) -> dict[str, Any]:
        """Return what a log line says of it."""
        data: dict[str, Any] = {
            "state": self.state,
            "duration_s": self.duration_ns / 1e9,
            "attempts": self.attempts,
        }
        if self.worker:
            data["worker"] = self.worker
        if self.items is not None:
            data["items"] = dict(self.items)
        if self.reason:
            data["reason"] = self.reason
        if self.error is not None:
            data["error"] = error_data(self.error, self.traceback)
        return data


def items_text(counts: Mapping[str, int]) -> str:
    """Return how many items there are, and how many of them did not simply go well.

    Examples
    --------
    >>> items_text({"ok": 998, "failed": 2}), items_text({"ok": 1})
    ('1,000 items, 2 failed', '1 item')
    """
    count = sum(counts.values())
    said = ["1 item" if count == 1 else f"{count:,} items"]
    said += [f"{counts[state]:,} {word}" for state, word in _ITEM_WORDS if counts.get(state)]
    return ", ".join(said)


_ITEM_WORDS = (("failed", "failed"), ("reused", "reused"), ("pending", "not called"))


def error_data(error: BaseException, traceback: TracebackType | None) -> dict[str, Any]:
    """Return what a log line says of an exception: type, message and the user's frames."""
    from traceback import format_exception

    return {
        "type": type(error).__qualname__,
        "message": said_by(error),
        "traceback": "".join(format_exception(type(error), error, traceback)),
    }


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception, once, unless it takes none."""
    with suppress(*_REFUSALS):
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)


def notes_of(error: BaseException) -> list[str]:
    """Return the notes of an exception, as far as these are texts."""
    notes = None
    with suppress(*_REFUSALS):
        notes = getattr(error, "__notes__", None)
    return [each for each in notes if isinstance(each, str)] if isinstance(notes, list) else []


_REFUSALS = (AttributeError, TypeError)
"""What an exception raises that takes no note: a frozen dataclass, notes that are no list."""


def said_by(error: BaseException) -> str:
    """Return what an exception says; its text is its own, and may raise as well."""
    try:
        return str(error)
    except FAILURES:
        return "its text raised as well"
