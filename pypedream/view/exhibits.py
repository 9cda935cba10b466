"""Exhibits: what stages displayed, from the events and what is kept beside them.

HTML is a stage's own, or that of a library. It is made harmless: what is left are tables, lists
and text, without style, address and script. What would be a heap of loose text then, such as a
widget made of styles, is shown as plain text instead.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from pypedream.log.displays import MOST_A_STAGE, PICTURES
from pypedream.view.page import Exhibit
from pypedream.view.tags import Html, joined, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pypedream.log.displays import Display
    from pypedream.log.events import Event

MOST_LETTERS = 60_000
MOST_TEXT = 4_000
_SVG = "image/svg+xml"
_TABLE = ("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption")
_BLOCKS = ("div", "p", "pre", "blockquote", "hr", "ul", "ol", "li", "dl", "dt", "dd")
_HEADS = ("h1", "h2", "h3", "h4", "h5", "h6", "details", "summary")
_WORDS = ("b", "strong", "i", "em", "u", "s", "code", "br", "sub", "sup", "small", "span")
_TAGS = frozenset([*_TABLE, *_BLOCKS, *_HEADS, *_WORDS])
_EMPTY = frozenset(["br", "hr"])
_ATTRIBUTES = frozenset(["colspan", "rowspan"])
_COUNT = re.compile("[0-9]{1,3}")
_UNREAD = frozenset(["style", "script", "title", "template", "noscript"])
_LOOSE = frozenset(["svg", "input", "canvas", "iframe", "object", "video", "audio", "form"])


def exhibits_of(
    events: Iterable[Event], content_of: Callable[[int], Display | None]
) -> Iterator[Exhibit]:
    """Yield what the first events say was displayed, and a note on how many more there are.

    Parameters
    ----------
    content_of
        Returns what is kept under a number; None if it is not there.
    """
    found = list(events)
    for event in found[:MOST_A_STAGE]:
        data = event.data or {}
        number = data.get("display")
        display = content_of(number) if isinstance(number, int) else None
        text = event.event if event.event != event.kind else ""
        if display is None:
            size = data.get("bytes")
            note = f"not shown: {size:,} bytes" if isinstance(size, int) else ""
            yield Exhibit(text, note=note)
        elif display.mime in PICTURES or display.mime == _SVG:
            yield Exhibit(text, display.mime, display.base64)
        else:
            yield Exhibit(text, display.mime, display.content.decode("utf-8", "replace"))
    if len(found) > MOST_A_STAGE:
        yield Exhibit("", note=f"{len(found) - MOST_A_STAGE:,} more were displayed")


def exhibit_html(exhibit: Exhibit) -> Html:
    """Return what was displayed, made harmless."""
    if exhibit.note:
        return tag("div", exhibit.text, " " if exhibit.text else "", tag("i", exhibit.note))
    if exhibit.mime == "text/html":
        tamed = _tamed(exhibit.content)
        if tamed is not None:
            return tag("div", tamed, class_="a")
    elif exhibit.mime:
        source = f"data:{exhibit.mime};base64,{exhibit.content}"
        return tag("div", tag("img", src=source, alt=exhibit.text), class_="a")
    return tag("pre", exhibit.text[:MOST_TEXT])


def _tamed(html: str) -> Html | None:
    """Return HTML without all that could do or load something; None where too little is left."""
    if len(html) > MOST_LETTERS:
        return None
    reader = _Reader()
    reader.feed(html)
    # What has no end is text. To close the reader would be to have it try each "<" of that again,
    # and to read all that follows each time: a minute for 60,000 letters.
    reader.handle_data(unescape(reader.rawdata))
    return None if reader.is_loose or reader.is_empty else reader.taken()


class _Reader(HTMLParser):
    """Takes what is allowed, and closes what is open at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.is_loose = False
        self.is_empty = True
        self._parts: list[str] = []
        self._open: list[str] = []
        self._unread = 0

    def taken(self) -> Html:
        ends = (f"</{name}>" for name in reversed(self._open))
        return Html("".join([*self._parts, *ends]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.is_loose = self.is_loose or tag in _LOOSE
        self._unread += tag in _UNREAD
        if tag not in _TAGS or self._unread:
            return
        said = "".join(
            f" {name}={value}"
            for name, value in attrs
            if name in _ATTRIBUTES and _COUNT.fullmatch(value or "")
        )
        kind = " class=u" if tag == "table" else ""
        self._parts.append(f"<{tag}{said}{kind}>")
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread = max(0, self._unread - 1)
        elif tag in self._open and not self._unread:
            while (last := self._open.pop()) != tag:
                self._parts.append(f"</{last}>")
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.is_empty = self.is_empty and not data.strip()
            self._parts.append(joined(data))
