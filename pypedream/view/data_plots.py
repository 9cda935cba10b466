"""Data plots: tables that stages wrote to be drawn, all versions of one in a chart."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.errors import InvalidParameterException
from pypedream.files.tables import content_of, rows_in
from pypedream.names import did_you_mean, there_are
from pypedream.view.picture import Picture
from pypedream.view.plotted import Plotted, Point, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pypedream.files.tables import Row

__all__ = ["LINES", "Axes", "data_pictures"]

LINES: Final = ("line", "linear", "simple", "smooth")
_POINTS: Final = ("scatter", "points")
_BARS: Final = ("bar", "bar_horizontal", "bar_horizontal_sorted")
_MAPS: Final = ("confusion", "confusion_normalized")
_KNOWN: Final = ("linear", "scatter", "bar", "confusion")


@frozen
class Axes:
    """How a table is drawn.

    Attributes
    ----------
    x
        The column from left to right; "" for the number of the row.
    y
        The column upwards; "" for the last one that has numbers.
    template
        "linear" joins the rows, "scatter" does not, "bar" draws a bar for each, "confusion" counts
        the pairs. "": rows are joined if their x goes up from each to the next, and words on an
        axis have bars; pairs of words are counted.
    """

    x: str = ""
    y: str = ""
    template: str = ""


@frozen
class _Version:
    name: str
    rows: Sequence[Row]


def data_pictures(
    path: str, versions: Sequence[tuple[str, bytes]], axes: Axes
) -> list[tuple[str, Picture]]:
    r"""Return a table as charts, each with the name of the version it is of.

    Parameters
    ----------
    versions
        What each is called and its content. Those of numbers share one chart, of the name "".

    Returns
    -------
    Nothing if the file is no table: CSV, TSV, JSON Lines, and JSON that is a list of objects,
    holds one, or is an object of columns.

    Raises
    ------
    ValueError
        If it cannot be read, or has no such column, or nothing to draw in it.

    Examples
    --------
    >>> table = b"step,loss\n1,0.9\n2,0.5\n"
    >>> [(name, picture)] = data_pictures("loss.csv", [("now", table)], Axes("step", "loss"))
    >>> picture.about
    'loss by step, 2 rows: lowest 0.5 at step 2, highest 0.9 at step 1'
    """
    read = [(name, _rows(content_of(path, content))) for name, content in versions]
    tables = [_Version(name, rows) for name, rows in read if rows is not None]
    if not tables:
        return []
    columns = dict.fromkeys(name for table in tables for row in table.rows for name in row)
    if not columns:
        raise ValueError(f"{path} has no rows")
    for name in filter(None, (axes.x, axes.y)):
        if name not in columns:
            near = did_you_mean(name, columns) or f"; {there_are(columns)}"
            raise ValueError(f'{path} has no column "{name}"{near}')
    y = axes.y or _last_of_numbers(tables, [name for name in columns if name != axes.x])
    if not y:
        raise ValueError(f"{path} has no column of numbers to draw")
    chosen = Axes(axes.x, y, axes.template)
    if axes.x and (axes.template in _MAPS or not _is_of_numbers(tables, y)):
        return [(table.name, _map(path, table, chosen)) for table in tables]
    return [("", _chart(path, tables, chosen))]


def _rows(found: Any) -> list[Row] | None:
    """Return a table that is written in one of the ways of JSON."""
    if isinstance(found, dict):
        lists = {name: each for name, each in found.items() if isinstance(each, list)}
        if len(lists) == 1 and rows_in(*lists.values()) is not None:
            (found,) = lists.values()
        elif lists and len({len(each) for each in lists.values()}) == 1:
            found = [
                dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)
            ]
    return rows_in(found)


def _last_of_numbers(tables: Sequence[_Version], columns: Sequence[str]) -> str:
    return next((name for name in reversed(columns) if _is_of_numbers(tables, name)), "")


def _is_of_numbers(tables: Sequence[_Version], column: str) -> bool:
    """Say whether a column has a number, and nothing else but gaps."""
    values = [_value(row.get(column)) for table in tables for row in table.rows]
    said = [value for value in values if value not in ("", None)]
    return bool(said) and all(map(is_number, said))


def _value(value: Any) -> Any:
    """Return a number for a text that is one; "" for what is not a number but stands for none."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = int(text) if text.lstrip("+-").isdigit() else float(text)
        except ValueError:
            return text
    return value if not isinstance(value, float) or is_number(value) else ""


