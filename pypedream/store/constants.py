"""How the values are written down that code refers to, with the functions and classes in them."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, Final

from attrs import Factory, define, frozen

from pypedream.errors import UnhashableInput
from pypedream.store.encoding import Encoding, name_of, text
from pypedream.store.fields import fields_of
from pypedream.store.functions import CALLABLES
from pypedream.store.packages import is_users

# Of Python's own objects only those of these modules say what they are; others keep what happens.
_TAKEN_APART: Final = frozenset({"functools", "operator", "types", "typing"})
_CLOSED: Final = (sys.stdlib_module_names - _TAKEN_APART) | {"pypedream"}


@frozen(eq=False, repr=False)
class Constant:
    """A value that is written down.

    Attributes
    ----------
    encoded
        What is in it, with the names only of functions and classes.
    links
        The functions and classes in it, in their order.
    modules
        The modules of what is known by its type only.
    value
        The value itself, so that its id is not used again.
    """

    encoded: bytes
    links: tuple[Any, ...]
    modules: tuple[str, ...]
    value: Any


@define(eq=False, repr=False)
class Constants:
    """All values of one walk, each written down once."""

    known: dict[int, Constant] = Factory(dict)
    _encoding: Encoding | None = None  # made when it is needed, as many walks meet only numbers
    _links: list[Any] = Factory(list)
    _modules: list[str] = Factory(list)

    def of(self, value: Any) -> Constant:
        """Return how a value is written down."""
        known = self.known.get(id(value))
        if known is None:
            known = self.known[id(value)] = self._write(value)
        return known

    def has_met(self, value: Any) -> bool:
        """Say whether a value, or one that has it in it, was written down."""
        return self._encoding is not None and id(value) in self._encoding.known

    def _write(self, value: Any) -> Constant:
        self._links.clear()
        self._modules.clear()
        if self._encoding is None:
            self._encoding = Encoding(
                unknown=self._unknown,
                function=self._inside,
                met=self._links.append,
                has_cycles=True,
            )
        try:
            encoded = self._encoding.encode(value)
        except UnhashableInput:
            encoded = self._opaque(type(value))
        return Constant(encoded, tuple(self._links), tuple(self._modules), value)

    def _inside(self, value: Any) -> bytes:
        """Write down a function or class that is somewhere in a value."""
        self._links.append(value)
        return text(b"called", str(getattr(value, "__qualname__", "")))

    def _unknown(self, encoding: Encoding, value: Any) -> bytes:
        """Write down an object by its fields, if it is not one of Python itself."""
        kind = type(value)
        top = kind.__module__.partition(".")[0]
        function = getattr(value, "function", None) if top == "pypedream" else value
        if isinstance(function, CALLABLES):
            return self._inside(function)
        if top in _TAKEN_APART and not fields_of(value):
            from pypedream.store.writers import write_apart

            return write_apart(encoding, value)
        if is_users(kind) or top not in _CLOSED:
            with suppress(UnhashableInput):
                return encoding.record(b"object", kind, fields_of(value))
        return self._opaque(kind)

    def _opaque(self, kind: type) -> bytes:
        self._modules.append(kind.__module__)
        return text(b"opaque", name_of(kind))
