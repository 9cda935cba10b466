"""What can be written to a stream, and how: safe characters, encodings, colours, widths."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from re import Match, Pattern
    from typing import TextIO

__all__ = ["Screen", "cut", "visible"]

# C0, DEL, C1; marks that turn the direction of text; line separators; halves of surrogate pairs;
# marks without a width that hide text in text. Other characters that are not "printable", such as
# joiners in emoji and no-break spaces, are harmless.
_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_unsafe: Pattern[str] | None = None

GLYPHS = "✓✗…█░"
WIDTH = 80


def visible(text: str) -> str:
    r"""Return *text* with all characters escaped that could do something to a terminal.

    Tabs become spaces.

    Examples
    --------
    >>> print(visible("\x1b[2J red"))
    \x1b[2J red
    """
    if text.isprintable():
        return text
    global _unsafe  # noqa: PLW0603
    if _unsafe is None:
        import re

        _unsafe = re.compile(_UNSAFE)
    return _unsafe.sub(_escaped, text.expandtabs())


def _escaped(match: Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def cut(text: str, cells: int) -> str:
    """Return as much of *text* as fits in so many cells of a terminal.

    Examples
    --------
    >>> cut("日本語", 5)
    '日本'
    """
    if text.isascii():
        return text[:cells]
    from unicodedata import combining, east_asian_width

    used = 0
    for index, letter in enumerate(text):
        wide = 2 if east_asian_width(letter) in "WF" else 1
        used += 0 if combining(letter) else wide
        if used > cells:
            return text[:index]
    return text


class Screen:
    """A text stream and what it can show; lives as long as the stream is in use.

    Attributes
    ----------
    is_terminal
        Whether someone watches it, on something that can erase a line.
    has_color
        Whether colours are understood and wanted.
    has_glyphs
        Whether the encoding has signs beyond ASCII for us.
    """

    __slots__ = ("_encoding", "has_color", "has_glyphs", "is_terminal", "stream")

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.is_terminal = _is_terminal(stream)
        self.has_color = self.is_terminal and not os.environ.get("NO_COLOR")
        self.has_glyphs = self._encodable(GLYPHS) == GLYPHS

    def write(self, text: str) -> None:
        """Write *text* at once; what the encoding does not have is escaped."""
        self.stream.write(text if text.isascii() else self._encodable(text))
        self.stream.flush()

    def paint(self, text: str, color: str) -> str:
        """Return *text* in a colour, if the stream has any.

        Parameters
        ----------
        color
            The number of the SGR sequence: "31" is red.
        """
        return f"\x1b[{color}m{text}\x1b[0m" if self.has_color else text

    def width(self) -> int:
        """Return the number of cells of a line."""
        try:
            return os.get_terminal_size(self.stream.fileno()).columns or WIDTH
        except (AttributeError, OSError, ValueError):  # not a file of the system
            columns = os.environ.get("COLUMNS", "")
            return int(columns) if columns.isdecimal() and int(columns) else WIDTH

    def _encodable(self, text: str) -> str:
        try:
            return text.encode(self._encoding, "backslashreplace").decode(self._encoding)
        except (LookupError, UnicodeError):  # an encoding that Python does not know
            return text.encode("ascii", "backslashreplace").decode("ascii")


def _is_terminal(stream: TextIO) -> bool:
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        if not stream.isatty():
            return False
    except (AttributeError, ValueError):  # it cannot say, or it is closed
        return False
    return sys.platform != "win32" or any(
        name in os.environ for name in ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM")
    )
