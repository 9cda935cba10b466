"""Plots: a result of several runs as a picture, by what was set or in the order of the runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream._lazy import shown_as

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from pypedream.engine.runs import Runs
    from pypedream.view.plotted import Plotted


@frozen
class Plot:
    """A picture of several runs, which shows itself in a notebook.

    Attributes
    ----------
    svg
        The text of an SVG file.
    about
        What it shows, in words.
    """

    svg: str = field(repr=False)
    about: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, all of it or nothing; a file that is there is replaced.

        Returns
        -------
        The path.

        Raises
        ------
        ValueError
            If the name ends in something other than ``.svg``.
        OSError
            If it cannot be written.
        """
        if Path(path).suffix.lower() != ".svg":
            raise ValueError(f"a plot is written as SVG: name the file {Path(path).stem}.svg")
        from pypedream.formats.replacement import replacing

        with replacing(path) as beside:
            beside.write_text(self.svg, encoding="utf-8", newline="\n")
        return Path(path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)


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
) -> Plot:
    """Return a plot of several runs."""
    from pypedream.view.plotted import plotted

    return Plot(*_drawn(plotted(runs, y, x, by)))


def _drawn(found: Plotted) -> tuple[str, str]:
    if len(found.x) > 1:
        from pypedream.view.plot_map import map_plot

        return map_plot(found)
    if found.is_numeric:
        from pypedream.view.plot_points import point_plot

        return point_plot(found)
    from pypedream.view.plot_bars import bar_plot

    return bar_plot(found)
