"""The points of a sweep as a sequence that is worked out point by point."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import Any, overload

from attrs import field, frozen

from pypedream.sweep.axes import refusal
from pypedream.values import short, written

_SHOWN = 3


class Points(Sequence[dict[str, Any]]):
    """The points of a sweep, in order: each sets some parameters, by dotted name."""

    __slots__ = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that some point sets."""
        return tuple(dict.fromkeys(name for point in self for name in point))

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Points: ...

    def __getitem__(self, index: Any) -> Any:
        numbers = range(len(self))[index]
        return self._at(numbers) if isinstance(numbers, int) else Listed.of(map(self._at, numbers))

    def _at(self, index: int) -> dict[str, Any]:
        """Return the point with this number, from 0 up."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._at, range(len(self)))

    def __add__(self, other: Iterable[Mapping[str, Any]]) -> Points:
        return Joined.of(self, _points(other, "+"))

    def __radd__(self, other: Iterable[Mapping[str, Any]]) -> Points:
        return Joined.of(_points(other, "+"), self)

    def __mul__(self, other: Iterable[Mapping[str, Any]]) -> Points:
        return _crossed(self, _points(other, "*"))

    def __rmul__(self, other: Iterable[Mapping[str, Any]]) -> Points:
        return _crossed(_points(other, "*"), self)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (Points, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        some = ", ".join(short(point) for point in self[:_SHOWN])
        more = ", ..." if len(self) > _SHOWN else ""
        return f"<{len(self)} points: {some}{more}>" if self else "<0 points>"


@frozen(eq=False, repr=False)
class Listed(Points):
    """Points that somebody wrote down."""

    points: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, points: Iterable[Mapping[str, Any]]) -> Listed:
        """Return these points; each is copied."""
        return cls(tuple(map(dict, points)))

    def __len__(self) -> int:
        return len(self.points)

    def _at(self, index: int) -> dict[str, Any]:
        return dict(self.points[index])


@frozen(eq=False, repr=False)
class Grid(Points):
    """Every combination of the values of some axes."""

    axes: dict[str, tuple[Any, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that all points set."""
        return tuple(self.axes)

    def __len__(self) -> int:
        return prod(map(len, self.axes.values()))

    def _at(self, index: int) -> dict[str, Any]:
        point = {}
        for name in reversed(self.axes):
            index, place = divmod(index, len(self.axes[name]))
            point[name] = self.axes[name][place]
        return {name: point[name] for name in self.axes}


@frozen(eq=False, repr=False)
class Joined(Points):
    """Sweeps one after the other."""

    parts: tuple[Points, ...]
    ends: tuple[int, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "ends", tuple(accumulate(map(len, self.parts))))

    @classmethod
    def of(cls, *parts: Points) -> Joined:
        """Return these, those within them one by one."""
        inner = (part.parts if isinstance(part, cls) else (part,) for part in parts)
        return cls(tuple(each for some in inner for each in some))

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that some point sets."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def _at(self, index: int) -> dict[str, Any]:
        part = bisect_right(self.ends, index)
        return self.parts[part][index - (self.ends[part - 1] if part else 0)]


@frozen(eq=False, repr=False)
class _Crossed(Points):
    """Each point of one sweep with each of another."""

    outer: Points
    inner: Points

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that all points set."""
        return (*self.outer.names, *self.inner.names)

    def __len__(self) -> int:
        return len(self.outer) * len(self.inner)

    def _at(self, index: int) -> dict[str, Any]:
        first, second = divmod(index, len(self.inner))
        return {**self.outer[first], **self.inner[second]}


def _crossed(outer: Points, inner: Points) -> Points:
    both = [name for name in outer.names if name in inner.names]
    if both:
        raise refusal(f'both sides of * set "{both[0]}": leave it to one of them')
    return _Crossed(outer, inner)


def _points(given: Any, sign: str) -> Points:
    if isinstance(given, Points):
        return given
    is_list = isinstance(given, Iterable) and not isinstance(given, (str, Mapping))
    listed = list(given) if is_list else [given]
    if not is_list or not all(isinstance(each, Mapping) for each in listed):
        raise refusal(f"{sign} takes a sweep or a list of dicts, not {written(given)}")
    return Listed.of(listed)
