"""Maps: a plot of runs by two parameters, a cell for each pair of values."""

from __future__ import annotations

from math import ceil, floor, log10
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.engine.runs_text import cell
from pypedream.errors import InvalidParameterException
from pypedream.log.terminal import visible
from pypedream.view.curves import number
from pypedream.view.labels import shortened, width_of
from pypedream.view.plot_frame import LINE, MARGIN, TOP, WIDTH, height_of, label, notes_of, title_of
from pypedream.view.plotted import is_number
from pypedream.view.sheet import SMALL, sheet, written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pypedream.view.plotted import Plotted

_MOST: Final = 20
_WIDEST, _HIGHEST, _LOWEST = 76.0, 30.0, 14.0
_WIDEST_LABEL = 14.0
_SHADES: Final = ((227, 238, 249), (166, 200, 230), (91, 156, 203), (36, 112, 174), (11, 60, 116))
_LUMA: Final = (0.2126, 0.7152, 0.0722)
_DARKEST: Final = 0.04045  # below it sRGB is a straight line
_STEPS: Final = 24
_PARTS: Final = 12
_MOST_TEXTS: Final = 120
_MOST_DIGITS: Final = 6
_Pair = tuple[str, str]


def map_plot(found: Plotted) -> tuple[str, str]:
    """Return the picture, and what it shows in words.

    Raises
    ------
    InvalidParameterException
        If one of the parameters has too many values to be read.
    """
    across, down = (_values(found, place) for place in (0, 1))
    values: dict[_Pair, list[float]] = {}
    for point in found.points:
        values.setdefault((cell(point.x[0]), cell(point.x[1])), []).append(point.y)
    means = {pair: fmean(each) for pair, each in values.items()}
    notes = list(found.notes)
    if any(len(each) > 1 for each in values.values()):
        notes.append(f"a cell is the mean of its {found.thing}s")
    grid = _Grid.of(found, across, down)
    about = _in_words(found, means)
    below = grid.bottom + 44 + LINE
    return sheet(
        (WIDTH, below + height_of(notes)),
        found.title,
        about,
        [
            title_of(found),
            *grid.names(),
            *grid.cells(means),
            *_scale(min(means.values()), max(means.values()), grid.left, below - LINE),
            *notes_of(notes, below + 2),
        ],
    ), about


