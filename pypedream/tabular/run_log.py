"""The log of a run of tables: lines of text in its folder, one after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pathlib import Path

    from pypedream.log.events import Event

__all__ = ["NAME", "RunLog"]

NAME = "astro.log"
_LEFT_OUT = frozenset({"progress", "display", "artifact", "items"})


class RunLog:
    """A sink for the events of one run, which writes a line for each of them.

    Parameters
    ----------
    path
        The file; what is there stays.
    title
        What begins now, for the line between this and what is there.
    """

    def __init__(self, path: Path, title: str) -> None:
        self._path, self._title = path, title
        self._file: TextIO | None = None

    def emit(self, event: Event) -> None:
        """Write what happened."""
        if event.kind in _LEFT_OUT:
            return
        text = event.event
        if event.data and event.kind in ("stage.end", "stage.skip", "run.end"):
            text = " ".join([text, *(f"{name}={value}" for name, value in event.data.items())])
        file = self._opened()
        where = f"{event.stage}: " if event.stage else ""
        for line in text.splitlines() or [""]:
            file.write(f"{event.ts} {event.level.upper():<7} {where}{line}\n")
        file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _opened(self) -> TextIO:
        if self._file is None:
            self._file = open(self._path, "a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._file.write(f"=== {self._title} {now} ===\n")
        return self._file
