"""Runs: several runs as one sequence and one table, whether in memory or in a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, overload
from warnings import warn_explicit

from attrs import NOTHING, Factory, define

from pypedream._lazy import shown_as, view
from pypedream.engine.run_results import named_result
from pypedream.errors import NoResult, PypedreamError, UnreadableResult
from pypedream.names import did_you_mean, there_are
from pypedream.places import calling_place
from pypedream.values import said

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from pypedream.engine.past_run import PastRun
    from pypedream.engine.run import Run

FAILED = ("failed", "crashed")
FIXED = ("run", "started", "batch", "state", "duration_s", "error")
"""What every row has, and no parameter or result may take the name of."""


@define(eq=False)
class RunRow:
    """What is held of one run, for a table.

    Attributes
    ----------
    parameters
        From dotted name to value, without secrets.
    results
        From name to what it gave.
    about
        What else is known before it: when it started, which batch it is of.
    error
        What the first stage that failed raised.
    open
        Returns the run.
    """

    id: str
    open: Callable[[], Run | PastRun]
    state: str = "running"
    duration_s: float | None = None
    parameters: dict[str, Any] = Factory(dict)
    results: dict[str, Any] = Factory(dict)
    about: dict[str, Any] = Factory(dict)
    error: str = ""


class Runs(Sequence[Any]):
    """Several runs of a pipeline, in order: those of a sweep, or those that a workspace records.

    A sequence of `Run`. Where a workspace keeps the results they are not held in memory: such a run
    is a `PastRun`, which loads each value when it is asked for. Of a sweep the first run that
    failed is a `Run` in any case.

    Attributes
    ----------
    pipeline
        Name of the pipeline.
    id
        Of the sweep; "" if they are not those of one.
    names
        The parameters that a table shows, by dotted name.
    wanted
        The results that it shows; None for those that are held of any run.
    of
        How many points the sweep has: more than there are runs if it was stopped.
    secrets
        Texts that must not be shown.
    view
        What shows them under a cell of a notebook; None elsewhere.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline, sweep
    >>> flow = Pipeline("area", Parameters.define(wide=1, high=1))
    >>> @flow.stage
    ... def area(wide, high):
    ...     return wide * high
    >>> runs = flow.map_runs(sweep.grid(wide=[2, 3], high=[5]))
    >>> [run["area"] for run in runs]
    [10, 15]
    >>> runs.best("area").parameters["wide"]
    3
    """

    def __init__(
        self,
        pipeline: str,
        rows: Iterable[RunRow] = (),
        *,
        names: Sequence[str] = (),
        wanted: Sequence[str] | None = None,
        id: str = "",  # noqa: A002 - it is what every run calls it
        of: int | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        self.pipeline = pipeline
        self.id = id
        self.names = tuple(names)
        self.wanted = wanted
        self.rows = list(rows)
        self.of = of
        self.secrets = set(secrets)
        self.view: Any = None

    def _ipython_display_(self) -> None:
        """Show nothing under the cell where the sweep is shown already."""
        if self.view is None or not view("notebook").is_shown_here(self.view):
            raise NotImplementedError  # so IPython asks for the bundle

    @property
    def ok(self) -> Runs:
        """Those that went well."""
        return self._those(row for row in self.rows if row.state == "ok")

    @property
    def failed(self) -> Runs:
        """Those that failed, or crashed."""
        return self._those(row for row in self.rows if row.state in FAILED)

    def table(self, results: str | Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return a row for each run: parameters, state, duration in seconds, results, error.

        Parameters
        ----------
        results
            Which results to show: names of stages, with a dot for what is within ("model.auc").
            None shows those of a sweep that are numbers, truth values, dates or short texts, also
            such within a small dict, or those that the sweep was told to show.

        Returns
        -------
        A list of dicts with the same keys. Where a run has no such result the value is None.
        Secrets are ``***``. A parameter that bears the name of another column is called
        ``parameters.NAME``, a result ``results.NAME``.

        Raises
        ------
        NoResult
            If no run has a result of one of the names.
        """
        columns = self.columns() if results is None else _listed(results)
        if results is None:
            found = [
                {name: row.results.get(name, NOTHING) for name in columns} for row in self.rows
            ]
        else:
            found = [_results_of(row, columns) for row in self.rows]
        for name in columns if results is not None and self.rows else ():
            if all(each[name] is NOTHING for each in found):
                raise self._no_result(name)
        return [self._row(row, each, columns) for row, each in zip(self.rows, found, strict=True)]

    def to_pandas(self, results: str | Iterable[str] | None = None) -> Any:
        """Return the `table` as a pandas DataFrame.

        Raises
        ------
        MissingExtra
            If pandas is not installed.
        """
        from pypedream._extras import need

        pandas = need("pandas", extra="frames", for_="to_pandas()")
        rows = self.table(results)
        return pandas.DataFrame(rows, columns=list(rows[0]) if rows else None)

    def best(self, name: str, *, minimize: bool = False) -> Run | PastRun:
        """Return the run with the largest value of a result; the first of equal ones.

        Parameters
        ----------
        name
            The result: a stage, with a dot for what is within. Runs that do not have it, or of
            which it is None or NaN, are passed over.
        minimize
            Whether the smallest value is the best.

        Raises
        ------
        NoResult
            If no run has such a result.
        TypeError
            If its values have no order.
        """
        best: tuple[Any, RunRow] | None = None
        for row in self.rows:
            value = _results_of(row, [name])[name]
            try:
                if value is NOTHING or value is None or value != value:  # noqa: PLR0124 - NaN
                    continue
                if best is None or (value < best[0] if minimize else value > best[0]):
                    best = (value, row)
            except (TypeError, ValueError) as error:
                text = f'the results of "{name}" have no order: {error}; name a part, "{name}.key"'
                raise TypeError(text) from error
        if best is None:
            raise self._no_result(name)
        return best[1].open()

    def plot(
        self, result: str, *, x: str | Iterable[str] | None = None, by: str | None = None
    ) -> Any:
        """Return a picture of a result of all runs; it shows itself in a notebook.

        Numbers are points along an axis, joined where nothing else differs between the runs; words
        are bars; two parameters are a map.

        Parameters
        ----------
        result
            The result: a stage, with a dot for what is within, or ``"duration_s"``.
        x
            The parameter to plot it by, or two of them. None takes those that a sweep varied, if
            they are one or two; runs of a history are plotted in their order.
        by
            The parameter for each value of which there is a line. None takes the only other one
            that a sweep varied, if it has few values.

        Returns
        -------
        A `pypedream.view.picture.Picture`: its `svg`, `save("fit.svg")`, and in words what it is
        `about`.

        Raises
        ------
        NoResult
            If no run has such a result, or it is no number in any.
        InvalidParameterException
            If there is no such parameter, or it is not clear which one is meant.

        Examples
        --------
        >>> from pypedream import Parameters, Pipeline, sweep
        >>> flow = Pipeline("area", Parameters.define(wide=1, high=1))
        >>> @flow.stage
        ... def area(wide, high):
        ...     return wide * high
        >>> flow.map_runs(sweep.grid(wide=[2, 3], high=[1, 5])).plot("area").about
        'area by wide and high, 4 runs: lowest 2 at wide 2, high 1; highest 15 at wide 3, high 5'
        """
        __tracebackhide__ = True
        try:
            return view("plot").plot_of(self, result, x=x, by=by)
        except PypedreamError as error:  # it says all: where it was found is of no use
            raise error.with_traceback(None) from None

    def report(self, path: str | os.PathLike[str] = "report.html") -> Path:
        """Write the table, and of a sweep plots of its first numbers, to one HTML file.

        Parameters
        ----------
        path
            A file that is there is replaced; missing folders are made.

        Returns
        -------
        The path.
        """
        written: Path = view("report").write_report(self, path)
        return written

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Runs: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._those(self.rows[index])
        if not hasattr(index, "__index__"):
            text = f"runs are numbered from 0, and {said(index)} is no number"
            hint = (
                f': .table(results=["{index}"]) has that of all' if isinstance(index, str) else ""
            )
            raise TypeError(text + hint)
        return self.rows[index].open()

    def __iter__(self) -> Iterator[Any]:
        return (row.open() for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        from pypedream.engine.runs_text import runs_text

        return runs_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def _those(self, rows: Iterable[RunRow]) -> Runs:
        some = copy(self)
        some.rows, some.of, some.view = list(rows), None, None
        return some

    def columns(self) -> list[str]:
        """Return the names of the results that a table shows."""
        held = (name for row in self.rows for name in row.results)
        return list(dict.fromkeys(held if self.wanted is None else self.wanted))

    def _row(self, row: RunRow, results: dict[str, Any], columns: list[str]) -> dict[str, Any]:
        parameters = {_free(n, "parameters"): row.parameters.get(n) for n in self.names}
        told = {_free(name, "results"): results[name] for name in columns}
        cells = {name: None if value is NOTHING else value for name, value in told.items()}
        head = {"run": row.id, **row.about, **parameters}
        tail = {"error": row.error or None}
        return {**head, "state": row.state, "duration_s": row.duration_s, **cells, **tail}

    def _no_result(self, name: str) -> NoResult:
        if not self.rows:
            return NoResult(f'there are no runs, and no result "{name}"')
        known = dict.fromkeys([*self.columns(), *(key for run in self[-1:] for key in run)])
        near = did_you_mean(name, known) or f"; {there_are(known)}"
        return NoResult(f'no run has a result "{name}"{near}')


def _results_of(row: RunRow, names: Iterable[str]) -> dict[str, Any]:
    """Return results by name, from the run itself where they are not held."""
    return {n: row.results[n] if n in row.results else _asked(row, n) for n in names}


def _asked(row: RunRow, name: str) -> Any:
    """Return a result that is not held; NOTHING if there is none, or it cannot be read."""
    try:
        return named_result(row.open(), name)
    except NoResult:
        return NOTHING
    except UnreadableResult as error:
        place = calling_place()
        where = ("<unknown>", 0) if place is None else (place.file, place.line)
        warn_explicit(f"run {row.id}: {error}", UserWarning, *where)
        return NOTHING


def _free(name: str, kind: str) -> str:
    return f"{kind}.{name}" if name in FIXED else name


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))
