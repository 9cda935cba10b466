"""Compiled: the code of a pipeline's file, kept so that a file that stays is not compiled again.

What is run is what is in the file, always: it is read, and what is kept counts only where it was
compiled from exactly this text, by this Python, for this path. It also has to be from this very
file, by inode and time of change, which nobody can set or foresee. So what came with a repository
is never run in place of the text that everybody sees.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.util import MAGIC_NUMBER
from types import CodeType

from pypedream.engine.at_rest import FOLDER
from pypedream.files.paths import WORKSPACE, project_place

__all__ = ["keep_code", "kept_code"]

_DIGEST = 32
_SMALL = 4_096
"""So small a text is compiled in no time."""


def kept_code(file: str, text: bytes) -> CodeType | None:
    """Return the code of a file if it was kept for what is in it now; None if not."""
    if len(text) < _SMALL:
        return None
    with suppress(OSError, ValueError, EOFError, TypeError):
        place = _place(file)
        if not _is_private(os.path.dirname(place)):
            return None
        with open(place, "rb") as kept:
            head, data = kept.read(_DIGEST), kept.read()
        if head == _head(file, text, data):
            code = marshal.loads(data)  # noqa: S302 - nobody else can have written it
            return code if isinstance(code, CodeType) else None
    return None


def keep_code(file: str, text: bytes, code: CodeType) -> None:
    """Keep the code that a text was compiled to, if there is a place for that."""
    place = _place(file)
    if len(text) < _SMALL or not os.path.isdir(os.path.dirname(place)):
        return
    from pypedream.formats.replacement import replace

    data = marshal.dumps(code)
    # Nobody needs it: if it cannot be written, the file is compiled again.
    with suppress(OSError):
        replace(place, _head(file, text, data) + data)


def _is_private(folder: str) -> bool:
    """Say whether nobody else can write into a folder."""
    if os.name == "nt":  # permissions there are not told by a mode
        return True
    found = os.stat(folder)
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _place(file: str) -> str:
    name = sha256(os.path.abspath(file).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return os.path.join(project_place(file), WORKSPACE, FOLDER, f"~{name}.code")


def _head(file: str, text: bytes, data: bytes) -> bytes:
    """Return what tells that code is of a file, a text and a Python, and is whole."""
    seen = os.stat(file)
    about = (
        (file, seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns),
        (sys.version, MAGIC_NUMBER, sys.flags.optimize, sys.flags.dev_mode),
        (sha256(text).digest(), sha256(data).digest()),
    )
    return sha256(repr(about).encode("utf-8", "surrogatepass")).digest()
