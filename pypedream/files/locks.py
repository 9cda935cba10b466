"""Locks: what each stage was last run with and what it wrote, a small file each for git.

::

    .pypedream/locks/train@bert_swe.json

The text depends on nothing but what it says: keys are sorted, paths are those of the project, and a
lock that says the same is not written again.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, fields, frozen

from pypedream.errors import StoreError
from pypedream.files.lock_names import name_of
from pypedream.formats.replacement import replace
from pypedream.store.disk import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["DepLock", "Lock", "Locks", "OutLock", "ParamLock"]

LOCKS = "locks"
"""The folder of a workspace for locks."""

_VERSION = 1
_ENDING = ".json"
_LEFT_OUT = ("digest", "pipeline", "is_folder", "folder", "x", "y", "template")
_TYPES = {"size": int, "is_folder": bool, "cached": bool}
_CONFLICT = re.compile(rb"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)


@frozen(repr=False)
class ParamLock:
    """A parameter: how it is shown, and its digest where that says more than what is shown."""

    shown: str
    digest: str = ""


@frozen(repr=False)
class DepLock:
    """A file or folder that was read."""

    sha256: str
    size: int
    is_folder: bool = False


@frozen(repr=False)
class OutLock:
    """A file or folder that was written.

    Attributes
    ----------
    kind
        "out", "metric", "plot", "incremental" or "directory".
    cached
        Whether a copy is in the store.
    folder
        The folder of a "directory" that it is in, in which nothing else is.
    x, y, template
        How a plot is drawn, if it is a table.
    """

    sha256: str
    size: int
    kind: str = "out"
    cached: bool = True
    is_folder: bool = False
    folder: str = ""
    x: str = ""
    y: str = ""
    template: str = ""


@frozen(repr=False)
class Lock:
    """What a stage was run with and what it wrote.

    Attributes
    ----------
    key
        The digest of the call: of all that its outputs depend on.
    pipeline
        Name of the pipeline that the stage is of; "" if it is not known.
    code
        Digests of the functions, classes and values that the code consists of.
    params
        The parameters by name.
    loaders
        Digests of loaders by argument or output.
    deps, outs
        Files by path.
    """

    stage: str
    key: str
    pipeline: str = ""
    code: Mapping[str, str] = field(factory=dict)
    params: Mapping[str, ParamLock] = field(factory=dict)
    loaders: Mapping[str, str] = field(factory=dict)
    deps: Mapping[str, DepLock] = field(factory=dict)
    outs: Mapping[str, OutLock] = field(factory=dict)


class Locks:
    """The locks of a workspace.

    Parameters
    ----------
    workspace
        The folder of the workspace.
    """

    def __init__(self, workspace: str | os.PathLike[str]) -> None:
        self._folder = os.path.join(workspace, LOCKS)
        self._digests: dict[str, str] = {}
        self._has_folder = False

    def path(self, stage: str) -> Path:
        """Return where the lock of a stage is, or would be."""
        return Path(self._place(stage))

    def read(self, stage: str) -> Lock | None:
        """Return the lock of a stage; None if there is none, or power was lost as it was written.

        Raises
        ------
        StoreError
            If it is damaged, has a conflict of git in it, or is of a later pypedream.
        """
        path = self._place(stage)
        text = _text_in(path)
        lock = None if text is None else _read_in(path, text)
        if lock is not None and lock.stage != stage:
            raise _refused(path, f'is of the stage "{lock.stage}", not of "{stage}"')
        self._digests[stage] = "" if text is None else sha256(text).hexdigest()
        return lock

    def digest(self, stage: str) -> str:
        """Return the digest of the lock that was read or written last; "" if there was none."""
        return self._digests.get(stage, "")

    def readable(self) -> Iterator[Lock]:
        """Yield every lock that can be read, also of stages that are called otherwise by now."""
        for path in self._files():
            with suppress(StoreError):
                lock = _read(path)
                if lock is not None:
                    yield lock

    def others(self, stages: Iterable[str]) -> Iterator[Lock]:
        """Yield every lock that can be read and is of none of these stages."""
        known = {os.path.basename(self._place(stage)) for stage in stages}
        for path in self._files():
            if path.name not in known:
                with suppress(StoreError):
                    lock = _read(path)
                    if lock is not None:
                        yield lock

    def all(self) -> dict[str, Lock]:
        """Return every lock by its stage, in order.

        Raises
        ------
        StoreError
            If some cannot be read, or are not of the stage that their names say; names each.
        """
        found: dict[str, Lock] = {}
        failed: list[str] = []
        for path in self._files():
            try:
                lock = _read(path)
                if lock is not None and path != self.path(lock.stage):
                    raise _refused(path, f'is of the stage "{lock.stage}" by what is in it')
            except StoreError as error:
                failed.append(str(error))
            else:
                if lock is not None:
                    found[lock.stage] = lock
        if failed:
            raise StoreError("\n".join(failed))
        return dict(sorted(found.items()))

    def write(self, lock: Lock) -> bool:
        """Write a lock in place of the one that is there; say whether it says anything new.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        path, text = self._place(lock.stage), text_of(lock)
        try:
            is_new = self._digests.get(lock.stage) == ""
            there = b"" if is_new else _text_in(path) or b""
            # git may have written the ends of its lines as Windows does
            if there.replace(b"\r\n", b"\n") == text:
                self._digests[lock.stage] = sha256(there).hexdigest()
                return False
            if not self._has_folder:
                make_folder(Path(self._folder), is_shared=False)
                self._has_folder = True
            replace(path, text)
        except StoreError:  # what is there cannot be read, which it says
            raise
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
        self._digests[lock.stage] = sha256(text).hexdigest()
        return True

    def remove(self, stage: str) -> bool:
        """Remove the lock of a stage; say whether there was one."""
        path = self.path(stage)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error
        return True

    def _place(self, stage: str) -> str:
        return f"{self._folder}{os.sep}{name_of(stage)}{_ENDING}"

    def _files(self) -> list[Path]:
        paths = Path(self._folder).glob(f"*{_ENDING}")
        return sorted(path for path in paths if not path.name.startswith("."))


