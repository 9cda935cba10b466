"""What stands beside a type in ``Annotated[type, ...]``: the file of a value.

An annotation only holds what its user wrote. Whether that can be is looked at when the function
is registered, so that all mistakes of a function are told at once.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from attrs import field, frozen

if TYPE_CHECKING:
    from pypedream.formats import Reader, Writer

Paths: TypeAlias = str | list[str] | tuple[str, ...]


def as_texts(path: Any) -> Any:
    """Return a path, or a list or tuple of them, with each Path as its text."""
    if type(path) in (list, tuple):
        return type(path)(map(as_texts, path))
    return getattr(path, "as_posix", path.__fspath__)() if isinstance(path, PathLike) else path


def _compared(path: Any) -> Any:
    """Return what makes a list of paths equal to another and to no tuple; it can be hashed."""
    return ("list", *path) if isinstance(path, list) else path


class Annotation:
    """What all of them are.

    Attributes
    ----------
    kind
        What the file is: "dep", "placeholder", or what `FileOut` says of an output.
    """

    __slots__ = ()
    kind: ClassVar[str]


@frozen
class Dep(Annotation):
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

    kind: ClassVar = "dep"
    path: Paths = field(converter=as_texts, eq=_compared)
    loader: Reader[Any] | None = None


@frozen
class Output(Annotation):
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

    kind: ClassVar = "out"
    path: Paths = field(converter=as_texts, eq=_compared)
    loader: Writer[Any] | None = None
    cache: bool = True


class Out(Output):
    """Write a result to a file of the project, which the store keeps.

    With a list or tuple of paths the value is a list or tuple of as many values.

    Examples
    --------
    >>> from typing import Annotated
    >>> from pypedream.files import JSON, spec_of
    >>> def clean() -> Annotated[list, Out("clean.json", JSON())]: ...
    >>> spec_of(clean).outs["return"].path
    'clean.json'
    """

    __slots__ = ()


class DirectoryOut(Output):
    """Write a dict to a folder, one file for each key; the path ends with "/".

    Examples
    --------
    >>> from typing import Annotated
    >>> from pypedream.files import JSON, spec_of
    >>> def split() -> Annotated[dict[str, list], DirectoryOut("parts/", JSON())]:
    ...     return {"a.json": [1], "b.json": [2]}
    >>> spec_of(split).outs["return"].kind
    'directory'
    """

    __slots__ = ()
    kind = "directory"


DEPS = ("dep", "placeholder", "incremental")
"""The kinds that an argument may have."""

NAMES = frozenset(
    ("Dep", "PlaceholderDep", "Out", "Metric", "Plot", "IncrementalOut", "DirectoryOut")
)
"""Names by which code that is text may mention them."""
