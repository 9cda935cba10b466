"""What a plot shows of several runs: a result of each, by what was set or in their order."""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.engine.runs import FIXED
from pypedream.engine.runs_text import cell
from pypedream.errors import InvalidParameterException, NoResult
from pypedream.log.redaction import Redactor
from pypedream.names import did_you_mean, there_are
from pypedream.parameters.annotations import unboxed
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pypedream.engine.runs import RunRow, Runs

MOST_LINES: Final = 8
DURATION: Final = "duration_s"
_PAIR = 2
_REPEATING = ("seed", "random_state", "repeat", "repetition", "fold")
"""Parameters by which the same is done several times: their runs are points of one line."""


@frozen
class Point:
    """A run as it is drawn.

    Attributes
    ----------
    x
        The values of the parameters it is drawn by; its number where there are none.
    line
        The value of the parameter that lines stand for.
    """

    x: tuple[Any, ...]
    y: float
    line: Any = None


@frozen
class Plotted:
    """All that is drawn.

    Attributes
    ----------
    y
        The result.
    x
        The parameters it is drawn by: one, two for a map, none for the runs in their order.
    by
        The parameter that lines stand for; "" if there is one line.
    notes
        What is not drawn, and why.
    is_line
        Whether nothing else differs between the runs, so that points may be joined.
    thing
        What a point stands for.
    heading
        The title; "" for one that says what is plotted by what.
    """

    y: str
    x: tuple[str, ...]
    by: str
    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()
    is_line: bool = True
    thing: str = "run"
    heading: str = ""

    @property
    def title(self) -> str:
        """What is plotted by what."""
        if self.heading:
            return self.heading
        y = "duration in s" if self.y == DURATION else self.y
        return f"{y} by {' and '.join([*self.x, *filter(None, [self.by])]) or 'run'}"

    @property
    def count(self) -> str:
        """How many things are drawn, in words."""
        number = len(self.points)
        return f"{number:,} {self.thing}{'' if number == 1 else 's'}"

    @property
    def is_numeric(self) -> bool:
        """Whether what it is drawn by are numbers."""
        return all(is_number(point.x[0]) for point in self.points)


def plotted(runs: Runs, y: str, x: str | Iterable[str] | None, by: str | None) -> Plotted:
    """Return what a plot of *runs* shows.

    Raises
    ------
    NoResult
        If no run has a result of this name, or it is no number in any.
    InvalidParameterException
        If there is no parameter of a name, or it is not clear which one is meant.
    """
    if not runs.rows:
        raise NoResult(f'there are no runs, and no "{y}" to plot')
    numbers, others = _numbers(runs, y)
    if not numbers:
        raise NoResult(f'no run has a number for "{y}"{_instead(runs, y)}')
    names, by = _chosen(runs, x, by)
    hide = Redactor(runs.secrets).text
    points = []
    for place, number in numbers.items():
        values = [_shown(_set_to(runs.rows[place], name), hide) for name in (*names, by)]
        points.append(Point(tuple(values[:-1]) or (place,), number, values[-1]))
    points, notes = _with_axis(points, names, _left_out(runs.rows, numbers, others))
    rest = [name for name in varied(runs) if name not in (*names, by)]
    is_line = not names or all(name.rpartition(".")[2].endswith(_REPEATING) for name in rest)
    return Plotted(y, names, by, tuple(points), tuple(notes), is_line)


def is_number(value: object) -> bool:
    """Say whether a value has a place on an axis."""
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        return is_one and isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # an integer beyond all floats
        return False


def _set_to(row: RunRow, name: str) -> Any:
    """Return what a parameter was set to; a number of numpy as the number."""
    return unboxed(row.parameters.get(name))


def _with_axis(
    points: list[Point], names: tuple[str, ...], notes: list[str]
) -> tuple[list[Point], list[str]]:
    """Leave out runs without a value where all others have numbers, so that there is an axis."""
    for place, name in enumerate(names):
        with_value = [point for point in points if point.x[place] != ""]
        missing = len(points) - len(with_value)
        if missing and with_value and all(is_number(point.x[place]) for point in with_value):
            notes.append(f"not shown: {missing} without {name}")
            points = with_value
    return points, notes


def _shown(value: Any, hide: Callable[[str], str]) -> Any:
    """Return a number, or the text that is written for anything else."""
    return value if is_number(value) else hide(cell(value))


