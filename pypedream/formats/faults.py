"""Whatever a library says of a bad file or value, as one kind of error that names the path."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pypedream.errors import FormatError, PypedreamError
from pypedream.formats.loader import is_built_in
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY: Final = "the value"
"""What stands for the path of a value that is in no file."""


@contextmanager
def reading(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Turn what the block raises into a FormatError: the file at *path* is no good.

    Either that, or the bytes of one, which are `IN_MEMORY`.

    Raises
    ------
    FormatError
        If the content is damaged or of another format; the library's own error is chained.
    OSError
        As it is, if there is no such file or the system does not let it be read.
    """
    if path is not IN_MEMORY:
        os.stat(path)  # libraries differ in what they raise when there is nothing
    try:
        yield
    except Exception as error:
        if _is_plain(error):
            raise
        raise fault(f"cannot be read as {kind}", path, kind, error) from error


@contextmanager
def writing(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Turn what the block raises into a FormatError: the value cannot be written to *path*.

    Raises
    ------
    FormatError
        If the format cannot hold the value; the library's own error is chained.
    OSError
        As it is, if the system does not let the file be written. That a folder is in the place
        of the file is told of the path itself, and not of what is written beside it.
    """
    try:
        yield
    except IsADirectoryError as error:
        if path is IN_MEMORY or not os.path.isdir(path):
            raise
        what = "a folder is there: remove it, or write to another path"
        raise IsADirectoryError(error.errno, what, os.fspath(path)) from None
    except Exception as error:
        if _is_plain(error):
            raise
        raise fault(f"cannot be written as {kind}", path, kind, error) from error


def fault(
    what: str,
    path: str | os.PathLike[str],
    kind: str,
    cause: Exception | str,
    line: int | None = None,
) -> FormatError:
    """Return the error that says what is wrong with the file at *path*, and why.

    *kind* is the name of the format.
    """
    place = os.fspath(path)
    if line is not None:
        place = f"{place}, line {line}," if path is IN_MEMORY else f"{place}:{line}"
    why = cause if isinstance(cause, str) else _why(cause)
    return FormatError(
        f"{place} {what}: {one_line(why)}", path=os.fspath(path), format_name=kind, line=line
    )


def drop_lines(error: FormatError, loader: object) -> None:
    """Take away where in our code an error of a loader was raised: that helps nobody."""
    if is_built_in(loader):
        error.__traceback__ = None


def _why(error: Exception) -> str:
    text = str(error)
    if isinstance(error, AttributeError) and "module '__main__'" in text:
        return f"{text}: run here the script or cell that defines it, or put it into a module"
    # "'Foo'" or "5" says nothing without the kind of error it was
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}"


def _is_plain(error: Exception) -> bool:
    """Say whether *error* already tells the whole story.

    An OSError of the system has a number; those of libraries that found damage have none.
    """
    is_systems = isinstance(error, OSError) and error.errno is not None
    return is_systems or isinstance(error, (PypedreamError, MemoryError))
