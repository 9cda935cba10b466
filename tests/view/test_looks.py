from __future__ import annotations

import pytest

from pypedream.view.looks import look_of

RUN_STATES = [
    "ok", "reused", "skipped", "blocked", "failed", "killed", "timeout", "cancelled",
    "interrupted", "pending", "running",
]  # fmt: skip
PLAN_STATES = ["run", "reuse", "skip"]
KINDS = ["stage", "parameter", "variable"]
STATES = [*RUN_STATES, *PLAN_STATES]


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", [*STATES, *KINDS])
def test_white_text_can_be_read_on_every_fill(name: str) -> None:
    """The contrast is at least 4.5, as WCAG asks for text of this size."""
    look = look_of(name) if name in STATES else look_of("", name)

    assert contrast(look.fill, "#ffffff") >= 4.5


@pytest.mark.parametrize("page", ["#ffffff", "#111111", "#1e1e1e"])
@pytest.mark.parametrize("name", [*STATES, *KINDS])
def test_a_box_stands_out_from_the_page(name: str, page: str) -> None:
    """The contrast to white and to the usual dark pages is at least 3, as WCAG asks for shapes."""
    look = look_of(name) if name in STATES else look_of("", name)

    assert contrast(look.fill, page) >= 3


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_signs(state: str) -> None:
    """A state can be told without its colour, in a picture, in text and in ASCII."""
    look = look_of(state)

    assert len(look.sign) == 1
    assert look.ascii_sign.isascii()
    assert len(look.ascii_sign) == 4
    assert look.drawing


def test_an_unknown_state_looks_like_a_stage() -> None:
    """A state that a later version adds is drawn all the same."""
    assert look_of("frozen") == look_of("", "stage")
