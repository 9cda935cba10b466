"""What stages print and log, as lines on the console; and how the run goes, if that is asked for.

A line bears the name of its stage and appears on the stream that it was meant for. No character
from a stage reaches the terminal that could do anything there but be read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pypedream.log.console_lines import ASCII_SIGNS, ConsoleLines
from pypedream.log.encode import readable
from pypedream.log.events import Event, event_of
from pypedream.log.live import LiveLine
from pypedream.log.outside import outside_stages
from pypedream.log.status import Status
from pypedream.log.streams import beneath
from pypedream.log.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from pypedream.context import Attempt
    from pypedream.log.console_lines import Line
    from pypedream.log.event_log import EventLog
    from pypedream.protocols import Record

__all__ = ["ConsoleSink", "present_stream"]

SPOKEN_KINDS = frozenset(["print", "log", "warning"])


class ConsoleSink:
    """Shows one run on the console; a console for several runs at a time shows only their lines.

    Parameters
    ----------
    progress
        Whether to say of each stage how it ended, and on a terminal how far the run is.
    stages
        The keys of the stages of the run, as far as they are known: lines are aligned to them.
    stream_of
        Returns the stream for "stdout" and for "stderr", or None if there is none. By default
        what ``sys`` has at that moment, without what a run puts there.
    """

    is_prompt = True

    def __init__(
        self,
        *,
        progress: bool = False,
        stages: Iterable[str] = (),
        stream_of: Callable[[str], TextIO | None] | None = None,
    ) -> None:
        stages = list(stages)
        self.kinds = None if progress else SPOKEN_KINDS
        self._stream_of = stream_of or present_stream
        self._screens: dict[str, Screen] = {}
        self._lines = ConsoleLines(stages)
        self._stages = len(stages)
        self._status = Status(self._stages)
        self._live: LiveLine | None = None
        self._is_live_wanted = progress

    def __repr__(self) -> str:
        return f"ConsoleSink(progress={self.kinds is None})"

    def emit(self, event: Event) -> None:
        """Show one event."""
        self._show(self._lines_of(event))

    def emit_batch(self, records: Sequence[Record], log: EventLog) -> None:
        """Show *records*."""
        lines: list[Line] = []
        for record in records:
            _, _, attempt, kind, _, text, stream, data = record
            if self.kinds is not None and kind not in self.kinds:
                continue
            if kind == "print" and _is_simple(attempt) and stream is not None and data is None:
                said = readable(text, log.redactor)
                lines.append(self._lines.spoken(stream, attempt.stage, None, said))
            else:
                lines.extend(self._lines_of(event_of(record, log)))
        outside_stages(self._show, lines)

    def pause(self) -> None:
        """Take the live line away until the next line is shown: a prompt is about to appear."""
        if self._live is not None:
            outside_stages(self._live.pause)

    def finish(self) -> None:
        """Take the live line away for good."""
        live, self._live = self._live, None
        if live is not None:
            outside_stages(live.end)
        self._is_live_wanted = self.kinds is None

    close = finish

    def _show(self, lines: list[Line]) -> None:
        """Write *lines*, those for one stream that follow each other at once."""
        if self._is_live_wanted:
            self._begin_live()
        texts: list[str] = []
        present: Screen | None = None
        for stream, pieces in lines:
            screen = self._screen(stream)
            if screen is not present and texts:
                _write(present, texts)
                texts = []
            present = screen
            if screen is not None:
                texts.append("".join(_rendered(text, color, screen) for text, color in pieces))
        if texts:
            _write(present, texts)

    def _screen(self, name: str) -> Screen | None:
        stream = self._stream_of(name)
        if stream is None:  # a process may have no standard output
            return None
        screen = self._screens.get(name)
        if screen is None or screen.stream is not stream:
            screen = self._screens[name] = Screen(stream)
        return screen

    def _begin_live(self) -> None:
        self._is_live_wanted = False
        screens = [self._screen(name) for name in ("stdout", "stderr")]
        terminals = [screen for screen in screens if screen is not None and screen.is_terminal]
        if terminals:
            glyphs = terminals[0].has_glyphs
            live = LiveLine.begin(terminals[0], lambda: self._status.text(has_glyphs=glyphs))
            self._live = live

    def _lines_of(self, event: Event) -> list[Line]:
        if event.kind == "run.start":
            self._status = Status(self._stages)
        self._status.take(event)
        return list(self._lines.of(event))


def present_stream(name: str) -> TextIO | None:
    """Return the present ``sys.stdout`` or ``sys.stderr``, without what a run puts there."""
    found: TextIO | None = beneath(getattr(sys, name, None))
    return found


def _is_simple(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.item is None


def _rendered(text: str, color: str | None, screen: Screen) -> str:
    if not screen.has_glyphs:
        text = ASCII_SIGNS.get(text, text)
    return text if color is None else screen.paint(text, color)


def _write(screen: Screen | None, texts: list[str]) -> None:
    if screen is None:
        return
    live = LiveLine.present if screen.is_terminal else None
    text = "\n".join(texts) + "\n"
    if live is None:
        screen.write(text)
    else:
        with live.aside():
            screen.write(text)
