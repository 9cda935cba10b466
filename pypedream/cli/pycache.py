"""The bytecode of the user's modules that Python may take for that of a later text.

Python tells by size and whole seconds whether bytecode is of the text beside it. So a module that
is saved again within the second in which it was compiled, and keeps its size, stays what it was for
good. Bytecode that was written so soon after its text is not left behind; git has the same rule for
files that are "racily clean".
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pypedream.places import is_library, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["forget_doubtful"]

_RACY_S: Final = 2.0


def forget_doubtful(modules: Iterable[str]) -> None:
    """Remove the bytecode of those of these modules that are the user's and were just saved."""
    for name in modules:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        text, code = getattr(spec, "origin", None), getattr(spec, "cached", None)
        if not (isinstance(text, str) and isinstance(code, str)):
            continue
        if not is_library(text) and not is_ours(text):
            # Nobody needs it: what cannot be removed is as it would be without pypedream.
            with suppress(OSError):
                if os.stat(code).st_mtime < os.stat(text).st_mtime + _RACY_S:
                    os.remove(code)
