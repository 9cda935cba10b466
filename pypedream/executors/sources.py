"""Whether the user's modules that this process imported are still what their files say."""

from __future__ import annotations

import os
import sys
from time import time_ns

from pypedream.places import is_library, is_ours

__all__ = ["Sources"]


class Sources:
    """The files of the user's modules, as they were when they were first seen here."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._count = 0
        self._looked_ns = time_ns()
        self._is_behind = False

    def note(self) -> None:
        """Take note of the modules that are there by now."""
        if len(sys.modules) == self._count:
            return
        self._count = len(sys.modules)
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file not in self._known and _is_users(file):
                self._known[file] = changed_ns = _changed_ns(file)
                # It was imported some time since the last look, and perhaps changed after that.
                self._is_behind |= changed_ns > self._looked_ns
        self._looked_ns = time_ns()

    def have_changed(self) -> bool:
        """Say whether one of them was changed, so that this process has old code."""
        self.note()
        return self._is_behind or any(
            _changed_ns(file) != changed_ns for file, changed_ns in self._known.items()
        )


def _is_users(file: str) -> bool:
    return not is_library(file) and not is_ours(file)


def _changed_ns(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0
