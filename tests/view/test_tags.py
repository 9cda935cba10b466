from __future__ import annotations

from pypedream.view.tags import Html, joined, tag


def test_text_is_harmless_and_pieces_stay():
    """Only what a function here made is HTML."""
    assert tag("b", "<i>", tag("i", "a & b")) == "<b>&lt;i&gt;<i>a &amp; b</i></b>"
    assert joined("\x1b[1m", Html("<b></b>")) == "\\x1b[1m<b></b>"


def test_attributes_are_quoted_where_they_must_be():
    """A word needs no quotes, and nothing gets out of them."""
    assert tag("img", alt='a "b" <c>', src="x") == '<img alt="a &quot;b&quot; &lt;c&gt;" src=x>'
    assert tag("p", id="", open="open") == "<p open></p>"
    assert tag("p", title="a=b'`") == '<p title="a=b&#x27;`"></p>'
