"""The console of a run that was started from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.log.console import ConsoleSink

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pypedream.log.event_log import EventLog
    from pypedream.protocols import Record


class Console(ConsoleSink):
    """A console that leaves out what is meant for those who look for a fault.

    Parameters
    ----------
    stages
        The stages that the run calls.
    is_verbose
        Whether it leaves nothing out.
    """

    def __init__(self, stages: Collection[str], *, is_verbose: bool) -> None:
        super().__init__(progress=True, stages=stages)
        self._is_verbose = is_verbose

    def emit_batch(self, records: Sequence[Record], log: EventLog) -> None:
        """Show *records*."""
        shown = [each for each in records if self._is_verbose or each[4] != "debug"]
        super().emit_batch(shown, log)
