"""Failures: an exception of a step as something that can be kept, and as an exception again."""

from __future__ import annotations

import pickle
from traceback import format_exception
from typing import TYPE_CHECKING, Any

from pypedream.errors import ForeignError
from pypedream.executors.mishaps import Mishap
from pypedream.places import users_traceback

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["error_of", "record_of"]

NOTE = 'this error was kept: mode="retry" computes the step again'


def record_of(error: BaseException) -> dict[str, Any]:
    """Return what is kept of an error: what it was, its text with the lines, and itself."""
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
    try:
        error: BaseException = pickle.loads(record["pickled"]).error()  # noqa: S301 - the store checked whose it is
    except Exception:  # noqa: BLE001 - its class has changed, say: the text is there
        error = ForeignError(f"{record['kind']}: {record['said']}", kind=record["kind"])
    if isinstance(error, ForeignError):
        error.add_note(record["traceback"].rstrip())
    if NOTE not in getattr(error, "__notes__", ()):
        error.add_note(NOTE)
    return error
