"""A run within a stage, in a notebook: what it says is what that stage says.

On a terminal its lines stand there with the names of its own stages. Under a cell there is one
view, that of the outer run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.log.console import SPOKEN_KINDS
from pypedream.log.console_lines import ConsoleLines

if TYPE_CHECKING:
    from pypedream.context import Attempt
    from pypedream.log.events import Event

__all__ = ["Relay"]


class Relay:
    """Says the lines of a run as prints of an attempt of another run.

    Parameters
    ----------
    attempt
        The call within which the run was started.
    """

    is_prompt = True
    kinds = SPOKEN_KINDS

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._lines = ConsoleLines(())

    def emit(self, event: Event) -> None:
        """Say one event."""
        if event.kind not in self.kinds:
            return
        for stream, pieces in self._lines.of(event):
            text = "".join(text for text, _ in pieces)
            self._attempt.log.add("print", text, attempt=self._attempt, stream=stream)
