"""Where in the user's code something was written: a file and line, or a notebook cell.

A place is taken at every definition, so taking one must be cheap: it keeps the code object and
the line, and becomes text only when a message needs it.
"""

from __future__ import annotations

import os
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LAYERS = 20


@frozen
class Place:
    """One line of the user's code.

    Examples
    --------
    >>> str(Place("flow.py", 12))
    'flow.py:12'
    """

    file: str
    line: int

    def __str__(self) -> str:
        cell = cell_of(self.file)
        if cell is not None:
            return f"Cell In[{cell}], line {self.line}"
        return f"{from_here(self.file)}:{self.line}"

    @classmethod
    def of_function(cls, function: Callable[..., object]) -> Place | None:
        """Return where *function* is defined; None when it is not written in Python."""
        inner = function
        for _ in range(_LAYERS):  # decorators can wrap each other in a circle
            layer = getattr(inner, "__wrapped__", getattr(inner, "func", None))
            if not callable(layer):
                break
            inner = layer
        code = getattr(inner, "__code__", None)
        if not isinstance(code, CodeType):  # an object may answer to every name
            return None
        return cls(code.co_filename, code.co_firstlineno)


def calling_place() -> Place | None:
    """Return the innermost line on the stack that is not pypedream's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and file[:1] != "<":
            return Place(file, frame.f_lineno)
        if file[:1] == "<" and not file.startswith(("<attrs generated", "<frozen ")):
            return Place(file, frame.f_lineno)
        frame = frame.f_back
    return None


def is_interactive(place: Place | None) -> bool:
    """Say whether *place* is a notebook cell or was typed, rather than in a file."""
    if place is None:
        return False
    is_cell = place.file[:1] == "<" or cell_of(place.file) is not None
    return is_cell or not os.path.exists(place.file)


def is_ours(file: str) -> bool:
    """Say whether *file* belongs to the pypedream package."""
    return file.startswith((_PACKAGE, "<attrs generated"))


def is_library(file: str) -> bool:
    """Say whether *file* is of Python itself or of an installed package."""
    folders = file.split(os.sep)
    is_installed = "site-packages" in folders or "dist-packages" in folders
    # Compiled code names the file that it was made of, from the folder where that was done.
    is_compiled = file.endswith(".pyx") and not os.path.isfile(file)
    return is_installed or is_compiled or file.startswith((_LIBRARY, "<frozen "))


def users_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """Return *traceback* from the first frame that is not pypedream's own."""
    step = traceback
    while step is not None and is_ours(step.tb_frame.f_code.co_filename):
        step = step.tb_next
    return step


def is_in_ipython() -> bool:
    """Say whether this process is an IPython shell or a notebook kernel."""
    return _running_shell() is not None


def name_at_prompt(is_it: Callable[[object], bool]) -> str | None:
    """Return what the user's cells or prompt call the first value for which *is_it* is true."""
    names: dict[str, object] = getattr(_running_shell(), "user_ns", {})
    found = (name for name, each in list(names.items()) if name[:1] != "_" and is_it(each))
    return next(found, None)


def cell_of(file: str) -> int | None:
    """Return the number of the notebook cell that *file* stands for, or None."""
    shell = _running_shell()
    if shell is None:
        return None
    names = getattr(getattr(shell, "compile", None), "_filename_map", None) or {}
    number = names.get(file)
    return number if isinstance(number, int) else None


def running_kernel() -> Any | None:
    """Return the IPython shell if this process is a kernel whose front end can replace outputs.

    That of Spyder cannot: it is a console, and gets lines as every console does.
    """
    shell = _running_shell()
    has_cells = getattr(shell, "kernel", None) is not None and "spyder_kernels" not in sys.modules
    return shell if has_cells else None


def _running_shell() -> object | None:
    """Return the IPython shell of this process, if someone else imported IPython."""
    ipython = sys.modules.get("IPython")
    get_ipython = getattr(ipython, "get_ipython", None)
    return get_ipython() if get_ipython is not None else None


def from_here(path: str | os.PathLike[str]) -> str:
    """Return a path as it is written in the present folder, if it is in that."""
    text = os.fspath(path)
    try:
        here = os.path.join(os.getcwd(), "")
    except FileNotFoundError:  # it was removed, so nothing is in it
        return text
    return text[len(here) :] if text.startswith(here) else text
