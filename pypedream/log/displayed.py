"""What a stage displays in a notebook becomes an event of it: tables, figures, formatted text.

The event has the text; what it looks like is kept beside the log (`displays`). What only a living
page can show, such as a widget, goes to the cell as if there were no run.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from pypedream.log.displays import PICTURES, SUFFIXES, Display, Displays
from pypedream.log.entry import enter
from pypedream.log.output import captured
from pypedream.log.patch import Patch
from pypedream.places import running_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from pypedream.context import Attempt
    from pypedream.log.redaction import Redactor

__all__ = ["CLEARED", "DISPLAYED", "exhibit", "tell_of"]

_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_WRITTEN = ("text/markdown", "text/latex", "text/plain")


def _recording(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def publish(self: Any, data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        attempt = captured()
        if attempt is None or any(form.startswith("application/") for form in data):
            return original(self, data, *args, **kwargs)
        name = (kwargs.get("transient") or {}).get("display_id")
        displays: Displays | None = getattr(attempt.log, "displays", None)
        if displays is None:  # the log is elsewhere
            return tell_of(attempt, data, name, update=bool(kwargs.get("update")))
        if not kwargs.get("update"):
            return _record(attempt, data, displays, name)
        number, display = displays.number_of(name), display_of(data, attempt.log.redactor)
        if number is None:  # it belongs to a cell, or to an earlier run
            return original(self, data, *args, **kwargs)
        wrong = displays.put(number, display) if display is not None else {}
        if wrong:
            enter(attempt.log, attempt, "display", "info", written(data), wrong)
        return None

    return publish


def exhibit(shown: Callable[[], Mapping[str, Any]]) -> None:
    """Have something be part of what the running stage displayed; outside a run do nothing.

    Parameters
    ----------
    shown
        Returns what it looks like, from MIME types to texts.
    """
    attempt = captured()
    if attempt is None:
        return
    displays: Displays | None = getattr(attempt.log, "displays", None)
    if displays is None:  # the log is elsewhere
        tell_of(attempt, shown())
    else:
        _record(attempt, shown(), displays, None)


def _record(
    attempt: Attempt, data: Mapping[str, Any], displays: Displays, name: str | None
) -> None:
    display = display_of(data, attempt.log.redactor)
    told: dict[str, Any] | None = {}
    if display is not None:
        told = displays.add(attempt.stage, display, name, _call(attempt))
    if told is not None:
        enter(attempt.log, attempt, "display", "info", written(data), told)


def _call(attempt: Attempt) -> Hashable:
    return attempt.stage, attempt.item, attempt.number


def tell_of(
    attempt: Attempt, data: Mapping[str, Any], name: str | None = None, *, update: bool = False
) -> None:
    """Leave what was displayed in a log that is not that of the run, to be sent there.

    Parameters
    ----------
    name
        Under which it can be updated.
    update
        Whether it takes the place of what has the name.
    """
    display = display_of(data, None)
    told: dict[str, Any] = {"name": name, "update": update} if name else {}
    if display is not None:
        told.update(mime=display.mime, content=display.content)
    attempt.log.add("display", written(data), attempt=attempt, data=told or None)


def written(data: Mapping[str, Any]) -> str:
    """Return what stands for something that was displayed where only text can be."""
    text = next((str(data[form]) for form in _WRITTEN if form in data), "")
    return _COLOURS.sub("", text)


def display_of(data: Mapping[str, Any], redactor: Redactor | None) -> Display | None:
    """Return the best form in which something was displayed; None if it is only text."""
    for form in SUFFIXES:
        content = data.get(form)
        if isinstance(content, bytes):
            return Display(form, content)
        if not isinstance(content, str) or not content:
            continue
        if form in PICTURES:
            with suppress(ValueError):  # a notebook shows nothing for it
                return Display(form, a2b_base64(content))
            continue
        text = content if redactor is None else redactor.text(content)
        return Display(form, text.encode("utf-8", "backslashreplace"))
    return None


def _sparing(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def clear_output(self: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = captured()
        if attempt is None:
            return original(self, *args, **kwargs)
        # It would clear the view of the run, and all else that the cell has shown.
        displays: Displays | None = getattr(attempt.log, "displays", None)
        if displays is not None:
            displays.clear(_call(attempt))
        return None

    return clear_output


def _publisher() -> Any:
    shell = running_kernel()
    assert shell is not None
    return type(shell.display_pub)


DISPLAYED = Patch(_publisher, "publish", _recording)
CLEARED = Patch(_publisher, "clear_output", _sparing)
