"""Plots: a result of several runs as a picture, by what was set or in the order of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.view.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.engine.runs import Runs
    from pypedream.view.plotted import Plotted


def to_plot(
    runs: Runs, y: str, *, x: str | Iterable[str] | None = None, by: str | None = None
) -> str:
    """Return a picture of a result of several runs, as the text of an SVG file.

    Parameters
    ----------
    runs, y, x, by
        As for `Runs.plot`.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline, sweep
    >>> flow = Pipeline("area", Parameters.define(wide=1))
    >>> @flow.stage
    ... def area(wide):
    ...     return 3 * wide
    >>> to_plot(flow.map_runs(sweep.grid(wide=[1, 2, 3])), "area").startswith("<svg")
    True
    """
    return plot_of(runs, y, x=x, by=by).svg


def plot_of(
    runs: Runs, y: str, *, x: str | Iterable[str] | None = None, by: str | None = None
) -> Picture:
    """Return a plot of several runs."""
    from pypedream.view.plotted import plotted

    return Picture(*_drawn(plotted(runs, y, x, by)))


def _drawn(found: Plotted) -> tuple[str, str]:
    if len(found.x) > 1:
        from pypedream.view.plot_map import map_plot

        return map_plot(found)
    if found.is_numeric:
        from pypedream.view.plot_points import point_plot

        return point_plot(found)
    from pypedream.view.plot_bars import bar_plot

    return bar_plot(found)
