"""Failures: an exception of a step as something that can be kept, and as an exception again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.errors import ForeignError
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["error_of", "is_of_step", "mark", "record_of"]

NOTE = 'this error was kept: mode="retry" computes the step again'


_MARK = "__pypedream_of_step__"


def mark(error: BaseException) -> None:
    """Mark an error as raised by a step, and not by what is around it."""
    vars(error)[_MARK] = True


def is_of_step(error: BaseException) -> bool:
    """Say whether an error was raised by a step."""
    return _MARK in vars(error)


def record_of(error: BaseException) -> dict[str, Any]:
    """Return what is kept of an error: what it was, its text with the lines, and itself."""
    import pickle  # these are loaded when something has failed
    from traceback import format_exception

    from pypedream.executors.mishaps import Mishap

    mishap = Mishap.of(error)
    lines = format_exception(type(error), error, users_traceback(error.__traceback__))
    return {
        "kind": mishap.kind,
        "said": mishap.said,
        "traceback": "".join(lines),
        "pickled": pickle.dumps(mishap),
    }


def error_of(record: Mapping[str, Any]) -> BaseException:
    """Return an error that was kept, as the same type where that can be had."""
    import pickle

    try:
        error: BaseException = pickle.loads(record["pickled"]).error()  # noqa: S301 - the store checked whose it is
    except Exception:  # noqa: BLE001 - its class has changed, say: the text is there
        error = ForeignError(f"{record['kind']}: {record['said']}", kind=record["kind"])
    if isinstance(error, ForeignError):
        error.add_note(record["traceback"].rstrip())
    mark(error)
    if NOTE not in getattr(error, "__notes__", ()):
        error.add_note(NOTE)
    return error
