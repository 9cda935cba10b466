"""What a class refuses, as short lines: the text of an error, and which field it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADS = ("Value error, ", "Assertion failed, ")


def refusals(error: Exception) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """Yield what an error says, in parts.

    Parameters
    ----------
    error
        What a class raised when it was called.

    Yields
    ------
    The way to the field, from the class on, () if it is about the whole or that is not known; the
    value in short, "" if the text says it; and what is wrong with it, on one line.
    """
    if not type(error).__module__.startswith("pydantic"):
        text = str(error.args[0] if error.args else error)
        yield (), "", " ".join(text.split()) or type(error).__name__
        return
    found: Any = error
    for each in found.errors(include_url=False):
        text = " ".join(each["msg"].split())
        for head in _HEADS:
            text = text.removeprefix(head)
        is_about_input = text.startswith("Input ")
        shown = short(each["input"], 60) if is_about_input else ""
        yield each["loc"], shown, text.removeprefix("Input ")


def in_short(error: Exception) -> str:
    """Return all that an error says on one line."""
    lines = (
        " ".join(filter(None, (".".join(map(str, path)), shown, text)))
        for path, shown, text in refusals(error)
    )
    return "; ".join(lines)
