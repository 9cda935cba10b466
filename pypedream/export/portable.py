"""A value in words that are the same in every process and on every machine.

No address, no order of a set and no folder of this machine comes in; of an object of a library only
its class, as another version of the library may keep other things in it.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import date, time, timedelta, tzinfo
from enum import Enum
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePath
from tempfile import gettempdir
from types import MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.parameters.annotations import home_of, text_form
from pypedream.parameters.secret import Secret
from pypedream.store.functions import CALLABLES, innermost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PLAIN: Final = (int, float, complex, bool, type(None), type(...), range, slice, timedelta)
_FOLDER: Final = "root"  # of a project: another one on each machine
_DEEPEST: Final = 40
_LONGEST: Final = 2_000


def folders_of_machine() -> frozenset[str]:
    """Return the folders that are others on another machine."""
    found = (os.getcwd(), gettempdir(), str(Path.home()), sys.prefix, sys.base_prefix)
    return frozenset(folder for folder in found if len(folder) > 1)


@define(eq=False)
class Portable:
    """Says values; it lives as long as one fingerprint is made.

    Attributes
    ----------
    folders
        Those of this machine.
    is_own
        Whether a class is the user's: of other objects only the class is said.
    met
        Functions and classes that were found in values.
    """

    folders: frozenset[str] = Factory(folders_of_machine)
    is_own: Callable[[Any], bool] = lambda _: False
    met: list[Any] = Factory(list)
    _within: set[int] = Factory(set)

    def say(self, value: Any) -> str:
        """Return a value in words; equal ones if and only if values are equal, as far as known."""
        if isinstance(value, CALLABLES):
            return self._called(value)
        if isinstance(value, Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, str):
            return repr(self.path(str(value)))
        if type(value) in _PLAIN:
            return f"{type(value).__name__} {value!r}"
        if id(value) in self._within or len(self._within) > _DEEPEST:
            return "..."
        self._within.add(id(value))
        try:
            return f"{_kind(value)} {self._inside(value)}"
        finally:
            self._within.discard(id(value))

    def _inside(self, value: Any) -> str:
        for kinds, say in _WORDS:
            if isinstance(value, kinds):
                return say(self, value)
        return self._of_object(value)

    def _of_object(self, value: Any) -> str:
        kind = type(value)
        if text_form(kind) is not None or isinstance(value, tzinfo):
            return str(value)
        if home_of(kind) == "numpy":
            return self._array(value)
        if home_of(kind) == "pypedream" or self.is_own(kind):
            self.met += [kind] if self.is_own(kind) else []
            fields = [each for each in _fields(value) if each[0] != _FOLDER]
            return self.listed(f"{name}={self.say(each)}" for name, each in fields)
        return home_of(kind)

    def _array(self, value: Any) -> str:
        dtype = getattr(value, "dtype", None)
        if dtype is None or dtype.hasobject:
            return "numpy"
        return f"{dtype.str} {value.shape} {sha256(value.tobytes()).hexdigest()}"

    def _called(self, value: Any) -> str:
        if isinstance(value, partial):
            given = self.say([value.args, value.keywords])
            return f"partial {self.say(value.func)} {given}"
        if isinstance(value, MethodType):
            return f"method {self.say(value.__func__)} of {self.say(value.__self__)}"
        self.met.append(value)
        inner = innermost(value)
        top = "" if self.is_own(inner) else home_of(inner)
        return f"{top}:{getattr(inner, '__qualname__', type(inner).__qualname__)}"

    def listed(self, members: Iterable[str]) -> str:
        """Return several things that were said, in this order."""
        text = ", ".join(members)
        return f"[{text}]" if len(text) < _LONGEST else sha256(text.encode()).hexdigest()

    def path(self, text: str) -> str:
        """Return a text without the folders of this machine: of an absolute path only its name.

        A path that is written out cannot be told from one that is found out, as by ``__file__``.
        """
        is_path = text.startswith("/") or PurePath(text).is_absolute()
        if "\n" not in text and (is_path or any(folder in text for folder in self.folders)):
            return f"<folder>/{PurePath(text).name}"
        return text


def _of_dict(to: Portable, value: dict[Any, Any]) -> str:
    return to.listed(f"{to.say(key)}: {to.say(each)}" for key, each in value.items())


_WORDS: Final[tuple[tuple[Any, Callable[[Portable, Any], str]], ...]] = (
    (Secret, lambda *_: "***"),  # not even its digest: a short secret can be found by trying
    (PurePath, lambda to, value: to.path(value.as_posix())),
    ((date, time), lambda _, value: value.isoformat()),
    ((bytes, bytearray), lambda _, value: sha256(value).hexdigest()),
    (dict, _of_dict),
    ((set, frozenset), lambda to, value: to.listed(sorted(map(to.say, value)))),
    ((list, tuple), lambda to, value: to.listed(map(to.say, value))),
    (re.Pattern, lambda _, value: f"{value.pattern!r} {value.flags}"),
    (ModuleType, lambda _, value: value.__name__),
)


def _kind(value: Any) -> str:
    return "path" if isinstance(value, PurePath) else type(value).__qualname__


def _fields(value: Any) -> list[tuple[str, Any]]:
    own = getattr(type(value), "__attrs_attrs__", None)
    if own is not None:
        names = [each.name for each in own if each.eq]
    else:
        names = sorted(getattr(value, "__dict__", ()))
    return [(name, getattr(value, name, None)) for name in names]
