"""The structured log: one ordered list of events a run, and everything that reads or feeds it.

`logger` and `capture` feed it, `event_log` holds it, `sinks` and `console` show it. A name is
loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream._lazy import lazy_names

if TYPE_CHECKING:
    from pypedream.log.console import ConsoleSink
    from pypedream.log.event_log import EventLog
    from pypedream.log.events import Event
    from pypedream.log.logger import add_context, capture_events
    from pypedream.log.sinks import JsonLinesSink, MemorySink

__all__ = [
    "ConsoleSink",
    "Event",
    "EventLog",
    "JsonLinesSink",
    "MemorySink",
    "add_context",
    "capture_events",
]

_HOMES = {
    "ConsoleSink": "console",
    "Event": "events",
    "EventLog": "event_log",
    "JsonLinesSink": "sinks",
    "MemorySink": "sinks",
    "add_context": "logger",
    "capture_events": "logger",
}


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
