"""Any value as JSON that every reader accepts, in a bounded size, without ever raising.

What JSON can hold is kept as it is. Everything else becomes text, and the object says so with
``"coerced": true``: NaN, integers beyond 64 bits, bytes, arrays, tables, objects (their repr), keys
that are no text, cycles, and what is too deep or too much.
"""

from __future__ import annotations

import sys
from itertools import islice
from json.encoder import encode_basestring_ascii as quote
from math import isfinite
from typing import TYPE_CHECKING, Any

from pypedream.log.outside import outside_stages
from pypedream.log.redaction import HIDDEN, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pypedream.log.redaction import Redactor

__all__ = ["FAILURES", "encode", "plain", "plain_value", "quoted", "readable", "safe_encode"]

DEEPEST = 6
LONGEST_REPR = 8 * 1024
LONGEST_NAME = 256
MOST_TEXT = 64 * 1024
MOST_TEXTS = 256 * 1024
FEW, SHORT = 64, 4096
MOST_NAMES = 4096
MOST_BITS = 8192  # Python refuses to write an integer of more than 4300 digits
MOST_BYTES = 256
MOST_ITEMS = 64
SMALLEST, LARGEST = -(2**63), 2**64 - 1

# Types of the standard library whose str() is the value itself: dates, paths, decimals.
_TEXTUAL = frozenset(["datetime", "decimal", "enum", "fractions", "ipaddress", "pathlib", "uuid"])

# What foreign code may raise at a log. KeyboardInterrupt is the user's and goes on.
FAILURES = (Exception, SystemExit, GeneratorExit)

_NAMED = {True: "true", False: "false", None: "null"}

_heads: dict[str, str] = {}


def quoted(text: str) -> str:
    """Return *text* as a JSON string of ASCII characters, never with half a surrogate pair."""
    return quote(text if text.isascii() else _whole(text))


def safe_encode(data: Mapping[Any, Any], redactor: Redactor | None = None) -> str:
    """Return *data* as one JSON object on one line.

    Examples
    --------
    >>> safe_encode({"rows": 52, "password": "hunter2"})
    '{"rows":52,"password":"***"}'
    >>> safe_encode({"mean": float("nan")})
    '{"mean":"nan","coerced":true}'
    """
    text = _flat(data)
    if text is None or (redactor is not None and not _is_clean(text, redactor)):
        return encode(plain(data, redactor))
    return text


def plain(data: Mapping[Any, Any], redactor: Redactor | None = None) -> dict[str, Any]:
    """Return *data* as new dicts, lists, text, numbers, booleans and None.

    Secrets are hidden. ``"coerced": True`` is added if something could not stay what it was.
    """
    if redactor is None and _flat(data) is not None:
        return dict(data)
    copy = _Copy(redactor)
    try:
        result = outside_stages(copy.data, data)
    except FAILURES as error:
        return {"lost": f"{type(error).__name__} while it was encoded", "coerced": True}
    if copy.is_coerced:
        result["coerced"] = True
    return result


def plain_value(value: Any, redactor: Redactor | None = None) -> Any:
    """Return *value* as `plain` would return it within a dict, without the mark."""
    try:
        return outside_stages(_Copy(redactor).value, value, 0)
    except FAILURES as error:
        return f"<{type(error).__name__} while it was encoded>"


def readable(value: object, redactor: Redactor | None = None) -> str:
    """Return a value that should be text as text: *value* itself, its JSON, or its repr."""
    if redactor is None and type(value) is str and value.isascii() and len(value) <= MOST_TEXT:
        return value
    text = plain_value(value, redactor)
    return text if isinstance(text, str) else encode(text)


def _flat(data: Mapping[Any, Any]) -> str | None:
    """Encode a dict of plain values the short way; None when something in it is not plain."""
    if type(data) is not dict or len(data) > FEW:
        return None
    text = ""
    try:
        for name, value in data.items():
            head = _heads.get(name) or _head(name)
            kind = type(value)
            # One string that grows: for the few values of an event faster than to join a list.
            if head is None:
                return None
            if kind is str and value.isascii() and len(value) <= SHORT:
                text = f"{text}{head}{quote(value)}"
            elif kind is int and SMALLEST <= value <= LARGEST:
                text = f"{text}{head}{value}"
            elif kind is float and value - value == 0.0:  # neither nan nor infinite
                text = f"{text}{head}{value!r}"
            elif value is None or kind is bool:
                text = f"{text}{head}{_NAMED[value]}"
            else:
                return None
    except FAILURES:  # a key of a type of its own, or another thread that changes the dict
        return None
    return f"{{{text[1:]}}}"


