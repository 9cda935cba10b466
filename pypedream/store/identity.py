"""What a function is, as a digest that is the same in every process, and in which parts.

The loaded function counts, never its file: a file that was edited after it was imported changes
nothing. Comments, layout, docstrings and names of local variables do not count; what its names
refer to does, through all helpers of the user. Installed packages count by their version.
"""

from __future__ import annotations

import os
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from pypedream.errors import UnhashableInput
from pypedream.places import Place
from pypedream.store.encoding import digest_of, joined, text
from pypedream.store.functions import CALLABLES, captured, innermost
from pypedream.store.remembered import remembered
from pypedream.store.values import hash_file, hash_value
from pypedream.store.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pypedream.store.observations import Observations


_LONGEST_SHOWN = 30


@frozen(repr=False)
class CodeIdentity:
    """What a function is; equal to another one if nothing that counts has changed.

    Attributes
    ----------
    digest
        64 hex digits.
    parts
        From the name of each part, such as "helper etl.clean" or "package numpy: 2.1", to its
        digest.
    places
        From the name of each part that has a place to what a message calls it, its file and line;
        none of this counts.
    values
        From the name of each part that is a number, True, False or None to how it is written.
    """

    digest: str
    parts: Mapping[str, str] = field(eq=False, repr=False)
    places: Mapping[str, tuple[str, str, int]] = field(eq=False, repr=False, factory=dict)
    values: Mapping[str, str] = field(eq=False, repr=False, factory=dict)

    @property
    def shown(self) -> dict[str, str]:
        """From the name of each part to what a message calls it: with its place, if it has one."""
        named = {name: name for name in self.parts}
        for name, (words, file, line) in self.places.items():
            named[name] = f"{words} ({Place(file, line)})"
        return named


def fingerprint(value: Any) -> str:
    """Return the identity of a function or of any other value, as 64 hex digits.

    Raises
    ------
    UnhashableInput
        If a value contains itself, or is of a type that says nothing of what is in it.

    Examples
    --------
    >>> fingerprint(lambda row: row + 1) == fingerprint(lambda line: line + 1)
    False
    >>> fingerprint([1, 2]) == fingerprint((1, 2))
    False
    """
    if isinstance(value, CALLABLES):
        return code_identity(value).digest
    return hash_value(value)


def code_identity(function: Any) -> CodeIdentity:
    """Return what *function* is now, in all its parts.

    Modules of the user that it imports when it is called are imported for this.

    Parameters
    ----------
    function
        Anything that can be called: a function, method, partial, class or other object.

    Examples
    --------
    >>> def clean(rows, limit=3): return rows[:limit]
    >>> list(code_identity(clean).parts)
    ['function clean', 'default of limit in clean']
    """
    return remembered(function, _walked)


def _walked(function: Any) -> tuple[CodeIdentity, Observations]:
    walk = Walk()
    walk.run(function)
    identity = CodeIdentity(walk.digest(), walk.parts, walk.places, walk.values)
    return identity, walk.observations


def changes(before: CodeIdentity, after: CodeIdentity) -> list[str]:
    """Name what is not the same in two identities of a function.

    Examples
    --------
    >>> def clean(rows, limit=3): return rows[:limit]
    >>> before = code_identity(clean)
    >>> clean.__defaults__ = (4,)
    >>> changes(before, code_identity(clean))
    ['default of limit in clean 3 -> 4']
    """
    if before.digest == after.digest:
        return []
    found = list(_versions(before, after))
    old, new = before.shown, after.shown
    for name, digest in after.parts.items():
        if name not in before.parts and not name.startswith("package "):
            found.append(f"{new[name]} added")
        elif before.parts.get(name, digest) != digest:
            found.append(f"{new[name]} {_change(before.values.get(name), after.values.get(name))}")
    found += [
        f"{old[name]} removed"
        for name in before.parts
        if name not in after.parts and not name.startswith("package ")
    ]
    return found or ["what its names refer to changed"]


