"""A title and what is under it, as one element with a style of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.view.html import new_scope
from pypedream.view.style import style_of
from pypedream.view.tags import Html, tag

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["titled"]


def titled(headline: str, parts: Iterable[Html]) -> str:
    """Return the parts under a headline, whose name is what comes before a colon."""
    scope = new_scope()
    name, _, went = headline.partition(": ")
    title = tag("div", tag("b", name), " ", tag("span", went, class_="d"), class_="h")
    style = tag("style", Html(style_of(scope, "frames")))
    return tag("div", style, title, *parts, class_=scope)
