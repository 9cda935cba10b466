"""The last line of a written module: by it a file is known that nobody has changed since.

A file that was changed by hand, or that was never written here, is somebody's work and stays.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from pypedream.errors import ExportError

_BEGINNING: Final = "# Written by pypedream; unchanged as long as this is the text's digest: "
_MARK: Final = re.compile(re.escape(_BEGINNING) + r"([0-9a-f]{16})\n?\Z")


def marked(text: str) -> str:
    """Return a text with the line that knows it."""
    return f"{text}\n\n{_BEGINNING}{_digest(text)}\n"


def target_of(given: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Return where a module is to be, if it can be there.

    Raises
    ------
    ExportError
        If the name is none of a module, there is no such folder, or the file is someone's work.
    """
    path = Path(given)
    target = Path(os.path.realpath(path))
    if target.suffix != ".py":
        raise ExportError(f'{path} is no name for a module: call it "{path.stem}.py"')
    if not target.stem.isidentifier():
        name = re.sub(r"\W", "_", target.stem)
        raise ExportError(f'{path} cannot be imported by its name: call it "{name}.py"')
    if not target.parent.is_dir():
        raise ExportError(f"there is no folder {path.parent}: make it first")
    if target.is_dir():
        raise ExportError(f"{path} is a folder: give the path of a file")
    if target.exists() and not overwrite and not _is_unchanged(target):
        raise ExportError(
            f"{path} was not written by to_module, or was changed since: give another path, or"
            " overwrite=True"
        )
    return target


def _is_unchanged(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError:
        return False
    found = _MARK.search(text)
    return found is not None and _digest(text[: found.start()].removesuffix("\n\n")) == found[1]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