def _change(before: str | None, after: str | None) -> str:
    if before is None or after is None or max(len(before), len(after)) > _LONGEST_SHOWN:
        return "changed"
    return f"{before} -> {after}"


def _versions(before: CodeIdentity, after: CodeIdentity) -> Iterable[str]:
    old, new = _packages(before), _packages(after)
    for name in dict.fromkeys([*new, *old]):
        if old.get(name) != new.get(name):
            yield f"package {name}: {old.get(name, 'not used')} is now {new.get(name, 'not used')}"


def _packages(identity: CodeIdentity) -> dict[str, str]:
    names = [name for name in identity.parts if name.startswith("package ")]
    split = [name.removeprefix("package ").partition(": ") for name in names]
    return {package: version for package, _, version in split}


def stage_identity(
    function: Any,
    *,
    version: str | None = None,
    depends_on: Iterable[Any] = (),
    env: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> CodeIdentity:
    """Return the identity of a stage's function, and of what the user says that it depends on.

    Parameters
    ----------
    function
        What the stage calls.
    version
        Stands for the code, whose changes do not count then.
    depends_on
        Functions, modules, and paths of files or folders.
    env
        Names of environment variables. Their values count and are not kept.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    code = code_identity(function) if version is None else _pinned(function, version)
    found, names = [code, *map(_dependency, depends_on)], list(env)
    if len(found) == 1 and not names:
        return code
    parts = {name: digest for each in found for name, digest in each.parts.items()}
    places = {name: place for each in reversed(found) for name, place in each.places.items()}
    values = {name: value for each in reversed(found) for name, value in each.values.items()}
    for name in names:
        parts[f"environment {name}"] = hash_value(("environment", name, environ.get(name)))
    inside = [text(b"code", each.digest) for each in found]
    named = [text(b"env", f"{name} {parts[f'environment {name}']}") for name in sorted(set(names))]
    return CodeIdentity(digest_of(joined(b"stage", (*inside, *named))), parts, places, values)


def _pinned(function: Any, version: str) -> CodeIdentity:
    inner = innermost(function)
    named = inner if isinstance(inner, (FunctionType, MethodType, type)) else type(inner)
    name = f"{named.__module__}.{named.__qualname__}"
    digest = hash_value(("version", name, version, _data_of(function)))
    return CodeIdentity(digest, {f"version of {named.__name__}": digest})


def _data_of(function: Any) -> list[str]:
    """Return what a function holds besides its code: two of one code may differ by that."""
    from functools import partial

    held: list[Any] = []
    while isinstance(function, partial):
        held += [function.args, function.keywords]
        function = function.func
    held.append(getattr(function, "__self__", None))
    inner = innermost(function)
    if isinstance(inner, FunctionType):
        held += [value for _, value in captured(inner) if not isinstance(value, CALLABLES)]
    elif not isinstance(inner, (MethodType, type)):
        held.append(inner)
    return [_told(value) for value in held]


def _told(value: Any) -> str:
    from pypedream.store.encoding import Encoding
    from pypedream.store.writers import write_apart

    try:
        return digest_of(Encoding(unknown=write_apart).encode(value))
    except UnhashableInput:
        return type(value).__qualname__


def _dependency(value: Any) -> CodeIdentity:
    if isinstance(value, (str, os.PathLike)):
        from pathlib import Path

        return _path(Path(value))
    return code_identity(value)


def _path(path: Path) -> CodeIdentity:
    """Return the identity of a file, or of all files in a folder."""
    if not path.is_dir():
        digest = hash_file(path)
        return CodeIdentity(digest, {f"file {path.as_posix()}": digest})
    files = sorted(each for each in path.rglob("*") if each.is_file())
    parts = {f"file {each.as_posix()}": hash_file(each) for each in files}
    inside = [
        (each.relative_to(path).as_posix(), parts[f"file {each.as_posix()}"]) for each in files
    ]
    return CodeIdentity(hash_value(inside), parts)
