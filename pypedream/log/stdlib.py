"""Records of the standard library's ``logging`` become events of the stage that logged them.

Every record that some logger lets through passes `Logger.callHandlers`; a handler on the root
logger would miss loggers that do not propagate, and would turn ``logging.basicConfig()`` of user
code into a no-op. The user's own handlers get the record as well, with capture suspended, so that
what they write reaches the real stream once.
"""

from __future__ import annotations

import sys
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from pypedream.log.encode import readable
from pypedream.log.entry import enter, exception_data
from pypedream.log.output import captured, suspended
from pypedream.log.patch import Change, Patch
from pypedream.log.streams import beneath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from logging import Handler, Logger, LogRecord
    from types import ModuleType

    from pypedream.context import Attempt

__all__ = ["BASIC_CONFIG", "HANDLERS", "ROOT_LEVEL"]

INFO, WARNING = 20, 30

_LEVELS = ((50, "critical"), (40, "error"), (WARNING, "warning"), (INFO, "info"))


def _recording(
    original: Callable[[Logger, LogRecord], None],
) -> Callable[[Logger, LogRecord], None]:
    @wraps(original)
    def callHandlers(self: Logger, record: LogRecord) -> None:  # noqa: N802
        attempt = captured()
        if attempt is None:
            return None if ROOT_LEVEL.is_reason_for(self, record) else original(self, record)
        handlers = [handler for handler in _handlers(self) if not _is_null(handler)]
        is_shown = False
        try:
            # Handlers of the user must not get what is here for us only. Without any, the record
            # would be written by ``logging.lastResort`` as well as by our console.
            if handlers and not ROOT_LEVEL.is_reason_for(self, record):
                with suspended() as output:
                    original(self, record)
                is_shown = output.is_used or _is_shown(record, handlers, attempt)
        finally:
            _record(attempt, record, is_shown)
        return None

    return callHandlers


def _record(attempt: Attempt, record: LogRecord, is_shown: bool) -> None:
    level = next((name for number, name in _LEVELS if record.levelno >= number), "debug")
    event, data = _message(record)
    data |= exception_data(record.exc_info)
    if record.stack_info:
        data["stack"] = record.stack_info
    if is_shown:
        data["shown"] = True
    enter(attempt.log, attempt, "log", level, event, data)


def _message(record: LogRecord) -> tuple[str, dict[str, Any]]:
    """Return the text of a record and its data."""
    data: dict[str, Any] = {"logger": record.name}
    extra = vars(record)
    if isinstance(record.msg, dict) and not record.args:  # from structlog, to be rendered later
        extra = {**record.msg, **extra}
        event = readable(extra.pop("event", ""))
    else:
        event = _text(record)
    usual = _usual_names()
    for name, value in extra.items():
        if name not in usual and not name.startswith("_"):
            data.setdefault(name, value)
    return event, data


@cache
def _usual_names() -> frozenset[str]:
    """Return the names that every record has; the rest was given as ``extra``."""
    from logging import makeLogRecord

    return frozenset([*vars(makeLogRecord({})), "asctime", "message", "taskName"])


def _text(record: LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - logging, too, only complains of a wrong format
        return f"{readable(record.msg)} {readable(record.args)} ({type(error).__name__})"


def _handlers(logger: Logger) -> Iterator[Handler]:
    """Yield the handlers that a record of *logger* comes to."""
    current: Logger | None = logger
    while current is not None:
        yield from current.handlers
        current = current.parent if current.propagate else None


def _is_null(handler: Handler) -> bool:
    from logging import NullHandler

    return isinstance(handler, NullHandler)


def _is_shown(record: LogRecord, handlers: Iterable[Handler], attempt: Attempt) -> bool:
    """Whether one of *handlers* writes the record where a user looks, past the routers."""
    hosts = _root().handlers if attempt.log.is_hosted else ()
    taking = [handler for handler in handlers if record.levelno >= handler.level]
    return any(handler in hosts or _is_on_console(handler) for handler in taking)


def _is_on_console(handler: Handler) -> bool:
    """Whether *handler* has an old reference to the console."""
    console = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    stream = getattr(handler, "stream", None)
    return stream is not None and any(stream is beneath(each) for each in console)


class _Lowered(int):
    """A level that was set by us: it is told from the user's by its identity."""


class RootLevel(Change):
    """The level of the root logger: INFO during runs if nobody ever configured logging."""

    def __init__(self) -> None:
        super().__init__()
        self._level = _Lowered(INFO)

    def apply(self) -> None:
        """Lower the level."""
        root = _root()
        if not root.handlers and root.level == WARNING:
            root.setLevel(self._level)

    def undo(self) -> None:
        """Restore the level if nobody has changed it."""
        root = _root()
        if root.level is self._level:
            root.setLevel(WARNING)

    def is_reason_for(self, logger: Logger, record: LogRecord) -> bool:
        """Say whether there is *record* only because the level is lowered."""
        return record.levelno < WARNING and logger.getEffectiveLevel() is self._level


def _only_explicit(original: Callable[..., None]) -> Callable[..., None]:
    """Let ``logging.info()`` in a stage not configure the root logger, as it does if nobody has."""

    @wraps(original)
    def basicConfig(**options: Any) -> None:  # noqa: N802
        is_implicit = sys._getframe(1).f_globals.get("__name__") == "logging"
        if not is_implicit or captured() is None:
            original(**options)

    return basicConfig


def _root() -> Logger:
    from logging import getLogger

    return getLogger()


def _logger_class() -> type:
    from logging import Logger

    return Logger


def _module() -> ModuleType:
    import logging

    return logging


ROOT_LEVEL = RootLevel()
HANDLERS = Patch(_logger_class, "callHandlers", _recording)
BASIC_CONFIG = Patch(_module, "basicConfig", _only_explicit)
