"""Tags: pieces of HTML in which every text that is not a piece itself is made harmless.

What can be read turns up in other documents, in notebooks of other people and in mails. So text
becomes HTML in this file only.
"""

from __future__ import annotations

from html import escape

from pypedream.log.terminal import visible

_EMPTY = ("img", "input", "meta")


class Html(str):
    """A piece of HTML; any other text is only text."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: str) -> Html:
    """Return an element.

    Parameters
    ----------
    content
        Pieces of HTML and texts.
    attributes
        Their values are texts; one that is empty is left out, unless it is said to be there with
        its own name. A "_" at the end of a name, as in ``class_``, is not part of it.

    Examples
    --------
    >>> tag("b", "a < b", class_="n")
    '<b class=n>a &lt; b</b>'
    """
    said = "".join(
        f" {key.rstrip('_')}" if value == key else f" {key.rstrip('_')}={_quoted(value)}"
        for key, value in attributes.items()
        if value
    )
    if name in _EMPTY:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{joined(*content)}</{name}>")


def joined(*content: str) -> Html:
    """Return pieces and texts as one piece."""
    return Html("".join(one if isinstance(one, Html) else _text(one) for one in content))


def _text(text: str) -> str:
    r"""Return a text as HTML shows it; only line ends are left of what cannot be printed."""
    return escape("\n".join(map(visible, text.split("\n"))), quote=False)


def _quoted(value: str) -> str:
    """Return the value of an attribute; a single word needs no quotes."""
    if value.isascii() and value.replace("-", "").isalnum():
        return value
    return f'"{escape(chr(10).join(map(visible, value.split(chr(10)))))}"'
