"""Airflow's task log as a sink: what a stage prints and logs stands there once, in order.

Nothing is configured here. Airflow 3 has configured structlog, and an event is one of its own with
fields; in Airflow 2 the task log is what handlers of the root logger get, and an event is a line of
text with "key=value". What these handlers were given by the stage itself is not said again.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pypedream.log.console_lines import pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pypedream.log.events import Event

__all__ = ["TaskLogSink", "mask"]

_SPOKEN = frozenset(["print", "log", "warning", "display", "progress", "dropped"])
_STATES = {
    "stage.start": "stage started",
    "stage.end": "stage ended",
    "stage.skip": "stage skipped",
}
_OF_STATES = ("state", "duration_s", "reason", "items")
# They mean something else to structlog, or to Airflow's processors.
_RESERVED = frozenset(
    [
        "self",
        "event",
        "level",
        "timestamp",
        "exc_info",
        "stack_info",
        "positional_args",
        "logger_name",
    ]
)
_NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class TaskLogSink:
    """Writes what is said of the stages of one task into Airflow's log of that task.

    It is to be made before code of the user's is imported, which may configure structlog anew.

    Parameters
    ----------
    pipeline
        Name of the pipeline; a field of every line.
    attempt
        Which attempt of the task this is, from 1.
    is_structured
        Whether the host takes fields by structlog, as Airflow 3 does; None finds it out.

    Attributes
    ----------
    is_prompt
        Lines are written at once: what a stage logs by structlog, past the run, stands in between.
    is_hosts_log
        The handlers of the root logger write to the same place.
    """

    is_prompt = True
    is_hosts_log = True

    def __init__(
        self, pipeline: str, *, attempt: int = 1, is_structured: bool | None = None
    ) -> None:
        self._pipeline = pipeline
        self._first = attempt
        # Airflow 3 has imported this for the DAG's file; Airflow 2 does not have it.
        structured = "airflow.sdk" in sys.modules if is_structured is None else is_structured
        self._is_structured = structured
        self._log: Callable[[str, str, dict[str, Any]], None]
        self._log = _Structured() if structured else _plain

    def __repr__(self) -> str:
        return f"TaskLogSink({self._pipeline!r})"

    def emit(self, event: Event) -> None:
        """Write one event, unless it is in the log already or says nothing there."""
        data = event.data or {}
        if not data.get("shown"):
            text, values = _said(event, data)
            if text:
                fields = self._fields(event.stage, event.item, event.attempt)
                self._log(event.level, text, {**values, **fields})

    def close(self) -> None:
        """Write what had to wait."""
        if isinstance(self._log, _Structured):
            self._log.drain()

    @contextmanager
    def bound(self, stage: str | None = None) -> Iterator[None]:
        """Let what is logged by structlog meanwhile, past the run, have the same fields.

        Only in this context and where the host takes fields: afterwards its lines are its own.
        """
        if not self._is_structured:
            yield
            return
        from structlog.contextvars import bound_contextvars

        with bound_contextvars(**self._fields(stage, None, 1)):
            yield

    def _fields(
        self, stage: str | None, item: int | str | None, number: int | None
    ) -> dict[str, Any]:
        attempt = None if number is None else self._first + number - 1
        fields = {"pipeline": self._pipeline, "stage": stage, "item": item, "attempt": attempt}
        return {name: value for name, value in fields.items() if value is not None}


def mask(secrets: Iterable[str]) -> None:
    """Let Airflow hide *secrets* in all that goes to its logs, whoever writes it."""
    if "airflow.sdk" not in sys.modules:
        from airflow.utils.log.secrets_masker import mask_secret
    else:
        try:
            from airflow.sdk.log import mask_secret
        except ImportError:  # Airflow 3.0
            from airflow.sdk.execution_time.secrets_masker import mask_secret
    for secret in secrets:
        mask_secret(secret)


def _said(event: Event, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the text of a line and its values; no text if the log needs no such line."""
    if event.kind in _STATES:
        return _STATES[event.kind], _of_state(data)
    if event.kind == "attempt.end" and event.item is not None and data.get("error"):
        error = data["error"]
        return f"item failed: {error.get('type')}: {error.get('message')}", {}
    if event.kind not in _SPOKEN:
        return "", {}
    blocks = [str(data[key]) for key in ("exception", "stack") if key in data]
    values = {key: data[key] for key in data if key not in ("exception", "exception_type", "stack")}
    text = event.event
    if "category" in values and event.kind == "warning":
        text = f"{values.pop('category')}: {text}"
    return "\n".join([text, *blocks]), values


def _of_state(data: dict[str, Any]) -> dict[str, Any]:
    found = {key: data[key] for key in _OF_STATES if key in data}
    if "duration_s" in found:
        found["duration_s"] = round(found["duration_s"], 3)
    return found


class _Structured:
    """Writes lines by structlog, as the host has configured it when this is made.

    A logger of structlog's that prints holds a lock as it does so. What a stage logs by it is a
    print of the stage's, and comes here while the lock is held: such a line waits for the next.
    """

    def __init__(self) -> None:
        import structlog

        self._logger = structlog.get_logger("pypedream").bind()
        self._lock = getattr(getattr(self._logger, "_logger", None), "_lock", None)
        self._waiting: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, level: str, text: str, values: dict[str, Any]) -> None:
        self._waiting.append((level, text, values))
        if self._lock is None or not self._lock.locked():
            self.drain()

    def drain(self) -> None:
        """Write all lines that wait."""
        while self._waiting:
            level, text, values = self._waiting.pop(0)
            named = {f"{key}_" if key in _RESERVED else key: values[key] for key in values}
            getattr(self._logger, level)(text, **named)


def _plain(level: str, text: str, values: dict[str, Any]) -> None:
    from logging import getLogger

    first, *rest = text.split("\n")
    lines = [" ".join([first, *pairs_of(values)]), *rest]
    getLogger("pypedream").log(_NUMBERS[level], "%s", "\n".join(lines))
