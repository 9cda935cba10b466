"""The last line of a written file: by it a file is known that nobody has changed since.

A file that was changed by hand, or that was never written here, is somebody's work and stays.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from pypedream.errors import ExportError

_SAYING: Final = "Written by pypedream; unchanged as long as this is the text's digest: "
_COMMENTS: Final = {
    ".dot": ("// ", ""),
    ".mmd": ("%% ", ""),
    ".py": ("# ", ""),
    ".svg": ("<!-- ", " -->"),
    ".toml": ("# ", ""),
    ".yaml": ("# ", ""),
    ".yml": ("# ", ""),
}


def marked(text: str, suffix: str = ".py") -> str:
    """Return a text with the line that knows it; as it is if such files have no comments."""
    if suffix not in _COMMENTS:
        return text
    opening, closing = _COMMENTS[suffix]
    return f"{text}\n\n{opening}{_SAYING}{_digest(text)}{closing}\n"


def without_mark(text: str, suffix: str = ".py") -> str:
    """Return a text without the line that knows it, if it has one."""
    found = _mark_in(text, suffix)
    return text if found is None else text[: found.start()]


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
    return free_place(path, overwrite=overwrite, by="to_module")


def free_place(
    given: str | os.PathLike[str], *, overwrite: bool, by: str, text: str | None = None
) -> Path:
    """Return where a file is to be, if it can be there.

    Parameters
    ----------
    overwrite
        Whether a file that is someone's work may be replaced.
    by
        What writes it, for the message.
    text
        What is to be written; a file that says this already can be replaced.

    Raises
    ------
    ExportError
        If there is no such folder, or the file is someone's work.
    """
    path = Path(given)
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise ExportError(f"there is no folder {path.parent}: make it first")
    if target.is_dir():
        raise ExportError(f"{path} is a folder: give the path of a file")
    if target.exists() and not overwrite and not _is_unchanged(target, text):
        raise ExportError(
            f"{path} was not written by {by}, or was changed since: give another path, or"
            " overwrite=True"
        )
    return target


def _is_unchanged(path: Path, new: str | None) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError:
        return False
    found = _mark_in(text, path.suffix)
    is_whole = found is not None and _digest(text[: found.start()]) == found[1]
    return text == new or is_whole


def _mark_in(text: str, suffix: str) -> re.Match[str] | None:
    opening, closing = map(re.escape, _COMMENTS.get(suffix, ("# ", "")))
    return re.search(rf"\n\n{opening}{re.escape(_SAYING)}([0-9a-f]{{16}}){closing}\n?\Z", text)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
