"""Notes on modules that were edited after they were imported, for those who type.

What counts is the loaded code, so a plan is right to say that nothing has changed; whoever has just
saved a file expects something else. A file is compared with what it was when a plan of this process
first saw it. A module that was reloaded since begins anew.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.places import is_library, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.calls import Calls

_RELOADS: Final = "IPython.extensions.autoreload"  # if it is on, it does so before each cell
_SEEN: Final[dict[str, _Seen | None]] = {}


@frozen
class _Seen:
    """A module as it was first seen.

    Attributes
    ----------
    spec
        How it was imported: another object after it was reloaded.
    """

    module: str
    spec: object
    state: object

    @classmethod
    def of(cls, module: Any, file: str) -> _Seen:
        return cls(module.__name__, module.__spec__, _state(file))

    def is_loaded(self) -> bool:
        """Say whether the module is still the one that was seen."""
        module = sys.modules.get(self.module)
        return module is not None and module.__spec__ is self.spec


def edited_notes(calls: Calls) -> list[str]:
    """Return a line for each module that stages use and that is not what its file says now."""
    if _RELOADS in sys.modules:
        return []
    codes = (known[0] for known in calls.remembered.calls.values())
    files = dict.fromkeys(file for code in codes for _, file, _ in code.places.values())
    return [note for file in files for note in _note(file)]


def _note(file: str) -> Iterator[str]:
    seen = _SEEN.get(file)
    if file not in _SEEN or (seen is not None and not seen.is_loaded()):
        seen = _SEEN[file] = _seen(file)
    if seen is not None and seen.state != _state(file):
        again = "" if seen.spec is None else f", or importlib.reload({seen.module})"
        name = os.path.basename(file)
        yield f"{name} was edited since it was imported, and the old code runs: restart{again}"


def _seen(file: str) -> _Seen | None:
    """Look at a file of the user's; what was typed is in none, and libraries are not edited."""
    if is_library(file) or is_ours(file):
        return None
    modules = [each for each in list(sys.modules.values()) if _file_of(each) == file]
    return _Seen.of(modules[0], file) if modules else None


def _file_of(module: Any) -> object:
    return vars(module).get("__file__") if hasattr(module, "__dict__") else None


def _state(file: str) -> object:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
