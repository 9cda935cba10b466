"""A run on the whole terminal: its steps, what they say, and how far it is, four times a second."""

from __future__ import annotations

from collections import deque
from contextvars import Context
from time import monotonic
from typing import TYPE_CHECKING, Any

from pypedream._extras import need
from pypedream.log.console import present_stream
from pypedream.log.durations import duration_text
from pypedream.log.outside import outside_stages
from pypedream.log.status import share_of
from pypedream.log.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.log.events import Event

__all__ = ["Dashboard", "dashboard_for"]

PER_SECOND = 4
_SIGNS = {"ok": "✓", "reused": "✓", "failed": "✗", "skipped": "-", "running": "▶"}
_COLORS = {"ok": "green", "reused": "green", "failed": "red", "running": "yellow"}
_BAR_CELLS = 20
_SPOKEN = frozenset({"print", "log", "warning"})
_MOST_LINES = 200


def dashboard_for(title: str, stages: Iterable[str]) -> Dashboard | None:
    """Return a dashboard on this terminal; None where stdout is none.

    Raises
    ------
    MissingExtra
        If rich is not installed.
    """
    stream = present_stream("stdout")
    if stream is None or not stream.isatty():
        return None
    rich = need("rich.console", extra=None, for_="--mode dashboard")
    return Dashboard(title, stages, rich.Console(file=stream))


class Dashboard:
    """A sink that draws three panels: steps, log and status; it lives as long as its run.

    Parameters
    ----------
    title
        The name of the pipeline.
    stages
        The stages that the run calls, in order.
    console
        The terminal, as rich has it.
    """

    is_prompt = True

    def __init__(self, title: str, stages: Iterable[str], console: Any) -> None:
        self._title, self._console = title, console
        self._states: dict[str, str] = dict.fromkeys(stages, "")
        self._said: dict[str, str] = {}
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._start_s = monotonic()
        self._end = ""
        self._live: Any = None

    def emit(self, event: Event) -> None:
        """Take notice of what happened."""
        if event.kind in _SPOKEN:
            where = f"{event.stage}: " if event.stage else ""
            self._lines.extend(visible(f"{where}{line}") for line in event.event.splitlines())
        elif event.kind == "run.end":
            self._end = str((event.data or {}).get("state", ""))
        elif event.stage is not None and event.item is None:
            self._take(event.stage, event)
        if self._live is None:
            outside_stages(self._begin)

    def close(self) -> None:
        """Draw it for the last time, and let go of the terminal."""
        if self._live is not None:
            outside_stages(self._live.stop)
            self._live = None

    def _take(self, stage: str, event: Event) -> None:
        data = event.data or {}
        if event.kind == "stage.start":
            self._states[stage] = "running"
        elif event.kind == "progress":
            share = share_of(event)
            full = 0 if share is None else int(share * _BAR_CELLS)
            self._said[stage] = "█" * full + "░" * (_BAR_CELLS - full) if share is not None else ""
        elif event.kind in ("stage.end", "stage.skip"):
            self._states[stage] = str(data.get("state", "skipped"))
            took_s = data.get("duration_s")
            self._said[stage] = duration_text(took_s) if took_s else str(data.get("reason", ""))

    def _begin(self) -> None:
        from rich.live import Live

        self._live = Live(
            get_renderable=self.panels,
            console=self._console,
            refresh_per_second=PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        # In an empty context: its thread is not of the stage that happens to run.
        Context().run(self._live.start)

    def panels(self) -> Any:
        """Return the three panels as they are now."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        log_height = max(self._console.height - len(self._states) - 9, 3)
        log = Text("\n".join(list(self._lines)[-log_height:]), no_wrap=True, overflow="ellipsis")
        return Group(
            Panel(self._steps(), title="steps", title_align="left"),
            Panel(log, title="log", title_align="left", height=log_height + 2),
            Panel(Text(self._status()), title="status", title_align="left"),
        )

    def _steps(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        for stage, state in list(self._states.items()):
            color = _COLORS.get(state, "dim")
            said = Text(self._said.get(stage, ""), style="dim", no_wrap=True, overflow="ellipsis")
            table.add_row(Text(_SIGNS.get(state, " "), style=color), Text(stage), state, said)
        return table

    def _status(self) -> str:
        done = sum(bool(state) and state != "running" for state in self._states.values())
        took = duration_text(monotonic() - self._start_s)
        return f"{self._title}  {done} of {len(self._states)}  {self._end or 'running'}  {took}"
