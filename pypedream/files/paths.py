"""Paths of a project: relative to its root, written with "/", the same on every system.

What a file is called in code, in lock files and on disk is one text. It cannot leave the project,
and no two outputs can be one file on a disk that takes "Data" and "data" for the same.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import normalize

from pypedream.errors import DefinitionError
from pypedream.store.keys import broken_letter, broken_part

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "checked_path",
    "folded",
    "inner_path",
    "is_folder",
    "is_glob",
    "place_within",
    "project_place",
    "project_root",
    "real_place",
    "seen_from",
    "within",
]

WORKSPACE = ".pypedream"
"""The usual name of a workspace, beside which a project's files are."""

_MARKS = ("pyproject.toml", WORKSPACE)
_OURS = (WORKSPACE, ".git")
_LONGEST_PART = 255
_SHOWN = 60
_DRIVE = re.compile(r"[A-Za-z]:")


def project_root(start: str | os.PathLike[str]) -> Path:
    """Return the folder that the paths of a pipeline are relative to.

    It is the nearest one with a ``pyproject.toml`` or a ``.pypedream/`` in it, from *start* up; if
    there is none, the folder of *start*.

    Parameters
    ----------
    start
        The file in which the pipeline is made, or a folder.
    """
    from pathlib import Path  # it takes longer to load than to see that nothing has changed

    return Path(project_place(start))


def project_place(start: str | os.PathLike[str]) -> str:
    """Return what `project_root` does as a text."""
    path = os.path.abspath(start)
    folder = each = path if os.path.isdir(path) else os.path.dirname(path)
    while True:
        if any(os.path.exists(os.path.join(each, mark)) for mark in _MARKS):
            return each
        above = os.path.dirname(each)
        if above == each:
            return folder
        each = above


def checked_path(path: str | os.PathLike[str]) -> str:
    r"""Return a path as it is written everywhere; a "/" at its end says that it is a folder.

    The text is put into Unicode's form NFC, and "./" and "//" are left out. It may hold the
    wildcards of a glob.

    Raises
    ------
    DefinitionError
        If it cannot be a path of a project; the text names the rule.

    Examples
    --------
    >>> checked_path("./data//input.csv"), checked_path("results/")
    ('data/input.csv', 'results/')
    >>> checked_path("../x.csv")
    Traceback (most recent call last):
      ...
    pypedream.errors.DefinitionError: "../x.csv" cannot be a path of the project: a part is ".."
    """
    return _checked_text(_text(path))


@lru_cache(maxsize=10_000)  # what one stage writes others read
def _checked_text(text: str) -> str:
    whole = normalize("NFC", text)
    parts = [part for part in whole.split("/") if part not in ("", ".")]
    broken = _broken_rule(whole, parts) or next(filter(None, map(_broken, parts)), None)
    if broken:
        shown = ascii(text) if broken_letter(text) else f'"{_short(text)}"'
        raise DefinitionError(f"{shown} cannot be a path of the project: {broken}")
    return "/".join(parts) + ("/" if whole.endswith(("/", "/.")) else "")


def is_folder(path: str) -> bool:
    """Say whether a checked path is marked as a folder."""
    return path.endswith("/")


def is_glob(path: str) -> bool:
    """Say whether a path stands for all files that it matches."""
    return any(letter in path for letter in "*?[")


def folded(path: str) -> str:
    """Return what is equal for paths that some systems take for one file.

    Examples
    --------
    >>> folded("Data/Input.csv") == folded("data/input.CSV")
    True
    """
    return normalize("NFC", normalize("NFC", path).casefold())


def within(root: Path, path: str) -> Path:
    """Return where a checked path is on this machine.

    Raises
    ------
    DefinitionError
        If a symbolic link on the way leads out of the project. One that stays in it is followed.
    """
    from pathlib import Path

    return Path(place_within(os.fspath(root), path))


def place_within(root: str, path: str) -> str:
    """Return what `within` does as a text, in a tenth of the time."""
    return _followed(root, path)[0]


def real_place(root: str, real_root: str, path: str) -> str:
    """Return where a checked path is once all links are followed; errors as `within`.

    Parameters
    ----------
    real_root
        The root without symbolic links.
    """
    place, has_link = _followed(root, path)
    return os.path.realpath(place) if has_link else os.path.join(real_root, *_parts(path))


def inner_path(place: str, root: str) -> str:
    """Return the path of a place in a project, written with "/"; both without symbolic links."""
    start = os.path.join(root, "")
    is_inside = place.startswith(start)
    inner = place[len(start) :] if is_inside else os.path.relpath(place, root)
    return inner.replace(os.sep, "/")


def _followed(root: str, path: str) -> tuple[str, bool]:
    """Return a place, and whether there is a symbolic link on the way to it."""
    place, has_link = root, False
    for part in _parts(path):
        place = f"{place}/{part}"
        if os.path.islink(place):
            _check_inside(root, path, place)
            has_link = True
    return place, has_link


def _parts(path: str) -> list[str]:
    return path.rstrip("/").split("/")


def seen_from(root: str, home: str, path: str) -> str | None:
    """Return how a path of the project *home* is written in the project *root*.

    Returns
    -------
    None if it is outside of that.

    Examples
    --------
    >>> seen_from("/p", "/p/sub", "x.csv"), seen_from("/p/sub", "/p", "sub/x.csv")
    ('sub/x.csv', 'x.csv')
    >>> seen_from("/p/sub", "/p", "x.csv") is None
    True
    """
    if root == home:
        return path
    whole, before = f"{home}/{path}".replace(os.sep, "/"), f"{root.rstrip('/')}/"
    before = before.replace(os.sep, "/")
    return whole.removeprefix(before) if whole.startswith(before) else None


def _check_inside(root: str, path: str, link: str) -> None:
    real, inside = os.path.realpath(link), os.path.realpath(root)
    if not real.startswith(inside.rstrip(os.sep) + os.sep) and real != inside:
        where = os.path.relpath(link, root).replace(os.sep, "/")
        raise DefinitionError(
            f'"{path}" leaves the project: the symbolic link "{where}" leads to {real}:'
            " put what it leads to into the project"
        )


def _text(path: str | os.PathLike[str]) -> str:
    text = path if isinstance(path, str) else getattr(path, "as_posix", path.__fspath__)()
    if not isinstance(text, str):
        raise DefinitionError(f"{path!r} cannot be a path of the project: it is no text")
    return text


def _broken_rule(path: str, parts: list[str]) -> str | None:
    """Return which rule a path breaks as a whole, as a phrase."""
    if not parts:
        return "it names no file"
    if "://" in path:
        return "it is a URL"
    start = _broken_start(path, parts[0])
    if start:
        return f"{start}; write it relative to the root of the project"
    if parts[0].casefold() in _OURS:
        return f"{parts[0]} holds no data of stages"
    return broken_letter(path)


def _broken_start(path: str, first: str) -> str | None:
    if path.startswith("/"):
        return "it is absolute"
    if _DRIVE.match(first):
        return "it begins with a drive"
    is_home = first == "~" or (first.startswith("~") and first != path)
    return "~ is not expanded" if is_home else None


def _broken(part: str) -> str | None:
    if len(part.encode("utf-8", "surrogatepass")) > _LONGEST_PART:
        return f"a part is longer than {_LONGEST_PART} bytes"
    return broken_part(part)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
