"""What a format is: something that reads a file, writes one, or both.

A format is immutable and says its options, because they are part of what a result depends on: the
built-in ones are frozen attrs classes, one's own may be a frozen dataclass of the same few lines.
Those get a ``pathlib.Path``; the built-in ones take any path.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pypedream.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

R_co = TypeVar("R_co", covariant=True)
W_contra = TypeVar("W_contra", contravariant=True)

_OURS = "pypedream.formats."
_OF_FOLDERS = ("PathOnly", "Zarr")
_readers: dict[type, Callable[[Any], tuple[Any, ...]]] = {}


class Reader(ABC, Generic[R_co]):
    """Reads a file.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Words(Reader[list[str]]):
    ...     sep: str = " "
    ...
    ...     def load(self, path):
    ...         return path.read_text(encoding="utf-8").split(self.sep)
    >>> Words(sep=",")
    Words(sep=',')
    """

    __slots__ = ()

    @abstractmethod
    def load(self, path: Path, /) -> R_co:
        """Return the value that the file at *path* holds."""


class Writer(ABC, Generic[W_contra]):
    """Writes a file."""

    __slots__ = ()

    @abstractmethod
    def save(self, value: W_contra, path: Path, /) -> None:
        """Write *value* to *path*; what was there before is replaced."""


class Loader(Reader[R_co], Writer[W_contra], Generic[W_contra, R_co]):
    """Reads and writes a file: ``Loader[what it saves, what it loads]``."""

    __slots__ = ()

    def empty(self) -> R_co:
        """Return the value that stands for a file which does not exist yet.

        Raises
        ------
        FormatError
            If the format has no such value; it is defined by overriding this method.
        """
        name = type(self).__name__
        raise FormatError(f"{name} has no empty value: define {name}.empty()", format_name=name)


def is_built_in(loader: object) -> bool:
    """Say whether *loader* is of one of our own classes, and not of one that somebody derived.

    Examples
    --------
    >>> from pypedream.formats import JSON
    >>> is_built_in(JSON()), is_built_in(type("Mine", (JSON,), {})())
    (True, False)
    """
    return type(loader).__module__.startswith(_OURS)


def options_of(loader: object) -> tuple[Any, ...] | None:
    """Return the values of all options of *loader*; None if it is not of one of our own classes.

    Examples
    --------
    >>> from pypedream.formats import JSON
    >>> options_of(JSON(indent=None))
    (None, <class 'dict'>, False)
    """
    kind = type(loader)
    read = _readers.get(kind)
    if read is None:
        fields = getattr(kind, "__attrs_attrs__", None)
        if fields is None or not is_built_in(loader):
            return None
        # of one name alone it would be no tuple
        read = _readers[kind] = attrgetter("__module__", *[each.name for each in fields])
    return read(loader)[1:]


def may_be_of_folders(loader: object) -> bool:
    """Say whether *loader* may read or write a folder: few of ours do, and others may.

    Examples
    --------
    >>> from pypedream.formats import JSON, PathOnly
    >>> may_be_of_folders(JSON()), may_be_of_folders(PathOnly())
    (False, True)
    """
    return not is_built_in(loader) or type(loader).__name__ in _OF_FOLDERS


def has_empty(loader: object) -> bool:
    """Say whether *loader* has a value for a file that does not exist yet.

    Examples
    --------
    >>> from pypedream.formats import JSON, Pickle
    >>> has_empty(JSON()), has_empty(Pickle())
    (True, False)
    """
    return isinstance(loader, Loader) and type(loader).empty is not Loader.empty
