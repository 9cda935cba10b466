"""What a logger or a warning says, as one record of a log."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pypedream.log.encode import plain

if TYPE_CHECKING:
    from types import TracebackType

    from pypedream.context import Attempt
    from pypedream.protocols import EventLogLike

    ExcInfo = (
        tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None]
        | BaseException
        | bool
        | None
    )

__all__ = ["enter", "exception_data"]

_UNCHANGING = frozenset([str, int, float, bool, type(None)])


def enter(
    log: EventLogLike,
    attempt: Attempt | None,
    kind: str,
    level: str,
    event: str | None,
    data: dict[str, Any],
) -> None:
    """Append a record to *log*.

    What *data* holds is copied as plain JSON data if it may change: it is written a moment later,
    and shall say what was so now. Nor does a log keep a large table alive.
    """
    if not _UNCHANGING.issuperset(map(type, data.values())):
        data = plain(data)
    log.records.append(
        (next(log.counter), perf_counter_ns(), attempt, kind, level, event, None, data or None)
    )
    log.deliver_soon()


def exception_data(exc_info: ExcInfo) -> dict[str, Any]:
    """Return the type and the traceback of an exception, or nothing if there is none.

    Parameters
    ----------
    exc_info
        What loggers take by this name: an exception, the tuple of ``sys.exc_info()``, or something
        true for the exception that is being handled.

    Examples
    --------
    >>> exception_data(ValueError("no rows"))
    {'exception_type': 'ValueError', 'exception': 'ValueError: no rows'}
    """
    error = _error_of(exc_info)
    if error is None:
        return {}
    from traceback import format_exception

    text = "".join(format_exception(error)).rstrip("\n")
    return {"exception_type": type(error).__name__, "exception": text}


def _error_of(exc_info: ExcInfo) -> BaseException | None:
    import sys

    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info else None