def varied(runs: Runs) -> dict[str, int]:
    """Return the parameters that are not the same in all runs, with how many values each has."""
    found = {}
    for name in runs.names:
        count = len({cell(_set_to(row, name)) for row in runs.rows})
        if count > 1:
            found[name] = count
    return found


def _chosen(
    runs: Runs, x: str | Iterable[str] | None, by: str | None
) -> tuple[tuple[str, ...], str]:
    """Return which parameters are drawn, and which one lines stand for."""
    names = _told(runs, x)
    if by is not None:
        _check(runs, [by])
        if len(names) == _PAIR:
            text = f'a map by {" and ".join(names)} has no lines: leave out by="{by}"'
            raise InvalidParameterException(text)
        return names or _usual(runs, but=by), by
    if not names and x is None and runs.id:
        names = _usual(runs)
    if len(names) == _PAIR and x is None:
        return _line_for_words(runs, names)
    return names, _usual_lines(runs, names) if runs.id and len(names) == 1 else ""


def _told(runs: Runs, x: str | Iterable[str] | None) -> tuple[str, ...]:
    names = () if x is None else (x,) if isinstance(x, str) else tuple(x)
    if len(names) > _PAIR:
        text = f"a plot is by one parameter or by two, not by {len(names)}"
        raise InvalidParameterException(text)
    _check(runs, names)
    return names


def _check(runs: Runs, names: Iterable[str]) -> None:
    known = dict.fromkeys([*runs.names, *(key for row in runs.rows for key in row.parameters)])
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a parameter is named by a text, not by {said(name)}")
        if name not in known:
            near = did_you_mean(name, known) or f"; {there_are(known)}"
            raise InvalidParameterException(f'the runs have no parameter "{name}"{near}')


def _usual(runs: Runs, but: str = "") -> tuple[str, ...]:
    """Return what a sweep varied, if that is as much as a plot can show."""
    names = tuple(name for name in varied(runs) if name != but)
    most = 1 if but else _PAIR
    if len(names) > most:
        raise InvalidParameterException(
            f"{len(names)} parameters differ ({', '.join(names)}):"
            f' say by which to plot, x="{names[0]}"'
        )
    return names


def _line_for_words(runs: Runs, names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Draw a line for each word, where one of two parameters has few words and no numbers."""
    counts = varied(runs)
    for name, other in (names, names[::-1]):
        values = [_set_to(row, name) for row in runs.rows]
        if counts[name] <= MOST_LINES and not all(map(is_number, values)):
            return (other,), name
    return names, ""


def _usual_lines(runs: Runs, names: tuple[str, ...]) -> str:
    """Return the only other parameter that a sweep varied, if lines can stand for its values."""
    others = {name: count for name, count in varied(runs).items() if name not in names}
    if len(others) != 1:
        return ""
    ((other, count),) = others.items()
    is_repetition = other.rpartition(".")[2].endswith(_REPEATING)
    has_axis = all(is_number(_set_to(row, names[0])) for row in runs.rows)
    return other if has_axis and count <= MOST_LINES and not is_repetition else ""


def _numbers(runs: Runs, y: str) -> tuple[dict[int, float], set[int]]:
    """Return by place the results that are numbers, and the places of those that are not."""
    if y == DURATION:
        values: list[Any] = [row.duration_s for row in runs.rows]
    else:
        column = f"results.{y}" if y in FIXED else y
        values = [row[column] for row in runs.table(y)]
    found, others = {}, set[int]()
    for place, value in enumerate(values):
        number = _as_number(value)
        if number is not None:
            found[place] = number
        elif value is not None:
            others.add(place)
    return found, others


def _as_number(value: Any) -> float | None:
    if isinstance(value, (str, bytes, bytearray)) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _instead(runs: Runs, y: str) -> str:
    """Name the numbers within a result that is none itself."""
    parts = [name for name in runs.columns() if name.startswith(f"{y}.")]
    return f'; name a part of it, as in "{parts[0]}"' if parts else ""


def _left_out(rows: Sequence[RunRow], numbers: dict[int, float], others: set[int]) -> list[str]:
    states = Counter(
        row.state
        for place, row in enumerate(rows)
        if place not in numbers and place not in others and row.state != "ok"
    )
    without = len(rows) - len(numbers) - len(others) - sum(states.values())
    said_of = [f"{count} {state}" for state, count in states.items()]
    said_of += [f"{len(others)} not a number"] * bool(others)
    said_of += [f"{without} without it"] * bool(without)
    return [f"not shown: {', '.join(said_of)}"] if said_of else []
