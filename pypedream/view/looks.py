"""Looks: the sign and colour of each state, the same in every view.

Every fill carries white text at a contrast of 4.5 or more, and stands out from a white and from a
black page; a state can be told by its sign alone.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class Look:
    """How a state, or a kind of thing without a state, looks.

    Attributes
    ----------
    fill
        Background of white text.
    sign
        One character; "" for things without a state.
    ascii_sign
        The same where only ASCII can be shown, four characters wide.
    drawing
        The sign as an SVG path in a square of 12 by 12, drawn with a line of 2.
    is_faint
        Whether it stands for something that does not happen: its outline is broken.
    """

    fill: str
    sign: str = ""
    ascii_sign: str = ""
    drawing: str = ""
    is_faint: bool = False


_CHECK: Final = "M1.5,6.5 4.8,9.8 10.5,2.5"
_CROSS: Final = "M2,2 10,10M10,2 2,10"
_DASH: Final = "M1.5,6H10.5"
_TURN: Final = "M10.2,6A4.2,4.2 0 1 1 8.6,2.7M8.9,0.3V3.1H6.1"
_PLAY: Final = "M3.5,2V10L10,6Z"
_DOTS: Final = "M1.5,6h.01M6,6h.01M10.5,6h.01"
_BAR: Final = "M6,1.2A4.8,4.8 0 1 1 5.99,1.2M2.7,9.3 9.3,2.7"
_CLOCK: Final = "M6,1.2A4.8,4.8 0 1 1 5.99,1.2M6,3.4V6.2L7.8,7.4"
_SQUARE: Final = "M3,3H9V9H3Z"

_GREEN, _TEAL, _BLUE, _RED = "#2c7d4a", "#107a7e", "#296cce", "#ca392e"
_GREY, _BROWN, _OCHRE, _STEEL = "#656f7d", "#8c6652", "#9a6200", "#4570a5"

_LOOKS: Final = {
    "ok": Look(_GREEN, "✓", "[ok]", _CHECK),
    "reused": Look(_TEAL, "↺", "[==]", _TURN),
    "running": Look(_BLUE, "▸", "[->]", _PLAY),
    "pending": Look(_GREY, "·", "[..]", _DOTS),
    "skipped": Look(_GREY, "-", "[--]", _DASH, is_faint=True),
    "blocked": Look(_BROWN, "⊘", "[xx]", _BAR, is_faint=True),
    "failed": Look(_RED, "✗", "[!!]", _CROSS),
    "killed": Look(_RED, "✗", "[!!]", _CROSS),
    "timeout": Look(_RED, "✗", "[!!]", _CLOCK),
    "cancelled": Look(_OCHRE, "■", "[##]", _SQUARE),
    "interrupted": Look(_OCHRE, "■", "[##]", _SQUARE),
    "run": Look(_STEEL, "▸", "[->]", _PLAY),
    "reuse": Look(_TEAL, "↺", "[==]", _TURN),
    "skip": Look(_GREY, "-", "[--]", _DASH, is_faint=True),
    "stage": Look(_STEEL),
    "parameter": Look("#7864a1"),
    "variable": Look("#99588b"),
}

HUES: Final = (_STEEL, _OCHRE, "#7864a1", _TEAL, "#99588b", _BROWN, _BLUE, _GREEN)
"""Colours to tell apart what is of one kind, such as the stages of a timeline."""
MIXED: Final = _GREY
"""The colour of what is of several kinds."""


def look_of(state: str, kind: str = "stage") -> Look:
    """Return the look of a state; without a state that of the kind of thing."""
    return _LOOKS.get(state or kind, _LOOKS["stage"])
