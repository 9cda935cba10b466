"""Globs: which files of a project a pattern stands for, the same on every system.

"*", "?" and "[...]" stay within one part of a path, "**" stands for any number of folders. Capitals
count on every system, and a name that begins with a dot is only matched by one that says the dot.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pypedream.errors import DefinitionError
from pypedream.files.paths import checked_path, is_glob

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["expanded", "fixed_part", "matches", "may_match_in"]

_ANY_FOLDERS = "**"


def expanded(root: Path, pattern: str) -> list[str]:
    """Return the files that a checked pattern matches, in order; folders are no match.

    "**" does not follow symbolic links to folders: they may lead in circles.

    Raises
    ------
    DefinitionError
        If a file that matches has a name that cannot be used on every system.
    """
    found = set(_walked(os.fspath(root), "", pattern.rstrip("/").split("/")))
    return sorted(_named(root, path) for path in found)


def matches(pattern: str, path: str) -> bool:
    """Say whether a checked pattern matches a path.

    Examples
    --------
    >>> matches("data/**/*.csv", "data/2024/may/1.csv"), matches("data/*.csv", "data/a/1.csv")
    (True, False)
    """
    return _matches(pattern.rstrip("/").split("/"), path.rstrip("/").split("/"))


def may_match_in(pattern: str, folder: str) -> bool:
    """Say whether a pattern may match something below a folder.

    Examples
    --------
    >>> may_match_in("*/x.csv", "results/"), may_match_in("*.csv", "results/")
    (True, False)
    """
    return _may_match_in(pattern.rstrip("/").split("/"), folder.rstrip("/").split("/"))


def fixed_part(pattern: str) -> str:
    """Return the folder in which everything is that a pattern matches; "" for the root.

    Examples
    --------
    >>> fixed_part("data/raw/*.csv"), fixed_part("*.csv")
    ('data/raw', '')
    """
    parts = pattern.split("/")
    first = next((place for place, part in enumerate(parts) if is_glob(part)), len(parts) - 1)
    return "/".join(parts[:first])


def _matches(patterns: Sequence[str], parts: Sequence[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == _ANY_FOLDERS:
        if len(patterns) > 1 and _matches(patterns[1:], parts):
            return True
        is_seen = bool(parts) and not parts[0].startswith(".")
        return is_seen and ((len(patterns), len(parts)) == (1, 1) or _matches(patterns, parts[1:]))
    return bool(parts) and _is_match(patterns[0], parts[0]) and _matches(patterns[1:], parts[1:])


def _may_match_in(patterns: Sequence[str], folders: Sequence[str]) -> bool:
    if not folders:
        return bool(patterns)
    if not patterns:
        return False
    if patterns[0] == _ANY_FOLDERS:
        return True
    return _is_match(patterns[0], folders[0]) and _may_match_in(patterns[1:], folders[1:])


def _is_match(pattern: str, name: str) -> bool:
    if not is_glob(pattern):
        return pattern == name
    return (not name.startswith(".") or pattern.startswith(".")) and fnmatchcase(name, pattern)


def _walked(root: str, folder: str, patterns: Sequence[str]) -> Iterator[str]:
    """Yield the files below a folder, which ends with "/" unless it is the root."""
    first, rest = patterns[0], patterns[1:]
    if not is_glob(first):
        yield from _fixed(root, folder + first, rest)
        return
    if first == _ANY_FOLDERS and rest:
        yield from _walked(root, folder, rest)
    for entry in _entries(f"{root}/{folder}"):
        path = folder + entry.name
        if first == _ANY_FOLDERS:
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield from _walked(root, f"{path}/", patterns)
            elif not rest and not entry.name.startswith(".") and entry.is_file():
                yield path
        elif _is_match(first, entry.name):
            if rest and entry.is_dir():
                yield from _walked(root, f"{path}/", rest)
            elif not rest and entry.is_file():
                yield path


def _fixed(root: str, path: str, rest: Sequence[str]) -> Iterator[str]:
    if rest and os.path.isdir(f"{root}/{path}"):
        yield from _walked(root, f"{path}/", rest)
    elif not rest and os.path.isfile(f"{root}/{path}"):
        yield path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _named(root: Path, path: str) -> str:
    name = checked_path(path)
    if name != path and not os.path.lexists(root / name):
        raise DefinitionError(f'the name of "{name}" is not in the form NFC of Unicode: rename it')
    return name
