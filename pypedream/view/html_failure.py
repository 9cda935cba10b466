"""A failure as HTML: what broke and where, with what it was called, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.view.html_stage import table_of
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.view.page import Frame, Trouble

_CARD = "border-left:4px solid #ca392e;padding:6px 12px"


def trouble_cards(troubles: Iterable[Trouble], untold: int = 0) -> Iterator[Html]:
    """Yield the card of the call that failed first, and in folds those of others.

    Parameters
    ----------
    untold
        How many more calls failed than there are cards.
    """
    for number, trouble in enumerate(troubles):
        yield _folded(trouble) if number else trouble_card(trouble)
    if untold:
        failed = "1 more call failed" if untold == 1 else f"{untold:,} more calls failed"
        yield tag("div", failed, class_="d")


def trouble_card(trouble: Trouble) -> Html:
    """Return the card of a call that failed."""
    return tag(
        "div",
        tag("div", tag("b", _head(trouble))),
        tag("div", tag("code", trouble.error, class_="m")),
        *_details(trouble),
        class_="e",
        style=_CARD,
    )


def _folded(trouble: Trouble) -> Html:
    error = tag("span", trouble.error, class_="d")
    head = tag("summary", tag("b", _head(trouble)), " ", error)
    return tag("details", head, *_details(trouble), class_="e", style=_CARD)


def _head(trouble: Trouble) -> str:
    times = f" after {trouble.attempts} attempts" if trouble.attempts > 1 else ""
    return f"{trouble.stage} failed{times}"


def _details(trouble: Trouble) -> Iterator[Html]:
    yield from (tag("div", note, class_="d") for note in trouble.notes)
    yield from map(_frame, trouble.frames)
    yield table_of(trouble.inputs, "called with")
    if trouble.hints:
        yield tag("div", "next: ")
        yield _hints(trouble)


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
