r"""From what is printed, piece by piece, to whole lines: the `print` and `progress` records.

``print("row", 1)`` writes four times and threads take turns, so the pieces are kept for each
attempt, stream and thread until a newline comes. Text is only ever split at ``\n``: to
``str.splitlines`` a form feed or U+2028 would be an end of line as well.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pypedream.log.encode import readable
from pypedream.log.terminal import Screen, visible

if TYPE_CHECKING:
    from typing import TextIO

    from pypedream.context import Attempt

__all__ = ["LONGEST", "LONG_TEXT", "MANY", "Line"]

LONGEST = 64 * 1024
LONG_TEXT = 4096
MANY = 128
LINES_AT_ONCE = 256

# tqdm moves back up with it after drawing a bar below another.
CURSOR_UP = "\x1b[A"


class Line:
    r"""A line that one thread of an attempt has not ended yet, and then the next.

    Attributes
    ----------
    attempt
        The attempt that prints.
    stream
        "stdout" or "stderr".
    pieces
        What was written of the line. The router appends ordinary pieces by itself and records an
        ordinary line; everything else comes through `write`.
    is_special
        Whether the end of this line needs `write`: it was rewritten with ``\r``, or its start is
        on the console already.
    """

    __slots__ = (
        "_bar",
        "_held",
        "_is_stacked",
        "_screen",
        "_shown",
        "attempt",
        "is_special",
        "pieces",
        "stream",
    )

    def __init__(self, attempt: Attempt, stream: str) -> None:
        self.attempt = attempt
        self.stream = stream
        self.pieces: list[str] = []
        self.is_special = False
        self._bar = ""
        self._held = ""
        self._is_stacked = False
        self._shown = 0
        self._screen: Screen | None = None

    def write(self, text: str) -> None:
        """Add *text*; each line that it ends becomes a record."""
        if CURSOR_UP in text:
            self._is_stacked = True
            text = text.replace(CURSOR_UP, "")
        log = self.attempt.log
        start, end, count = 0, text.find("\n"), 0
        while end >= 0:
            self.pieces.append(text[start:end])
            self._end()
            start, end, count = end + 1, text.find("\n", end + 1), count + 1
            if count % LINES_AT_ONCE == 0:
                log.deliver_soon()
        if start < len(text):
            rest = text[start:]
            self.pieces.append(rest)
            if "\r" in rest or len(rest) > LONGEST or len(self.pieces) > MANY:
                self.shorten()
        if count:
            log.deliver_soon()

    def shorten(self) -> None:
        """Make one piece of many, and records of a line that is too long to wait for its end."""
        text = "".join(self.pieces)
        if "\r" in text:
            text = self._rewritten(text)
        elif len(text) > LONGEST:
            rest = self._cut(text)
            self._shown = max(0, self._shown - len(text) + len(rest))
            text = rest
        self.pieces[:] = [text]

    def show(self, under: TextIO) -> None:
        """Show the line so far on *under*: it may be a prompt that somebody is to answer."""
        text, log = "".join(self.pieces), self.attempt.log
        if len(text) <= self._shown or "\r" in text or not log.has_console:
            log.shown()
            return
        log.make_way()
        self.pieces[:] = [text]
        self.is_special = True
        self._screen = Screen(under)
        self._screen.write(self._showable(text))
        self._shown = len(text)

    def so_far(self) -> str:
        """Return the text of the line, as far as it counts: what was rewritten does not."""
        text = "".join(self.pieces)
        return text.removesuffix("\r").rpartition("\r")[2] if "\r" in text else text

    def take(self) -> str:
        """Return the text of the line and forget it."""
        text = "".join(self.pieces)
        self._restart()
        return text

    def finish(self) -> None:
        """Record what is there although no newline came: nobody will write here again."""
        if not self.pieces and not self._held:
            return
        if self.pieces:
            self._end()
        if self._held:
            self._record(self._held)
            self._held = ""
        self.attempt.log.deliver_soon()

    def _end(self) -> None:
        """Record the line, which is whole now."""
        text = "".join(self.pieces).removesuffix("\r")
        data = self._end_shown(text) if self._shown else None
        was_bar, was_rewritten = bool(self._bar), self.is_special and data is None
        self._restart()
        if was_rewritten or self._is_stacked or "\r" in text:
            self._end_bar(text.rpartition("\r")[2], was_bar)
        else:
            self._record(self._cut(text), data)

    def _end_bar(self, last: str, was_bar: bool) -> None:
        """Record how a rewritten line ended; one of several bars is not at its end yet."""
        if was_bar and self._is_stacked:
            self._held = last
        elif last.strip():
            self._record(last)

    def _end_shown(self, text: str) -> dict[str, Any]:
        """Let the console have the rest of a line whose start it has."""
        if self._screen is not None:
            self._screen.write(self._showable(text) + "\n")
        return {"shown": True}

    def _restart(self) -> None:
        self.pieces.clear()
        self.is_special = False
        self._bar = ""
        self._shown = 0

    def _rewritten(self, text: str) -> str:
        """Tell the progress that a rewritten line shows; return all of it that still counts."""
        self.is_special = True
        before, _, last = text.rpartition("\r")
        if last:
            self._progress(last)
            return "\r" + last
        last = before.rpartition("\r")[2]
        self._progress(last)
        return last + "\r"

    def _progress(self, text: str) -> None:
        bar, before = text.strip(), self._bar
        self._bar = bar
        if bar and bar != before:
            attempt = self.attempt
            attempt.log.add(
                "progress", bar, attempt=attempt, stream=self.stream, data=_how_far(bar)
            )

    def _cut(self, text: str) -> str:
        """Record a long text in parts; return the last of them, which may still grow."""
        start = 0
        while len(text) - start > LONGEST:
            self._record(text[start : start + LONGEST], {"continues": True})
            self.attempt.log.deliver_soon()
            start += LONGEST
        return text[start:]

    def _record(self, text: str, data: dict[str, Any] | None = None) -> None:
        attempt = self.attempt
        log = attempt.log
        record = (
            next(log.counter),
            perf_counter_ns(),
            attempt,
            "print",
            "info",
            text,
            self.stream,
            data,
        )
        log.records.append(record)

    def _showable(self, text: str) -> str:
        return visible(readable(text[self._shown :], self.attempt.log.redactor))


def _how_far(bar: str) -> dict[str, Any] | None:
    """Read "52/100" or "52%" out of a progress bar."""
    import re  # only who draws bars needs it

    count = re.search(r"(\d+)/(\d+)", bar)
    if count is not None and 0 < int(count[2]) >= int(count[1]):
        return {"done": int(count[1]), "total": int(count[2])}
    share = re.search(r"(\d{1,3})%", bar)
    return None if share is None else {"done": int(share[1]), "total": 100}
