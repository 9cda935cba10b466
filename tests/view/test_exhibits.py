from __future__ import annotations

import pytest

from pypedream.view.exhibits import exhibit_html
from pypedream.view.page import Exhibit


def shown(html: str) -> str:
    return exhibit_html(Exhibit("as text", "text/html", html))


@pytest.mark.parametrize(
    "html, left",
    [
        ('<td colspan="2">two</td>', "<td colspan=2>two</td>"),
        ('<td colspan="²">two</td>', "<td>two</td>"),
        ('<td colspan="٢">two</td>', "<td>two</td>"),
        ("<td colspan>two</td>", "<td>two</td>"),
        ('<b onclick="x()">bold', "<b>bold</b>"),
        ("<script>x()</script>text", "text"),
        ("</div></div>text", "text"),
        ("a &lt;b&gt; &amp", "a &lt;b&gt; &amp;"),
        ('all of <a href="javascript:', 'all of &lt;a href="javascript:'),
        ("<!-- &lt;<script>x()", "&lt;!-- &lt;&lt;script&gt;x()"),
        ("text<style>a {", "text"),
        ("<!-- a > <b>bold</b>", "&lt;!-- a &gt; &lt;b&gt;bold&lt;/b&gt;"),
    ],
)
def test_what_is_left_of_html(html: str, left: str):
    """Numbers of cells, and elements that do nothing; what has no end is text."""
    assert shown(html) == f"<div class=a>{left}</div>"


@pytest.mark.parametrize("html", ["<img src='https://a.org/b'>", "<svg>", "<style>a {}</style> "])
def test_html_of_which_nothing_is_left_is_shown_as_text(html: str):
    """Such as a picture of which there is only the address: an empty place would say nothing."""
    assert shown(html) == "<pre>as text</pre>"
