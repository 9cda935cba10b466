"""What the things look like that stages displayed: kept beside the log, as a picture is no line."""

from __future__ import annotations

from binascii import b2a_base64
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from pypedream.log.redaction import Redactor

__all__ = ["PICTURES", "SUFFIXES", "Display", "Displays"]

MOST_A_STAGE = 5
MOST_BYTES, MOST_BYTES_IN_ALL = 2 << 20, 20 << 20
SUFFIXES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/svg+xml": "svg",
    "text/html": "html",
}
"""The forms that are kept, the one that is taken first before others, each with its suffix."""
PICTURES = ("image/png", "image/jpeg")


@frozen(repr=False)
class Display:
    """What something looks like.

    Attributes
    ----------
    mime
        One of `SUFFIXES`.
    """

    mime: str
    content: bytes

    @property
    def base64(self) -> str:
        """The content as a text."""
        return b2a_base64(self.content, newline=False).decode("ascii")


@define(eq=False, repr=False)
class Displays:
    """What was displayed in one run; of each stage the first few.

    Attributes
    ----------
    folder
        Where each is also written to; None writes nothing. It is made when it is needed.
    """

    folder: Path | None = None
    _kept: dict[int, Display] = field(factory=dict)
    _ids: dict[str, int] = field(factory=dict)
    _numbers: Any = field(factory=lambda: count(1))
    _shown: dict[Hashable, list[int]] = field(factory=dict)
    _cleared: dict[Hashable, list[int]] = field(factory=dict)
    _counts: Counter[str] = field(factory=Counter)
    _bytes: int = 0

    def get(self, number: int) -> Display | None:
        """Return what is kept under a number."""
        return self._kept.get(number)

    def number_of(self, name: str | None) -> int | None:
        """Return the number of what was displayed under a name that can be updated."""
        return self._ids.get(name) if name else None

    def clear(self, call: Hashable) -> None:
        """Have what a call displays next take the place of what it has displayed."""
        self._cleared[call] = [*self._shown.get(call, ())]

    def add(
        self, stage: str, display: Display, name: str | None, call: Hashable = None
    ) -> dict[str, Any] | None:
        """Keep what a call of a stage displayed.

        Returns
        -------
        What its event says of it; None if it is no event: it takes the place of another, and
        nothing went wrong.
        """
        cleared = self._cleared.get(call)
        if cleared:
            number = cleared.pop(0)
            self._name(number, name)
            return self.put(number, display) or None
        self._counts[stage] += 1
        is_much = len(display.content) > MOST_BYTES or self._bytes > MOST_BYTES_IN_ALL
        told: dict[str, Any] = {"mime": display.mime, "bytes": len(display.content)}
        if self._counts[stage] > MOST_A_STAGE or is_much:
            return told
        number = next(self._numbers)
        self._name(number, name)
        self._shown.setdefault(call, []).append(number)
        return {**told, "display": number, **self.put(number, display)}

    def received(
        self, stage: str, told: dict[str, Any], redactor: Redactor | None
    ) -> dict[str, Any] | None:
        """Keep what a call displayed elsewhere.

        Returns
        -------
        What its event says of it; None if it is no event: it takes the place of another, and
        nothing went wrong.
        """
        name, display = told.get("name"), _display_in(told, redactor)
        if told.get("update"):
            number = self.number_of(name)
            if number is None or display is None:
                return None
            return self.put(number, display) or None
        return self.add(stage, display, name) if display is not None else {}

    def put(self, number: int, display: Display) -> dict[str, Any]:
        """Keep something under a number, in place of what is there; return what went wrong.

        What is too large to take the place leaves it as it is.
        """
        before = self._kept.get(number)
        others = self._bytes - (len(before.content) if before is not None else 0)
        if len(display.content) > MOST_BYTES or others > MOST_BYTES_IN_ALL:
            return {}
        self._kept[number] = display
        self._bytes = others + len(display.content)
        if self.folder is None:
            return {}
        try:
            self.folder.mkdir(exist_ok=True)
            self._path(number, display).write_bytes(display.content)
            if before is not None and before.mime != display.mime:
                self._path(number, before).unlink()
        except OSError as error:
            return {"not_written": error.strerror or str(error)}
        return {}

    def _name(self, number: int, name: str | None) -> None:
        if name:
            self._ids[name] = number

    def _path(self, number: int, display: Display) -> Path:
        assert self.folder is not None
        return self.folder / f"{number}.{SUFFIXES[display.mime]}"


def _display_in(told: dict[str, Any], redactor: Redactor | None) -> Display | None:
    content = told.get("content")
    if not isinstance(content, bytes):
        return None
    mime = str(told["mime"])
    if redactor is not None and mime not in PICTURES:
        content = redactor.text(content.decode("utf-8", "replace")).encode()
    return Display(mime, content)