def _chart(path: str, tables: Sequence[_Version], axes: Axes) -> Picture:
    from pypedream.view.plot_bars import bar_plot
    from pypedream.view.plot_points import point_plot

    points = [point for table in tables for point in _points(table, axes)]
    if not points:
        raise ValueError(f'{path} has no number for "{axes.y}" in any row')
    count = sum(len(table.rows) for table in tables)
    notes = [] if len(points) == count else [f"not shown: {count - len(points)} without a number"]
    notes += _unknown(axes.template)
    by = "version" if len(tables) > 1 else ""
    x = (axes.x,) if axes.x else ()
    is_line = axes.template in LINES or (axes.template not in _POINTS and _go_up(tables, axes))
    has_bars = bool(x) and (
        axes.template in _BARS or not all(is_number(one.x[0]) for one in points)
    )
    if has_bars:
        points = _by_place(points)
    heading = f"{axes.y} by {axes.x or 'row'}"
    found = Plotted(axes.y, x, by, tuple(points), tuple(notes), is_line, "row", heading)
    return Picture(*(bar_plot if has_bars else point_plot)(found))


def _by_place(points: Sequence[Point]) -> list[Point]:
    """Return what is at the same place one after the other, in the order of the places."""
    places = {place: number for number, place in enumerate(dict.fromkeys(one.x for one in points))}
    return sorted(points, key=lambda one: places[one.x])


def _points(table: _Version, axes: Axes) -> Iterator[Point]:
    for number, row in enumerate(table.rows, 1):
        x, y = _value(row.get(axes.x)) if axes.x else number, _value(row.get(axes.y))
        if is_number(y) and x not in ("", None):
            yield Point((x,), float(y), table.name)


def _go_up(tables: Sequence[_Version], axes: Axes) -> bool:
    """Say whether the rows are in the order of their x, each at a place of its own."""
    if not axes.x:
        return True
    if not _is_of_numbers(tables, axes.x):
        return False
    places = [[point.x[0] for point in _points(table, axes)] for table in tables]
    return all(before < after for each in places for before, after in pairwise(each))


def _map(path: str, table: _Version, axes: Axes) -> Picture:
    """Return how often each pair of values is in a table."""
    from pypedream.view.plot_map import map_plot

    counts: dict[tuple[Any, Any], int] = {}
    for row in table.rows:
        pair = (_told(row, axes.x), _told(row, axes.y))
        counts[pair] = counts.get(pair, 0) + 1
    if not counts:
        raise ValueError(f"{path} has no rows")
    points = tuple(Point(pair, count) for pair, count in counts.items())
    heading = f"rows by {axes.x} and {axes.y}"
    notes = tuple(_unknown(axes.template))
    try:
        return Picture(
            *map_plot(Plotted("rows", (axes.x, axes.y), "", points, notes, False, "cell", heading))
        )
    except InvalidParameterException:
        most = max(len({pair[place] for pair in counts}) for place in (0, 1))
        raise ValueError(f"{path} has {most} words on one axis, which is too many") from None


def _told(row: Mapping[str, Any], column: str) -> Any:
    value = _value(row.get(column))
    return value if is_number(value) else str("" if value is None else value)


def _unknown(template: str) -> list[str]:
    if not template or template in (*LINES, *_POINTS, *_BARS, *_MAPS):
        return []
    near = did_you_mean(template, _KNOWN) or f"; {there_are(_KNOWN)}"
    return [f'no template "{template}" is known here{near}']
