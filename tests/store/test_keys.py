from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import InvalidKey, StoreError
from pypedream.store.keys import checked_key
from pypedream.store.objects import _key_of, _name_of

REFUSED = {
    "": "it is empty",
    "../x": 'a part is ".."',
    "a/../../x": 'a part is ".."',
    "./x": 'a part is "."',
    "/etc/passwd": "absolute",
    "//host/share": "absolute",
    "a\\b": "backslash",
    "c:x": "drive",
    "C:/x": "drive",
    "a\0b": "control character",
    "a\nb": "control character",
    "con": "reserved by Windows",
    "a/NUL.txt": "reserved by Windows",
    "a.": "ends with a dot or a blank",
    "a /b": "ends with a dot or a blank",
    "a//b": "is empty",
    "a/": "is empty",
    "x" * 300: "300 characters, more than 255",
    "\ud800": "surrogate",
}


@pytest.mark.parametrize("key", REFUSED, ids=lambda key: ascii(key)[:20])
def test_a_key_that_means_another_place_is_refused(key):
    """The text names the rule, on one line."""
    with pytest.raises(InvalidKey, match="cannot be a key: ") as caught:
        checked_key(key)

    assert REFUSED[key] in str(caught.value)
    assert str(caught.value).isprintable()
    assert isinstance(caught.value, (ValueError, StoreError))


@pytest.mark.parametrize("key", [None, 1, b"a", ("a",)], ids=repr)
def test_a_key_is_a_text(key):
    """Anything else is refused and not converted."""
    with pytest.raises(InvalidKey, match="a key is a text, not"):
        checked_key(key)


@pytest.mark.parametrize("key", ["a", "a/b", "März", "日本/東京", "a b", "a..b", ".a", "console"])
def test_what_harms_nobody_is_a_key(key):
    """Parts, blanks, dots and letters of all scripts."""
    assert checked_key(key) == key


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_the_name_of_an_object_gives_its_key_back(key):
    """It is one part of a path, which no other key has where capitals do not count."""
    name = _name_of(key)

    assert "/" not in name
    assert len(name) <= 180
    assert _key_of(f"{name}.json") in (key, None)
    assert (key.lower() == key) or name.lower() != _name_of(key.lower()).lower()
