"""An HTML document that holds all that it shows.

Its own policy forbids to load anything or to run a script, so what users printed stays text even if
something in it were wrong.
"""

from __future__ import annotations

from pypedream.view.tags import Html, tag

__all__ = ["document"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def document(title: str, style: str, *body: Html) -> str:
    """Return a whole HTML document that loads nothing and runs no script.

    Parameters
    ----------
    style
        The rules of its one style sheet.

    Examples
    --------
    >>> text = document("<flow>", "p{margin:0}", Html("<p>done</p>"))
    >>> "<title>&lt;flow&gt;</title><style>p{margin:0}</style>" in text, "<body><p>done" in text
    (True, True)
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", title),
        tag("style", Html(style.replace("\n", ""))),
    )
    return f"<!doctype html>{tag('html', head, tag('body', *body), lang='en')}\n"
