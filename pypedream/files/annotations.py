"""What stands beside a type in ``Annotated[type, ...]``: the file of a value.

An annotation only holds what its user wrote. Whether that can be is looked at when the function
is registered, so that all mistakes of a function are told at once.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import Factory, field, frozen

if TYPE_CHECKING:
    from pypedream.formats import Loader, Reader, Writer

Paths: TypeAlias = str | list[str] | tuple[str, ...]


def as_texts(path: Any) -> Any:
    """Return a path, or a list or tuple of them, with each Path as its text."""
    if type(path) in (list, tuple):
        return type(path)(map(as_texts, path))
    return getattr(path, "as_posix", path.__fspath__)() if isinstance(path, PathLike) else path


def _compared(path: Any) -> Any:
    """Return what makes a list of paths equal to another and to no tuple; it can be hashed."""
    return ("list", *path) if isinstance(path, list) else path


def _json() -> Any:
    from pypedream.formats import JSON

    return JSON()


@frozen
class Dep:
    """Read an argument from a file of the project.

    Parameters
    ----------
    path
        One path; a list of them, whose length may change and which may hold patterns such as
        ``"data/*.csv"``; or a tuple of them, for as many values. ``{name}`` in a path stands for
        the parameter of that name.
    loader
        How the file is read. Required.

    Examples
    --------
    >>> from pypedream.formats import JSON
    >>> Dep("input.json", JSON(indent=None)).path
    'input.json'
    """

    path: Paths = field(converter=as_texts, eq=_compared)
    loader: Reader[Any] | None = None


@frozen
class PlaceholderDep:
    """Read an argument from a file whose path is given at registration, not here.

    Parameters
    ----------
    loader
        How the file is read. Required.
    """

    loader: Reader[Any] | None = None


@frozen
class Output:
    """What all annotations of results have: the path of the file, and how it is written.

    Parameters
    ----------
    path
        Where the file is. ``{name}`` in it stands for the parameter of that name.
    loader
        How the value is written. Required.
    cache
        Whether the file is kept in the store, to be put back instead of computed anew. A file of
        up to 8 kB is so in any case.
    """

    path: Paths = field(converter=as_texts, eq=_compared)
    loader: Writer[Any] | None = None
    cache: bool = True


class Out(Output):
    """Write a result to a file of the project, which the store keeps.

    With a list or tuple of paths the value is a list or tuple of as many values.
    """

    __slots__ = ()


@frozen
class Metric(Output):
    """Write a result as a small JSON file that git keeps; the path ends with ".json"."""

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
    """

    cache: bool = field(default=True, kw_only=True)
    x: str | None = None
    y: str | None = None
    template: str | None = None


@frozen
class IncrementalOut(Output):
    """Read what the last run wrote to a file, and write it anew: the same path on both sides.

    The first time the argument is the empty value of the loader, which must have one.
    """

    loader: Loader[Any, Any] | None = None  # attrs puts what is written anew last, so both are
    cache: bool = True


class DirectoryOut(Output):
    """Write a dict to a folder, one file for each key; the path ends with "/"."""

    __slots__ = ()


DEPS = (Dep, PlaceholderDep, IncrementalOut)
"""What an argument may have."""

ANNOTATIONS = (Dep, PlaceholderDep, Output)
"""The classes of all annotations."""

NAMES = frozenset(
    ("Dep", "PlaceholderDep", "Out", "Metric", "Plot", "IncrementalOut", "DirectoryOut")
)
"""Names by which code that is text may mention them."""
