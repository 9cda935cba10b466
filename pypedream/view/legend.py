"""Legend: the colour of each stage in a timeline, and its number where its name has no room."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.log.terminal import visible
from pypedream.view.bars import SEVERAL
from pypedream.view.chips import harmless
from pypedream.view.curves import number
from pypedream.view.labels import shortened, width_of
from pypedream.view.looks import HUES, MIXED, look_of
from pypedream.view.sheet import SMALL, written
from pypedream.view.spans import WELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pypedream.view.bars import Bar
    from pypedream.view.spans import Span

_PADDING = 8.0
_LEAST_NAME = 4.0  # in units of the font size: less of a name says nothing
_MOST = 12
_LINE, _SWATCH, _BETWEEN = 20.0, 14.0, 16.0
_WIDEST = 16.0


@define
class Legend:
    """What the colours mean.

    Attributes
    ----------
    fills
        From stage to its colour.
    numbers
        From a stage whose name is on no bar to the number that stands for it.
    """

    fills: dict[str, str] = Factory(dict)
    numbers: dict[str, int] = Factory(dict)

    @classmethod
    def of(cls, bars: Sequence[Bar], spans: Iterable[Span]) -> Legend:
        """Return the legend of some bars; colours go to stages in the order of their beginnings."""
        order = dict.fromkeys(
            span.stage for span in sorted(spans, key=lambda span: (span.begin_s, span.end_s))
        )
        shown = [bar.span.stage for bar in bars]
        named = {bar.span.stage for bar in bars if _fits(_said(bar.span), bar.width)}
        several = [SEVERAL] * (SEVERAL in shown)
        hidden = [stage for stage in (*order, *several) if stage not in named]
        return cls(
            {**dict(zip(order, cycle(HUES), strict=False)), SEVERAL: MIXED},
            {stage: place for place, stage in enumerate(hidden, 1)},
        )

    def fill_of(self, span: Span) -> str:
        """Return the colour of a span: that of its stage, unless it did not end well."""
        if span.state in (WELL, "running"):
            return self.fills[span.stage]
        return look_of(span.state).fill

    def text_on(self, bar: Bar) -> str:
        """Return as much as can be written on a bar, as SVG: its stage, or a number or sign."""
        span, room = bar.span, (bar.width - _PADDING) / SMALL
        many = [f"{_said(span)} \N{MULTIPLICATION SIGN}{span.items:,}"] if span.items > 1 else []
        for text in (*many, _said(span)):
            if width_of(text) <= room:
                return harmless(text)
        if span.stage == SEVERAL:
            return "…" if room > 0 else ""
        if room >= _LEAST_NAME and span.stage not in self.numbers:
            return harmless(shortened(_said(span), room))
        sign = "" if span.state == WELL else _sign(span)
        place = self.numbers.get(span.stage, _MOST + 1)
        tight = (f"{sign}{place}" if place <= _MOST else sign, sign)
        return next((text for text in tight if width_of(text) * SMALL + 2 <= bar.width), "")

    def height(self, left: float, right: float) -> float:
        """Return how high the legend is; 0 if there is none."""
        places = list(self._places(left, 0.0, right))
        return places[-1][1] + _LINE if places else 0.0

    def drawn(self, left: float, top: float, right: float) -> Iterator[str]:
        """Yield the numbers and what they stand for, line by line."""
        for x, y, stage, text in self._places(left, top, right):
            if stage is not None:
                yield (
                    f'<rect x="{number(x)}" y="{number(y + 2)}" width="{number(_SWATCH)}"'
                    f' height="{number(_SWATCH)}" rx="3" fill="{self.fills[stage]}"/>'
                    f'<text x="{number(x + _SWATCH / 2)}" y="{number(y + 12.5)}" fill="#fff"'
                    f' font-size="10" text-anchor="middle">{self.numbers[stage]}</text>'
                )
            text_at = x if stage is None else x + _SWATCH + 5
            yield written(text, text_at, y + 13)

    def _places(
        self, left: float, top: float, right: float
    ) -> Iterator[tuple[float, float, str | None, str]]:
        """Yield where each entry is, its stage and its text; the last may be of no stage."""
        stages: Sequence[str] = list(self.numbers)
        entries: list[tuple[str | None, str]] = [(stage, _entry(stage)) for stage in stages[:_MOST]]
        if len(stages) > _MOST:
            entries.append((None, f"and {len(stages) - _MOST} more stages"))
        x, y = left, top
        for stage, text in entries:
            width = width_of(text) * SMALL + (_SWATCH + 5 if stage is not None else 0)
            if x > left and x + width > right:
                x, y = left, y + _LINE
            yield x, y, stage, text
            x += width + _BETWEEN


def _said(span: Span) -> str:
    """Return the stage, with the sign of its state if it did not simply go well."""
    stage = visible(span.stage) if span.stage != SEVERAL else "several stages"
    return stage if span.state == WELL else f"{_sign(span)} {stage}"


def _entry(stage: str) -> str:
    return "several stages" if stage == SEVERAL else shortened(visible(stage), _WIDEST)


def _sign(span: Span) -> str:
    return look_of(span.state).sign


def _fits(text: str, width: float) -> bool:
    return width_of(text) * SMALL + _PADDING <= width
