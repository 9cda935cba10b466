"""From the value of an output to files: one, as many as there are paths, or a folder of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pypedream.errors import DefinitionError
from pypedream.files.paths import checked_path, folded
from pypedream.values import short

if TYPE_CHECKING:
    from pypedream.files.spec import FileOut

_EXAMPLE = ".json"


def files_of(value: Any, out: FileOut) -> dict[str, Any]:
    """Return what is to be written to each file, by path.

    Raises
    ------
    ValueError
        If the value is no such number of files, or a key cannot be the name of one.
    TypeError
        If it is no dict, list or tuple where several files are written.
    """
    if out.kind == "directory":
        assert isinstance(out.path, str)
        inside = checked_directory(value, out)
        return {f"{out.path}{key}": each for key, each in inside.items()}
    if isinstance(out.path, str):
        return {out.path: value}
    if not isinstance(value, (list, tuple)):
        kind = type(value).__name__
        raise TypeError(f"{len(out.path)} files take a list or tuple of as many values, no {kind}")
    if len(value) != len(out.path):
        raise ValueError(f"{len(out.path)} files take as many values, not {len(value)}")
    return dict(zip(out.path, value, strict=True))


def checked_directory(value: Any, out: FileOut) -> dict[str, Any]:
    """Return a dict whose keys are names of files in the folder of *out*.

    Parameters
    ----------
    value
        What the function gave for a `DirectoryOut`.

    Returns
    -------
    By normalised key: with "/" between parts, no "./", and in Unicode's form NFC.

    Raises
    ------
    TypeError
        If it is no dict.
    ValueError
        If it is empty; or with all keys that cannot be files, or that on some systems are the
        same file as another.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"DirectoryOut takes a dict of files, no {type(value).__name__}")
    if not value:
        raise ValueError(f'DirectoryOut dict must not be empty: "{out.path}" would hold no file')
    mistakes: list[str] = []
    names: dict[Any, str] = {}
    for key in value:
        try:
            names[key] = _name(key)
        except DefinitionError as error:
            mistakes.append(str(error))
    mistakes.extend(_same(names))
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return {name: value[key] for key, name in names.items()}


def _name(key: Any) -> str:
    if not isinstance(key, str):
        raise DefinitionError(f"DirectoryOut key must be a text: {short(key, 40)} is none")
    try:
        name = checked_path(key)
    except DefinitionError as error:
        raise DefinitionError(f"DirectoryOut key {error}") from None
    if not PurePosixPath(name).suffix or name.endswith("/"):
        example = name.rstrip("/") + _EXAMPLE
        raise DefinitionError(f'DirectoryOut key must have extension: "{key}"; use "{example}"')
    return name


def _same(names: Mapping[Any, str]) -> list[str]:
    """Say which keys are one file, or a file and the folder of another."""
    mistakes: list[str] = []
    seen: dict[str, str] = {}
    for key, name in names.items():
        other = seen.setdefault(folded(name), key)
        if other is not key:
            is_case = names[other] != name
            where = " on systems that ignore case" if is_case else ""
            mistakes.append(f'DirectoryOut keys "{other}" and "{key}" are the same file{where}')
    for key, name in names.items():
        parts = folded(name).split("/")
        around = ("/".join(parts[:count]) for count in range(1, len(parts)))
        mistakes.extend(
            f'DirectoryOut key "{key}" is inside of "{seen[path]}", which is a file'
            for path in around
            if path in seen
        )
    return mistakes
