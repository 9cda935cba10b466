"""``pypedream.logger``: within a run its events are the run's, outside they are the user's own.

structlog is never configured: within a run a logger of ours is used, made with every argument, so
that nothing of it comes from the global configuration. Outside a run the user's configuration is
what counts. structlog is imported when something is first logged.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

from pypedream.context import LOG, STAGE
from pypedream.log.encode import readable
from pypedream.log.entry import enter, exception_data
from pypedream.log.output import captured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping

    from pypedream.log.events import Event

    EventDict = MutableMapping[str, Any]

__all__ = ["Logger", "add_context", "capture_events", "extra_sinks", "logger"]

_NOTHING: Mapping[str, Any] = {}
_extra_sinks: ContextVar[tuple[Any, ...]] = ContextVar("pypedream.log.extra_sinks", default=())


class Logger:
    """A structlog logger that finds out with each event where it belongs; it never changes.

    Every method of structlog's filtering bound logger is there: ``info("read", rows=52)``,
    ``warning("%d rows are odd", 3)``, ``exception("failed")``, ``ainfo`` and so on.

    Parameters
    ----------
    values
        What is part of each of its events.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any] = _NOTHING) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy, pickle and the like ask; structlog has no part in it
            raise AttributeError(name)
        bound = _events_of_runs() if _is_within_run() else _events_of_users()
        return getattr(bound.bind(**self._values) if self._values else bound, name)

    def __repr__(self) -> str:
        return f"<pypedream logger {dict(self._values)}>"

    def bind(self, **values: Any) -> Logger:
        """Return a logger whose events have *values* as well."""
        return Logger({**self._values, **values})

    def unbind(self, *names: str) -> Logger:
        """Return a logger whose events do not have these values.

        Raises
        ------
        KeyError
            If one of *names* is not bound.
        """
        for name in names:
            if name not in self._values:
                raise KeyError(name)
        return self.try_unbind(*names)

    def try_unbind(self, *names: str) -> Logger:
        """Do as `unbind`, but do not mind names that are not bound."""
        return Logger({name: self._values[name] for name in self._values if name not in names})

    def new(self, **values: Any) -> Logger:
        """Return a logger whose events have *values* and no others."""
        return Logger(values)


logger = Logger()


def add_context(_: object, __: str, event_dict: EventDict) -> EventDict:
    """Add run, stage, item and attempt to an event: a processor for a structlog chain of yours.

    Outside a run it adds nothing; what the event has already stays.
    """
    attempt = STAGE.get()
    log = LOG.get() if attempt is None else attempt.log
    if log is not None:
        event_dict.setdefault("run", log.run)
    if attempt is not None:
        event_dict.setdefault("stage", attempt.stage)
        if attempt.item is not None:
            event_dict.setdefault("item", attempt.item)
        event_dict.setdefault("attempt", attempt.number)
    return event_dict


@contextmanager
def capture_events() -> Iterator[list[Event]]:
    """Collect the events of all runs that are started meanwhile, in the order they come: for tests.

    Examples
    --------
    >>> with capture_events() as events:
    ...     pass  # run something
    >>> events
    []
    """
    events: list[Event] = []
    token = _extra_sinks.set((*_extra_sinks.get(), events.append))
    try:
        yield events
    finally:
        _extra_sinks.reset(token)


def extra_sinks() -> tuple[Any, ...]:
    """Return the sinks that a run gets, if it starts now, besides its own."""
    return _extra_sinks.get()


def _is_within_run() -> bool:
    if STAGE.get() is not None:
        return captured() is not None
    log = LOG.get()
    return log is not None and not log.is_closed


def _events_of_users() -> Any:
    import structlog

    return structlog.get_logger("pypedream")


@cache
def _events_of_runs() -> Any:
    import structlog

    return structlog.wrap_logger(
        _Recorder(),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.StackInfoRenderer(additional_ignores=["pypedream"]),
            _describe_exception,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        context_class=dict,
        cache_logger_on_first_use=False,
        logger_factory_args=(),
    ).bind()


def _describe_exception(_: object, __: str, event_dict: EventDict) -> EventDict:
    exc_info = event_dict.pop("exc_info", None)
    if exc_info:
        event_dict.update(exception_data(exc_info))
    return event_dict


def _at(level: str) -> Callable[..., None]:
    def record(_: _Recorder, /, event: object = None, **data: Any) -> None:
        attempt = STAGE.get()
        log = LOG.get() if attempt is None else attempt.log
        if log is None or log.is_closed:  # the method was kept, and its run is over
            getattr(_events_of_users(), level)(event, **data)
        else:
            text = None if event is None else readable(event)
            enter(log, attempt, "log", level, text, data)

    return record


class _Recorder:
    """What our structlog logger wraps: a method for each level that records the event."""

    notset = _at("debug")
    debug = _at("debug")
    info = _at("info")
    warning = _at("warning")
    error = _at("error")
    critical = _at("critical")