def _is_clean(text: str, redactor: Redactor) -> bool:
    """Whether there is nothing to hide in *text*."""
    try:
        return redactor.text(text) == text
    except FAILURES:  # what cannot be checked is not shown
        return False


def _head(name: object) -> str | None:
    """Return the start of a pair; None if the name is no text, or its value must be hidden."""
    if type(name) is not str or len(name) > LONGEST_NAME or is_secret_name(name):
        return None
    if len(_heads) >= MOST_NAMES:  # names may be made up without end
        _heads.clear()
    head = _heads[name] = f",{quoted(name)}:"
    return head


def encode(value: object) -> str:
    """Return plain data as compact JSON of ASCII characters."""
    from json import dumps

    return dumps(value, separators=(",", ":"), check_circular=False, allow_nan=False)


def _whole(text: str) -> str:
    """Replace what is half a surrogate pair by its escape; no strict reader would accept it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Copy:
    """One copy in the making.

    Attributes
    ----------
    room, all_room
        How many characters the present value may still take, and all values together.
    is_coerced
        Whether anything could not stay what it was.
    open
        The ids of the containers that the present value is in.
    """

    __slots__ = ("all_room", "is_coerced", "open", "redactor", "room")

    def __init__(self, redactor: Redactor | None) -> None:
        self.redactor = redactor
        self.room, self.all_room = MOST_TEXT, MOST_TEXTS
        self.is_coerced = False
        self.open: set[int] = set()

    def data(self, data: Mapping[Any, Any]) -> dict[str, Any]:
        """Return a copy of the data of an event: a large value does not push the others out."""
        result: dict[str, Any] = {}
        pairs = _pairs(data, MOST_TEXTS)
        for number, (key, value) in enumerate(pairs):
            if self.all_room <= 0:
                result["..."] = self._coerced(f"{len(pairs) - number} more")
                break
            self._add(key, value, result, 1)
            self.all_room -= MOST_TEXT - self.room
            self.room = MOST_TEXT
        return result

    def value(self, value: Any, depth: int) -> Any:
        """Return *value* as it is, or what stands for it; never raises."""
        try:
            copied = self._exact(value, depth)
            return self._foreign(value, depth) if copied is _UNKNOWN else copied
        except FAILURES as error:
            return self._text_for(f"<{_type_name(value)}: {type(error).__name__} in its repr>")

    def _mapping(self, pairs: list[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for number, (key, value) in enumerate(pairs):
            if self.room <= 0:
                result["..."] = self._coerced(f"{len(pairs) - number} more")
                break
            self._add(key, value, result, depth)
        return result

    def _add(self, key: Any, value: Any, result: dict[str, Any], depth: int) -> None:
        name = self._name(key, result)
        is_hidden = is_secret_name(name) and value is not None
        result[name] = HIDDEN if is_hidden else self.value(value, depth)

    def _exact(self, value: Any, depth: int) -> Any:
        """Copy what JSON has a form for; `_UNKNOWN` for anything else."""
        kind = type(value)
        self.room -= 8
        if value is None or kind is bool:
            return value
        if kind is str:
            return self._text(value)
        if kind is int or kind is float:
            return self._number(value)
        if kind is dict or kind is list or kind is tuple:
            return self._container(value, depth)
        return _UNKNOWN

    def _text(self, value: str, longest: int = MOST_TEXT) -> str:
        whole = value if value.isascii() else _whole(value)
        self.is_coerced |= whole != value
        text = self._hidden(whole)
        most = max(min(self.room, longest), 0)
        if len(text) > most:
            text = self._coerced(f"{text[:most]}... ({len(text)} characters)")
        self.room -= len(text)
        return text

    def _hidden(self, text: str) -> str:
        if self.redactor is None:
            return text
        try:
            return self.redactor.text(text)
        except FAILURES:  # what cannot be checked is not shown
            return self._coerced(HIDDEN)

    def _number(self, value: float) -> Any:
        if isinstance(value, int):
            if not SMALLEST <= value <= LARGEST:
                bits = value.bit_length()
                return self._text_for(str(value) if bits <= MOST_BITS else f"<int of {bits} bits>")
        elif not isfinite(value):
            return self._coerced(repr(value))
        if self.redactor is not None and self._hidden(repr(value)) != repr(value):
            return HIDDEN
        return value

    def _container(self, value: Any, depth: int) -> Any:
        if depth >= DEEPEST:
            return self._coerced(f"<{_type_name(value)} of {len(value)}>")
        if id(value) in self.open:
            return self._coerced("<cycle>")
        self.open.add(id(value))
        try:
            if isinstance(value, dict):
                return self._mapping(_pairs(value, self.room), depth + 1)
            return self._items(value, len(value), depth + 1)
        finally:
            self.open.discard(id(value))

    def _items(self, values: Iterable[Any], size: int, depth: int) -> list[Any]:
        result = []
        for number, value in enumerate(islice(iter(values), size)):
            if self.room <= 0:
                result.append(self._coerced(f"... {size - number} more"))
                break
            result.append(self.value(value, depth))
        return result

    def _foreign(self, value: Any, depth: int) -> Any:
        """Copy what is of another type: by its JSON form if it has one, else as text."""
        scalar = _numpy_scalar(value)
        if scalar is not _UNKNOWN:
            return self.value(scalar, depth)
        for kind, as_exact in _SUBCLASSES.items():
            if isinstance(value, kind):
                return self._exact(as_exact(value), depth)
        if isinstance(value, (set, frozenset)):
            self.is_coerced = True
            return self._exact(list(value), depth)
        if _is_mapping(value):
            self.is_coerced = True
            return self._exact(dict(_pairs(value, self.room)), depth)
        return self._text_for(_described(value))

    def _text_for(self, text: str) -> str:
        self.is_coerced = True
        return self._text(text, LONGEST_REPR)

    def _coerced(self, text: str) -> str:
        self.is_coerced = True
        return text

    def _name(self, key: Any, taken: Mapping[str, Any]) -> str:
        if type(key) is str and len(key) <= LONGEST_NAME:
            name = self._text(key)
        else:
            value = self.value(key, DEEPEST - 1)
            text = value if isinstance(value, str) else encode(value)
            name = self._coerced(text[:LONGEST_NAME])
        while name in taken:  # 1 and "1" are two keys for Python
            name += "_"
        return name


_UNKNOWN: Any = object()

# A subclass may override anything: only the methods of the type itself are called.
_SUBCLASSES: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    dict: lambda value: dict(dict.items(value)),
    list: list.copy,
    tuple: lambda value: tuple(tuple.__iter__(value)),
}


def _numpy_scalar(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    generic = getattr(numpy, "generic", None)
    if generic is None or not isinstance(value, generic):
        return _UNKNOWN
    scalar = value.item()
    return _UNKNOWN if isinstance(scalar, generic) else scalar


def _is_mapping(value: Any) -> bool:
    from collections.abc import Mapping as AnyMapping

    return isinstance(value, AnyMapping)


def _pairs(value: Any, most: int) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping, which may have no end if it is not a dict."""
    if isinstance(value, dict):
        return list(dict.items(value))
    return [(key, value[key]) for key in islice(iter(value), max(most, 0))]


def _described(value: Any) -> str:
    """Return what stands for a value in a log: its text, its size, or its repr."""
    kind = type(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        start = bytes(value[:MOST_BYTES])
        return repr(start) if len(value) <= MOST_BYTES else f"{start!r}... ({len(value)} bytes)"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and _is_large(shape):
        return f"<{_type_name(value)} of shape {shape}>"
    if any(base.__module__.partition(".")[0] in _TEXTUAL for base in kind.__mro__):
        return str(value)
    return repr(value)


def _is_large(shape: tuple[Any, ...]) -> bool:
    size = 1
    for length in shape:
        size *= length if isinstance(length, int) else 1
    return size > MOST_ITEMS


def _type_name(value: Any) -> str:
    try:
        return str(type(value).__name__)
    except FAILURES:  # a metaclass may have its own idea of a name
        return "object"
