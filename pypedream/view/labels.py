"""Labels: how wide a text is in a picture and on a terminal, and how to make it shorter."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

ELLIPSIS = "…"

# Of DejaVu Sans, which is wider than the fonts that systems prefer: text that fits in this one
# fits in all of them.
_WIDTHS = {
    letter: width
    for width, letters in (
        (0.29, "ijlI'|"),
        (0.33, " .,:;!/\\"),
        (0.41, '()[]rft-`"'),
        (0.53, "cszJ_?^*{}"),
        (0.60, "aekovxyLTF"),
        (0.64, "bdghnpqu0123456789EPYZSXKBR$"),
        (0.70, "CVAH<>+=~"),
        (0.80, "DGNOQU#&"),
        (0.99, "mwMW%@"),
    )
    for letter in letters
}
_OTHER = 0.70
_WIDE = 1.05


def width_of(text: str) -> float:
    """Return about how wide *text* is at most, in units of the font size.

    Examples
    --------
    >>> round(width_of("load"), 2)
    2.13
    """
    return sum(_WIDTHS.get(letter) or _width_of_rare(letter) for letter in text)


def _width_of_rare(letter: str) -> float:
    if combining(letter):
        return 0.0
    return _WIDE if east_asian_width(letter) in "WF" else _OTHER


def cells_of(text: str) -> int:
    """Return how many cells of a terminal *text* takes.

    Examples
    --------
    >>> cells_of("load"), cells_of("読む")
    (4, 4)
    """
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def shortened(text: str, width: float) -> str:
    """Return *text* in at most *width*, in units of the font size; its middle is left out.

    Both ends tell names apart: what belongs together often begins alike, or ends alike.

    Examples
    --------
    >>> shortened("yearly_means_of_the_northern_stations", 12)
    'yearly_me…rn_stations'
    """
    if width_of(text) <= width:
        return text
    half = (width - width_of(ELLIPSIS)) / 2
    return _beginning(text, half) + ELLIPSIS + _beginning(text[::-1], half)[::-1]


def _beginning(text: str, width: float) -> str:
    for count, letter in enumerate(text):
        width -= width_of(letter)
        if width < 0:
            return text[:count]
    return text