@frozen
class _Grid:
    """Where the cells are."""

    names_of: tuple[str, ...]
    across: Sequence[Any]
    down: Sequence[Any]
    left: float

    @classmethod
    def of(cls, found: Plotted, across: Sequence[Any], down: Sequence[Any]) -> _Grid:
        names = [label(value, _WIDEST_LABEL) for value in down]
        widest = max(map(width_of, [*names, shortened(visible(found.x[1]), _WIDEST_LABEL)]))
        return cls(found.x, across, down, ceil(MARGIN + widest * SMALL + 10))

    @property
    def wide(self) -> float:
        return min(_WIDEST, (WIDTH - MARGIN - self.left) // len(self.across))

    @property
    def high(self) -> float:
        return max(_LOWEST, min(_HIGHEST, 160.0 // len(self.down) * 2))

    @property
    def top(self) -> float:
        return TOP + LINE

    @property
    def bottom(self) -> float:
        return self.top + self.high * len(self.down)

    def names(self) -> Iterator[str]:
        """Yield the values along both sides, as many as have room, and what they are of."""
        x_name, y_name = self.names_of
        text = shortened(visible(y_name), _WIDEST_LABEL)
        yield written(text, self.left - 10, TOP + 10, text_anchor="end")
        for place, value in enumerate(self.down):
            y = self.top + self.high * (place + 0.5) + 4
            text = label(value, _WIDEST_LABEL)
            yield written(text, self.left - 10, y, "d", text_anchor="end")
        texts = [shortened(visible(cell(value) or "none"), _WIDEST_LABEL) for value in self.across]
        widest = max(map(width_of, texts)) * SMALL + 8
        every = max(1, -int(-widest // self.wide))
        for place in range(0, len(texts), every):
            half = width_of(texts[place]) * SMALL / 2
            x = min(max(self.left + self.wide * (place + 0.5), half + 2), WIDTH - half - 2)
            yield written(texts[place], x, self.bottom + 16, "d", text_anchor="middle")
        room = WIDTH - MARGIN - self.left
        yield written(shortened(visible(x_name), room / SMALL), self.left, self.bottom + 34)

    def cells(self, means: Mapping[_Pair, float]) -> Iterator[str]:
        """Yield the cells of which there is a value, those of one shade together."""
        low, high = min(means.values()), max(means.values())
        paths: dict[tuple[int, ...], str] = {}
        inks: dict[str, str] = {}
        texts = _texts(means)
        has_texts = self._has_room(texts.values())
        for (column, row), pair in self._placed(means):
            mean = means[pair]
            x, y = self.left + self.wide * column, self.top + self.high * (row + 0.5)
            share = (mean - low) / (high - low) if high > low else 0.5
            shade = _shade(round(share * _STEPS) / _STEPS)
            line = f"M{number(x)} {number(y)}h{number(self.wide - 1)}"
            paths[shade] = paths.get(shade, "") + line
            if has_texts:
                text, ink = texts[pair], _ink(shade)
                middle = x + (self.wide - 1 - width_of(text) * SMALL) / 2
                where = f'x="{number(middle)}" y="{number(y + 4)}"'
                inks[ink] = f"{inks.get(ink, '')}<text {where}>{text}</text>"
        yield f'<g fill="none" stroke-width="{number(self.high - 1)}">'
        yield from (f'<path stroke="{_hex(shade)}" d="{path}"/>' for shade, path in paths.items())
        yield "</g>"
        yield from (f'<g fill="{ink}">{texts}</g>' for ink, texts in inks.items())

    def _placed(self, means: Mapping[_Pair, float]) -> Iterator[tuple[tuple[int, int], _Pair]]:
        """Yield column, row and pair of each cell that has a value."""
        for column, across in enumerate(self.across):
            for row, down in enumerate(self.down):
                pair = (cell(across), cell(down))
                if pair in means:
                    yield (column, row), pair

    def _has_room(self, texts: Collection[str]) -> bool:
        return len(texts) <= _MOST_TEXTS and max(map(width_of, texts)) * SMALL + 4 <= self.wide


def _values(found: Plotted, place: int) -> list[Any]:
    """Return the values of a parameter in order: numbers from the least; from below, upwards."""
    values = {cell(point.x[place]): point.x[place] for point in found.points}
    if len(values) > _MOST:
        raise InvalidParameterException(
            f'"{found.x[place]}" has {len(values)} values, and a map takes up to {_MOST}:'
            f' plot by one parameter, x="{found.x[place]}"'
        )
    listed = list(values.values())
    if all(map(is_number, listed)):
        listed.sort(reverse=bool(place))
    return listed


def _scale(low: float, high: float, left: float, top: float) -> Iterator[str]:
    """Yield from which value the shades lead to which."""
    texts = [f"{value:.4g}" for value in (low, high)]
    x = left + width_of(texts[0]) * SMALL + 8
    yield written(texts[0], left, top + 10, "d")
    yield '<g stroke-width="10">'
    for step in range(_PARTS):
        shade = _hex(_shade(step / (_PARTS - 1)))
        yield f'<path d="M{number(x + 10 * step)} {number(top + 6)}h10" stroke="{shade}"/>'
    yield "</g>"
    yield written(texts[1], x + 10 * _PARTS + 8, top + 10, "d")


def _shade(share: float) -> tuple[int, ...]:
    """Return the colour for a value, 0 for the least and 1 for the largest."""
    place = share * (len(_SHADES) - 1)
    first = min(int(place), len(_SHADES) - 2)
    pairs: Iterable[tuple[int, int]] = zip(_SHADES[first], _SHADES[first + 1], strict=True)
    return tuple(round(one + (other - one) * (place - first)) for one, other in pairs)


def _texts(means: Mapping[_Pair, float]) -> dict[_Pair, str]:
    """Return the values as texts with as many decimals as tell them apart."""
    low, high = min(means.values()), max(means.values())
    size = (high - low) or abs(high) or 1.0
    digits = max(0, 1 - floor(log10(size)))
    is_plain = digits <= _MOST_DIGITS and max(abs(low), abs(high)) < 10.0**_MOST_DIGITS
    form = f",.{digits}f" if is_plain else ".3g"
    return {pair: format(mean, form) for pair, mean in means.items()}


def _hex(shade: tuple[int, ...]) -> str:
    return "#" + "".join(f"{part:02x}" for part in shade)


def _ink(shade: tuple[int, ...]) -> str:
    """Return black or white, whichever reads better on a shade."""
    light = sum(share * _linear(part / 255) for share, part in zip(_LUMA, shade, strict=True))
    return "#000" if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else "#fff"


def _linear(part: float) -> float:
    return part / 12.92 if part <= _DARKEST else ((part + 0.055) / 1.055) ** 2.4


def _in_words(found: Plotted, means: Mapping[_Pair, float]) -> str:
    """Say what the map shows, for those who cannot see it."""
    ends = []
    for word, choose in (("lowest", min), ("highest", max)):
        pair = choose(means, key=means.__getitem__)
        where = ", ".join(f"{name} {value}" for name, value in zip(found.x, pair, strict=True))
        ends.append(f"{word} {means[pair]:.6g} at {where}")
    return f"{found.title}, {found.count}: {'; '.join(ends)}"
