"""Task log: what stages print and log, in the log of Prefect's task run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

if TYPE_CHECKING:
    from pypedream.log.events import Event

_LEVELS: Final = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning")}
_TOLD: Final = ("print", "log", "warning")


@define
class TaskLogSink:
    """Hands what a stage says to Prefect, line by line; what Prefect knows itself is left out."""

    _logger: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        from prefect.exceptions import MissingContextError
        from prefect.logging import get_run_logger

        try:
            self._logger = get_run_logger()
        except MissingContextError:  # called outside of a flow
            self._logger = logging.getLogger("pypedream")

    def emit(self, event: Event) -> None:
        """Log one event."""
        if event.kind not in _TOLD:
            return
        level = _LEVELS.get(event.level, logging.ERROR)
        item = "" if event.item is None else f"[{event.item}] "
        self._logger.log(level, "%s%s", item, event.event)
