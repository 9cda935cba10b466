"""Warnings become events of the stage that they come from.

Which warnings there are stays Python's business: filters, ``catch_warnings`` and "once for each
place" work as ever.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from pypedream.log.entry import enter
from pypedream.log.output import captured, muted, suspended
from pypedream.log.patch import Patch
from pypedream.places import Place, cell_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import TextIO

    Show = Callable[..., None]

__all__ = ["WARNINGS", "warned_at"]

# Since 3.14 the module is written in the second.
_PYTHONS_OWN = ("warnings", "_py_warnings")


def _recording(original: Show) -> Show:
    home = getattr(original, "__module__", None)
    is_pythons, is_loggings = home in _PYTHONS_OWN, home == "logging"

    @wraps(original)
    def showwarning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        attempt = captured()
        # With logging.captureWarnings it comes back, as a record of logging.
        if attempt is None or file is not None or is_loggings:
            return original(message, category, filename, lineno, file, line)
        # Python's own way must be gone as well: catch_warnings(record=True) and pytest.warns
        # round the run listen there. What it would print is said by our console.
        with muted() if is_pythons else suspended() as output:
            original(message, category, filename, lineno, file, line)
        data: dict[str, Any] = {"category": category.__name__, "file": filename, "line": lineno}
        cell = cell_of(filename)
        if cell is not None:  # its file has a name that nobody gave it
            data["cell"] = cell
        if output.is_used or (attempt.log.is_hosted and not is_pythons):
            data["shown"] = True
        return enter(attempt.log, attempt, "warning", "warning", str(message), data)

    return showwarning


def warned_at(data: Mapping[str, Any]) -> str:
    """Return where a warning was given, "" if a run warns of itself.

    Examples
    --------
    >>> warned_at({"category": "UserWarning", "file": "/tmp/1.py", "line": 3, "cell": 7})
    'Cell In[7], line 3'
    """
    if "file" not in data:
        return ""
    line = data.get("line", 0)
    return (
        f"Cell In[{data['cell']}], line {line}"
        if "cell" in data
        else str(Place(str(data["file"]), line))
    )


def _module() -> ModuleType:
    import warnings

    return warnings


WARNINGS = Patch(_module, "showwarning", _recording)