def text_of(lock: Lock) -> bytes:
    """Return a lock as it is written."""
    pairs = [*_pairs_of(lock), ("version", _VERSION)]
    return f"{_object(pairs, '')}\n".encode("utf-8", "surrogatepass")


def _pairs_of(value: Any) -> list[tuple[str, Any]]:
    """Return what a lock says of something, in order."""
    names = _NAMES.get(type(value))
    if names is None:
        return sorted(value.items())
    found = zip(names, _VALUES[type(value)](value), strict=True)
    return [each for each in found if each[1] or each[0] not in _LEFT_OUT]


def _object(pairs: list[tuple[str, Any]], around: str) -> str:
    """Return what json writes with an indentation of two, in a tenth of the time."""
    if not pairs:
        return "{}"
    inner = f"{around}  "
    rows = [
        f"{inner}{_text(name)}: {_text(value) if type(value) is str else _indented(value, inner)}"
        for name, value in pairs
    ]
    return "{\n" + ",\n".join(rows) + f"\n{around}}}"


def _indented(value: Any, around: str) -> str:
    return str(value).lower() if isinstance(value, int) else _object(_pairs_of(value), around)


_NAMES = {
    kind: sorted(each.name for each in fields(kind)) for kind in (Lock, ParamLock, DepLock, OutLock)
}
_VALUES = {kind: attrgetter(*names) for kind, names in _NAMES.items()}
_text = json.encoder.encode_basestring


def lock_in(text: bytes) -> Lock:
    """Return the lock that a text says; raise ValueError, KeyError or TypeError if it says none."""
    return _lock_of(json.loads(text.decode("utf-8", "surrogatepass")))


def _read(path: Path) -> Lock | None:
    text = _text_in(path)
    return None if text is None else _read_in(path, text)


def _text_in(path: str | Path) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def _read_in(path: str | Path, text: bytes) -> Lock | None:
    if not text.strip(b"\0"):
        return None
    if _CONFLICT.search(text):
        raise StoreError(
            f"{path} has a conflict of git in it: keep one side of it, or delete the file:"
            ' "repro" writes it anew'
        )
    try:
        return lock_in(text)
    except _LaterVersion:
        raise StoreError(f"{path} was written by a later pypedream: update pypedream") from None
    except json.JSONDecodeError as error:
        raise _refused(path, f"is damaged in line {error.lineno}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused(path, "is damaged") from error


def _refused(path: str | Path, reason: str) -> StoreError:
    return StoreError(f'{path} {reason}: take it from git, or delete it: "repro" writes it anew')


class _LaterVersion(Exception):
    """A lock says more than is known here."""


def _lock_of(document: dict[str, Any]) -> Lock:
    if _typed(document["version"], int) > _VERSION:
        raise _LaterVersion
    return Lock(
        stage=_typed(document["stage"], str),
        key=_typed(document["key"], str),
        pipeline=_typed(document.get("pipeline", ""), str),
        code={name: _typed(each, str) for name, each in document["code"].items()},
        params={name: _part(ParamLock, each) for name, each in document["params"].items()},
        loaders={name: _typed(each, str) for name, each in document["loaders"].items()},
        deps={name: _part(DepLock, each) for name, each in document["deps"].items()},
        outs={name: _part(OutLock, each) for name, each in document["outs"].items()},
    )


def _part(kind: type[Any], document: dict[str, Any]) -> Any:
    """Return a part of a lock; what is not known here is left out."""
    names = [each.name for each in kind.__attrs_attrs__]
    return kind(
        **{
            name: _typed(document[name], _TYPES.get(name, str))
            for name in names
            if name in document
        }
    )


def _typed(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
