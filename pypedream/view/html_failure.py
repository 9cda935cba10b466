"""A failure as HTML: what broke and where, with what it was called, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.view.html_stage import table_of
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.view.page import Frame, Trouble

_CARD = "border-left:4px solid #ca392e;padding:6px 12px"


def trouble_card(trouble: Trouble) -> Html:
    """Return the card of a call that failed."""
    times = f" after {trouble.attempts} attempts" if trouble.attempts > 1 else ""
    return tag(
        "div",
        tag("div", tag("b", f"{trouble.stage} failed{times}")),
        tag("div", tag("code", trouble.error, class_="m")),
        *(tag("div", note, class_="d") for note in trouble.notes),
        *map(_frame, trouble.frames),
        table_of(trouble.inputs, "called with"),
        *([tag("div", "next: "), _hints(trouble)] if trouble.hints else []),
        class_="e",
        style=_CARD,
    )


def _frame(frame: Frame) -> Html:
    head = tag("span", f"{frame.place} in {frame.function}\n", class_="d")
    return tag("pre", head, *_source(frame))


def _source(frame: Frame) -> Iterator[Html]:
    wide = max((len(str(number)) for number, _ in frame.lines), default=0)
    for number, text in frame.lines:
        is_it = number == frame.line
        line = f"{'>' if is_it else ' '} {number:>{wide}}  {text}\n"
        yield tag("span", line, class_="m" if is_it else "d")


def _hints(trouble: Trouble) -> Html:
    lines = (hint.partition("  # ") for hint in trouble.hints)
    return tag(
        "table",
        *(tag("tr", tag("td", tag("code", code)), tag("td", why)) for code, _, why in lines),
    )
