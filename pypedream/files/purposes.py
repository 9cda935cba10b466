"""Annotations that fewer functions have: of metrics and plots, and of what was written before.

They are loaded where they are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from attrs import Factory, field, frozen

from pypedream.files.annotations import Annotation, Output

if TYPE_CHECKING:
    from pypedream.formats import Loader, Reader, Writer


def _json() -> Any:
    from pypedream.formats import JSON

    return JSON()


@frozen
class PlaceholderDep(Annotation):
    """Read an argument from a file whose path is given at registration, not here.

    Parameters
    ----------
    loader
        How the file is read. Required.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pypedream.files import JSON, spec_of
    >>> def total(rows: Annotated[list, PlaceholderDep(JSON())]): ...
    >>> spec_of(total, dep_path_overrides={"rows": "may.json"}).deps["rows"].paths
    'may.json'
    """

    kind: ClassVar = "placeholder"
    loader: Reader[Any] | None = None


@frozen
class Metric(Output):
    """Write a result as a small JSON file that git keeps; the path ends with ".json".

    Examples
    --------
    >>> Metric("scores.json").loader
    JSON(indent=2, empty_factory=<class 'dict'>, allow_nan=False)
    """

    kind: ClassVar = "metric"
    loader: Writer[Any] | None = Factory(_json)
    cache: bool = False


@frozen
class Plot(Output):
    """Write a figure to a file, or a table that is drawn; a figure of matplotlib is closed then.

    Parameters
    ----------
    x, y
        Names of the columns on the axes, for a table. None: the number of the row, and the last
        column that has numbers.
    template
        How a table is drawn: "linear", "scatter", "bar" or "confusion". None: as fits it.

    Examples
    --------
    >>> from pypedream.formats import JSONL
    >>> plot = Plot("loss.jsonl", JSONL(), x="step", y="loss")
    >>> plot.path, plot.y
    ('loss.jsonl', 'loss')
    """

    kind: ClassVar = "plot"
    cache: bool = field(default=True, kw_only=True)
    x: str | None = None
    y: str | None = None
    template: str | None = None


@frozen
class IncrementalOut(Output):
    """Read what the last run wrote to a file, and write it anew: the same path on both sides.

    The first time the argument is the empty value of the loader, which must have one.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pypedream.files import JSON, spec_of
    >>> Seen = Annotated[dict, IncrementalOut("seen.json", JSON())]
    >>> def look(seen: Seen) -> Seen: ...
    >>> spec_of(look).deps["seen"].paths, spec_of(look).outs["return"].path
    ('seen.json', 'seen.json')
    """

    kind: ClassVar = "incremental"
    loader: Loader[Any, Any] | None = None  # attrs puts what is written anew last, so both are
    cache: bool = True
