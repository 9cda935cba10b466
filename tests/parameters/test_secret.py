from __future__ import annotations

import copy
import pickle

import pytest

from pypedream.parameters import Secret


@pytest.mark.parametrize(
    "text",
    [
        str(Secret("hunter2")),
        repr(Secret("hunter2")),
        f"{Secret('hunter2')}",
        "{} {!r}".format(Secret("hunter2"), [Secret("hunter2")]),
        str({"token": Secret("hunter2")}),
    ],
    ids=["str", "repr", "format", "repr in a list", "dict"],
)
def test_text_of_a_secret_is_stars(text: str) -> None:
    """No way of making text of a secret shows its value."""
    assert "***" in text
    assert "hunter2" not in text


def test_format_pads_the_stars() -> None:
    """A secret in a column is as wide as the column."""
    assert f"{Secret('hunter2'):>5}|" == "  ***|"


def test_reveal_gives_the_value() -> None:
    """Only reveal() gives the value, and a secret of a secret holds the inner value."""
    assert Secret(Secret("hunter2")).reveal() == "hunter2"


def test_secrets_are_equal_by_value() -> None:
    """Secrets of equal values are equal and hash alike; a secret never equals a bare value."""
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_empty_secret_is_false() -> None:
    """A secret is as true as its value, so that an empty token can be told from a real one."""
    assert not Secret("")
    assert Secret("a")


@pytest.mark.parametrize(
    "travel",
    [copy.deepcopy, lambda secret: pickle.loads(pickle.dumps(secret))],
    ids=["deepcopy", "pickle"],
)
def test_secret_travels(travel: object) -> None:
    """A secret can be copied and pickled: it is a secret of the same value there."""
    assert callable(travel)

    there = travel(Secret("hunter2"))

    assert there == Secret("hunter2")
    assert str(there) == "***"


def test_secret_has_no_attributes_to_look_into() -> None:
    """A secret has no dict that a debugger or a serializer would walk through."""
    assert not hasattr(Secret("hunter2"), "__dict__")
