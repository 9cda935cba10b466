"""How far a run is, in one short line."""

from __future__ import annotations

from math import isnan
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypedream.log.events import Event

__all__ = ["Status", "bar_text", "progress_text", "share_of"]

MOST_NAMES = 3
BAR_CELLS = 12
LONGEST_NAME = 24


class Status:
    """Counts the stages of one run that are done, and knows which are running and how far.

    Parameters
    ----------
    total
        How many stages there are; 0 when it is not known.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._start_s = monotonic()
        self._running: dict[str, Event | None] = {}  # with the last progress of each

    def take(self, event: Event) -> None:
        """Take notice of *event*."""
        stage = event.stage
        if stage is None:
            return
        if event.kind == "progress":
            self._running[stage] = event
        elif event.item is not None:
            return
        elif event.kind == "stage.start":
            self._running.setdefault(stage, None)
        elif event.kind in ("stage.end", "stage.skip"):
            self._done += 1
            self._running.pop(stage, None)

    def text(self, *, has_glyphs: bool) -> str:
        """Return the line, without a newline.

        Parameters
        ----------
        has_glyphs
            Whether it may have characters beyond ASCII.
        """
        running = dict(self._running)
        names = [name[:LONGEST_NAME] for name in list(running)[:MOST_NAMES]]
        more = [f"+{len(running) - MOST_NAMES}"] if len(running) > MOST_NAMES else []
        count = f"{self._done}/{self._total}" if self._total else f"{self._done} done"
        bars = [bar_text(event, has_glyphs=has_glyphs) for event in running.values() if event]
        minutes, seconds = divmod(int(monotonic() - self._start_s), 60)
        parts = [count, ", ".join([*names, *more]), *bars[-1:], f"{minutes}:{seconds:02d}"]
        return "  ".join(part for part in parts if part)


def bar_text(event: Event, *, has_glyphs: bool) -> str:
    """Return the progress of a stage as a bar, or in its own words."""
    data = event.data or {}
    done, total = data.get("done"), data.get("total")
    words = "" if event.event == "progress" else event.event
    share = share_of(event)
    if share is None:
        return words if words or done is None else _number(done)
    full = int(share * BAR_CELLS)
    on, off = "█░" if has_glyphs else "#-"
    bar = f"{on * full}{off * (BAR_CELLS - full)} {_number(done)}/{_number(total)}"
    # What draws a bar of its own, such as tqdm, says no more with it than ours does.
    return f"{bar} {words}" if words and "%" not in words else bar


def _number(value: Any) -> str:
    return f"{value:,}" if type(value) is int else str(value)


def share_of(event: Event) -> float | None:
    """Return what part of a stage is done, from 0 to 1; None when it cannot be said."""
    data = event.data or {}
    done, total = data.get("done"), data.get("total")
    if isinstance(done, (int, float)) and isinstance(total, (int, float)) and total > 0:
        share = done / total
        return None if isnan(share) else min(max(share, 0.0), 1.0)
    return None


def progress_text(event: Event) -> str:
    """Return what a stage said of its progress, in words."""
    data = event.data or {}
    total = "" if data.get("total") is None else f"/{data['total']}"
    words = "" if event.event == event.kind else f" {event.event}"
    return f"progress {data.get('done')}{total}{words}"
