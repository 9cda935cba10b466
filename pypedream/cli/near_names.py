"""The nearest right name for one that an error is about, as far as its traceback knows."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["meant_by"]


def meant_by(error: BaseException) -> str:
    """Return the end of a sentence that names what was probably meant, or "".

    Examples
    --------
    >>> try:
    ...     prit("x")
    ... except NameError as error:
    ...     print(error, meant_by(error))
    name 'prit' is not defined ; did you mean "print"?
    """
    name = getattr(error, "name", None)
    if isinstance(error, ImportError):  # its name is that of the module
        found = re.match("cannot import name '([^']+)'", str(error))
        name = None if found is None else found[1]
    if not isinstance(name, str) or "did you mean" in str(error):
        return ""
    return did_you_mean(name, (each for each in _known(error) if _may_be_meant(each, name)))


def _known(error: BaseException) -> Iterable[str]:
    """Return the names that there were where the error was raised."""
    if isinstance(error, NameError):
        step = error.__traceback__
        while step is not None and step.tb_next is not None:
            step = step.tb_next
        frame = None if step is None else step.tb_frame
        return () if frame is None else {**frame.f_builtins, **frame.f_globals, **frame.f_locals}
    if isinstance(error, AttributeError):
        return _attributes(error.obj)
    module = sys.modules.get(getattr(error, "name", None) or "")
    return () if module is None else dir(module)


def _attributes(owner: object) -> Iterable[str]:
    # A class of the user's may have a __dir__ of its own, which is not called for a mere hint.
    if isinstance(owner, ModuleType):
        return dir(owner)
    return type.__dir__(owner) if isinstance(owner, type) else object.__dir__(owner)


def _may_be_meant(known: str, name: str) -> bool:
    return known != name and (name.startswith("_") or not known.startswith("_"))
